//! From the outputs of a run to the objects of each picture: head, suppression, the way back to source pixels.

use std::sync::Arc;

use detections_types::{ClassIndex, Detection};

use crate::{
    Candidate, DetectParams, InferError, Letterbox, Manifest, Nms, NmsMode, Outputs,
    head::TurnedRect,
};

/// What was found in a picture.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// The objects in the order of their report, see [`Detection::report_order`].
    pub detections: Vec<Detection>,
    /// The corners of each object's turned box in source pixels; empty where the model's boxes are upright.
    pub quads: Vec<[[f32; 2]; 4]>,
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
        let found = self.candidates.iter().map(|candidate| detection(candidate, letterbox));
        // What lies in the space around the picture is clipped to nothing.
        let mut detections: Vec<_> = found.filter(|found| found.rect.area() > 0.0).collect();
        detections.sort_by(Detection::report_order);
        Ok(Found { detections, quads: Vec::new() })
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
            Some((detection(candidate, letterbox), corners))
        });
        let mut found: Vec<_> = found.filter(|(found, _)| found.rect.area() > 0.0).collect();
        found.sort_by(|(a, _), (b, _)| a.report_order(b));
        let (detections, quads) = found.into_iter().unzip();
        Found { detections, quads }
    }
}

fn detection(candidate: &Candidate, letterbox: &Letterbox) -> Detection {
    let &Candidate { rect, score, class, .. } = candidate;
    Detection { rect: letterbox.to_source(rect), score, class }
}
