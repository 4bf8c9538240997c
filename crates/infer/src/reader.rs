//! From the outputs of a run to the objects of each picture: head, suppression, the way back to source pixels.

use std::sync::Arc;

use detections_types::{ClassIndex, Detection, Region};

use crate::{
    Candidate, DetectParams, InferError, Letterbox, Manifest, Mask, Masks, Nms, NmsMode, Outputs,
    head::TurnedRect, numeric::float,
};

/// What was found in a picture.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// The objects in the order of their report, see [`Detection::report_order`].
    pub detections: Vec<Detection>,
    /// What the model tells of each object besides; empty where it tells no more than an upright box.
    pub details: Vec<Detail>,
}

/// What a model tells of an object besides its upright box; places are in source pixels, also outside the picture.
#[derive(Debug, Clone, PartialEq)]
pub enum Detail {
    /// The corners of its turned box in turn.
    Turned([[f32; 2]; 4]),
    /// Its keypoints: x, y, and how visible each is, 0 to 1.
    Keypoints(Vec<[f32; 3]>),
    /// Its pixels, where they were asked for.
    Mask(Mask),
}

impl Detail {
    /// The same in pixels of the `whole` picture, of which `part` was searched.
    pub(crate) fn within(self, part: Region, whole: Region) -> Self {
        let pixels = |count: u32| float(count as usize);
        let (dx, dy) = (pixels(part.x), pixels(part.y));
        match self {
            Self::Turned(corners) => Self::Turned(corners.map(|[x, y]| [x + dx, y + dy])),
            Self::Keypoints(points) => {
                let points = points.into_iter().map(|[x, y, visible]| [x + dx, y + dy, visible]);
                Self::Keypoints(points.collect())
            }
            Self::Mask(mask) => Self::Mask(mask.within(part, whole)),
        }
    }
}

/// Turns outputs into objects, with scratch memory that is kept from picture to picture.
#[derive(Debug)]
pub struct Reader {
    manifest: Arc<Manifest>,
    nms: Nms,
    candidates: Vec<Candidate>,
}

impl Reader {
    /// A reader of a model's outputs.
    #[must_use]
    pub fn new(manifest: Arc<Manifest>) -> Self {
        Self { manifest, nms: Nms::default(), candidates: Vec::new() }
    }

    /// What the model is.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// From the outputs of image `image` to the objects in its picture.
    ///
    /// # Errors
    /// [`InferError::OutputShape`] when the outputs are not those of the head.
    pub fn read(
        &mut self,
        outputs: &Outputs<'_>,
        image: usize,
        letterbox: &Letterbox,
        params: &DetectParams,
    ) -> Result<Found, InferError> {
        let head = &self.manifest.head;
        self.candidates.clear();
        head.decode(outputs, image, &params.thresholds, &mut self.candidates)?;
        if head.is_turned() {
            return Ok(self.read_turned(outputs, image, letterbox, params));
        }
        if head.is_final() {
            Nms::best(&mut self.candidates, params.max_detections);
        } else {
            let DetectParams { iou, nms, max_detections, .. } = *params;
            self.nms.suppress(&mut self.candidates, iou, nms, max_detections);
        }
        let found = self.candidates.iter().map(|one| (detection(one, letterbox), one));
        // What lies in the space around the picture is clipped to nothing.
        let mut found: Vec<_> = found.filter(|(found, _)| found.rect.area() > 0.0).collect();
        found.sort_by(|(a, _), (b, _)| a.report_order(b));
        let points = |one: &Candidate| {
            let told = head.keypoints(outputs, image, one)?.into_iter();
            let told = told.map(|[x, y, visible]| {
                let [x, y] = letterbox.point_to_source([x, y]);
                [x, y, visible]
            });
            Some(Detail::Keypoints(told.collect()))
        };
        let input = self.manifest.input;
        let mask = |found: &Detection, one: &Candidate| match params.masks {
            Masks::On => head.mask(outputs, image, one, (letterbox, &found.rect, input)),
            Masks::Off => None,
        };
        let detail = |(found, one): &(Detection, &Candidate)| {
            points(one).or_else(|| mask(found, one).map(Detail::Mask))
        };
        let details = found.iter().filter_map(detail).collect();
        Ok(Found { detections: found.into_iter().map(|(found, _)| found).collect(), details })
    }

    /// Turned boxes suppress each other by their own overlap, and their corners are told.
    fn read_turned(
        &mut self,
        outputs: &Outputs<'_>,
        image: usize,
        letterbox: &Letterbox,
        params: &DetectParams,
    ) -> Found {
        // Places are numbered, so that a candidate's turned box is found while they are sorted.
        let head = &self.manifest.head;
        let turned: Vec<Option<TurnedRect>> = self
            .candidates
            .iter()
            .map(|candidate| head.turned(outputs, image, candidate))
            .collect();
        self.candidates.iter_mut().zip(0..).for_each(|(candidate, place)| candidate.anchor = place);
        let class = |candidate: &Candidate| match params.nms {
            NmsMode::ClassWise => candidate.class,
            NmsMode::Agnostic => ClassIndex(0),
        };
        let is_final = head.is_final();
        let of = |candidate: &Candidate| turned.get(candidate.anchor as usize).copied().flatten();
        Nms::suppress_by(&mut self.candidates, params.max_detections, |kept, other| {
            let overlap = of(kept).zip(of(other)).map(|(kept, other)| kept.overlap(&other));
            !is_final
                && class(kept) == class(other)
                && overlap.is_some_and(|overlap| overlap > params.iou)
        });
        let found = self.candidates.iter().filter_map(|candidate| {
            let corners = of(candidate)?.corners().map(|corner| letterbox.point_to_source(corner));
            Some((detection(candidate, letterbox), Detail::Turned(corners)))
        });
        let mut found: Vec<_> = found.filter(|(found, _)| found.rect.area() > 0.0).collect();
        found.sort_by(|(a, _), (b, _)| a.report_order(b));
        let (detections, details) = found.into_iter().unzip();
        Found { detections, details }
    }
}

fn detection(candidate: &Candidate, letterbox: &Letterbox) -> Detection {
    let &Candidate { rect, score, class, .. } = candidate;
    Detection { rect: letterbox.to_source(rect), score, class }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use detections_types::{Dim, ElementType, ModelDescription, Signature, TensorInfo};

    use super::{Detail, Reader};
    use crate::{
        DetectParams, Letterbox, Manifest, ManifestOptions, Masks, OutputTensor, Outputs, Placement,
    };

    const ANCHORS: usize = 21;

    fn manifest(outputs: &[&[usize]], said: &[(&str, &str)]) -> Manifest {
        let tensor = |name: String, shape: &[usize]| TensorInfo {
            name,
            element: ElementType::F32,
            shape: shape.iter().copied().map(Dim::Fixed).collect(),
        };
        let outputs = outputs.iter().enumerate();
        let outputs = outputs.map(|(place, shape)| tensor(format!("output{place}"), shape));
        let named = said.iter().chain(&[("names", "['person']")]);
        let description = ModelDescription {
            signature: Signature {
                inputs: vec![tensor("images".into(), &[1, 3, 32, 32])],
                outputs: outputs.collect(),
            },
            metadata: named.map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            ..Default::default()
        };
        Manifest::resolve(&description, &ManifestOptions::default()).unwrap()
    }

    /// The keypoints of the surer one of two far objects, in a picture twice the input's size.
    fn keypoints(points: &str, numbers: &[f32]) -> Vec<[f32; 3]> {
        let rows = 5 + numbers.len();
        let mut data = vec![0.0; rows * ANCHORS];
        let weaker = [26.0, 26.0, 8.0, 8.0, 0.6];
        for (row, number) in weaker.into_iter().enumerate() {
            data[row * ANCHORS] = number;
        }
        let surer = [8.0, 8.0, 8.0, 8.0, 0.9];
        for (row, number) in surer.into_iter().chain(numbers.iter().copied()).enumerate() {
            data[row * ANCHORS + 20] = number;
        }
        let said = [("task", "pose"), ("kpt_shape", points)];
        let manifest = manifest(&[&[1, rows, ANCHORS]], &said);
        let placed = Letterbox::fit(64, 64, manifest.input, Placement::Centre);
        let shape = [1, rows, ANCHORS];
        let tensors = vec![OutputTensor { shape: &shape, data: &data }];
        let mut reader = Reader::new(Arc::new(manifest));
        let found =
            reader.read(&Outputs { tensors }, 0, &placed, &DetectParams::default()).unwrap();
        assert_eq!((found.detections.len(), found.details.len()), (2, 2));
        let Detail::Keypoints(points) = &found.details[0] else { panic!("{found:?}") };
        points.clone()
    }

    #[test]
    fn keypoints_are_told_beside_their_object_in_pixels_of_the_picture() {
        let three = keypoints("[2, 3]", &[4.0, 5.0, 0.25, 9.0, 10.0, 0.75]);
        assert_eq!(three, [[8.0, 10.0, 0.25], [18.0, 20.0, 0.75]]);
        let two = keypoints("(2, 2)", &[4.0, 5.0, 9.0, 10.0]);
        assert_eq!(two, [[8.0, 10.0, 1.0], [18.0, 20.0, 1.0]]);
    }
    #[test]
    fn masks_are_told_where_they_are_asked_for() {
        let (rows, prototypes) = ([1, 7, ANCHORS], [1, 2, 8, 8]);
        let mut data = vec![0.0; 7 * ANCHORS];
        for (row, number) in [8.0, 8.0, 8.0, 8.0, 0.9, 1.0, 0.5].into_iter().enumerate() {
            data[row * ANCHORS + 20] = number;
        }
        // The first prototype is 1 everywhere, the second takes that away from the right half of the input.
        let columns = [0.0, 0.0, 0.0, 0.0, -4.0, -4.0, -4.0, -4.0];
        let planes = [vec![1.0; 64], columns.repeat(8)].concat();
        let manifest = manifest(&[&rows, &prototypes], &[("task", "segment")]);
        let placed = Letterbox::fit(64, 64, manifest.input, Placement::Centre);
        let mut reader = Reader::new(Arc::new(manifest));
        let mut read = |masks| {
            let tensors = vec![
                OutputTensor { shape: &rows, data: &data },
                OutputTensor { shape: &prototypes, data: &planes },
            ];
            let params = DetectParams { masks, ..DetectParams::default() };
            reader.read(&Outputs { tensors }, 0, &placed, &params).unwrap()
        };
        assert!(read(Masks::Off).details.is_empty());
        let found = read(Masks::On);
        let [Detail::Mask(mask)] = found.details.as_slice() else { panic!("{found:?}") };
        assert_eq!((mask.height, mask.width), (64, 64));
        // A box of 16x16 pixels in the left half: all of it.
        let inside: u32 = mask.counts.iter().skip(1).step_by(2).sum();
        assert_eq!(inside, 256);
        assert_eq!(mask.counts.iter().sum::<u32>(), 64 * 64);
    }
}
