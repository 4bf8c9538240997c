//! From a model's raw outputs to candidate boxes: the closed set of output layouts, as data.

mod best;
mod class_rows;
mod columns;
mod dfl;
mod distances;
mod grid;
mod kind;
mod listed;
mod logits;
mod maps;
mod objects;
mod pair;
mod turned;

use detections_types::{BoxNumbers, ClassIndex, ModelInput, Rect, Score, Source};

use crate::{
    ClassThresholds, InferError, InputShape, Letterbox, Mask, OutputTensor, Outputs,
    mask::Prototypes, numeric::float,
};

pub use self::kind::HeadKind;
pub(crate) use self::{
    class_rows::{Boxes, ClassRows},
    columns::{Columns, Objectness},
    dfl::Dfl,
    distances::{BOX as DISTANCES, Distances, STRIDES as DISTANCE_STRIDES, Tensors, cells},
    grid::{Grid, STRIDES},
    listed::Listed,
    maps::{Anchors, Maps, YOLOV5, YOLOV7},
    objects::Objects,
    pair::{Grade, Pair},
    turned::TurnedRect,
};

/// How to read a model's outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    kind: HeadKind,
    reading: Reading,
    points: Option<Points>,
}

/// How keypoints lie behind box and classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Points {
    /// How many an object has.
    pub(crate) count: usize,
    /// Numbers of one: x, y and, where there are three, how visible it is.
    pub(crate) numbers: usize,
}

/// What the layouts have in common is read in the same way, with their differences as data.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reading {
    ClassRows(ClassRows),
    Columns(Columns),
    Grid(Grid),
    Maps(Maps),
    Objects(Objects),
    Pair(Pair),
    Listed(Listed),
    Distances(Distances),
    Dfl(Dfl),
}

/// A box that the model proposes, before boxes of the same object are thinned out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Where it is: finite, not empty.
    pub rect: Rect<ModelInput>,
    /// How sure the model is.
    pub score: Score,
    /// The class it is most sure of.
    pub class: ClassIndex,
    /// Where in the outputs of its picture it was read, for what else is told there.
    pub anchor: u32,
}

impl Head {
    pub(crate) const fn new(kind: HeadKind, reading: Reading) -> Self {
        Self { kind, reading, points: None }
    }

    /// The same head, whose objects have keypoints.
    pub(crate) fn with_points(self, points: Points) -> Self {
        Self { points: Some(points), ..self }
    }

    /// Its layout.
    #[must_use]
    pub const fn kind(&self) -> HeadKind {
        self.kind
    }

    /// How many classes it tells apart.
    #[must_use]
    pub const fn classes(&self) -> usize {
        match &self.reading {
            Reading::ClassRows(head) => head.classes,
            Reading::Columns(head) => head.classes,
            Reading::Grid(head) => head.classes,
            Reading::Maps(head) => head.classes,
            Reading::Objects(head) => head.classes,
            Reading::Pair(head) => head.classes,
            Reading::Listed(head) => head.classes,
            Reading::Distances(head) => head.classes,
            Reading::Dfl(head) => head.classes,
        }
    }

    /// Appends the boxes of image `image` whose best class reaches its threshold to `candidates`.
    ///
    /// Boxes and scores that are not finite, and boxes without an area, are left out.
    ///
    /// # Errors
    /// [`InferError::OutputShape`] when `outputs` are not of this layout.
    pub fn decode(
        &self,
        outputs: &Outputs<'_>,
        image: usize,
        thresholds: &ClassThresholds,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), InferError> {
        let first = || first(outputs);
        let decoded = match &self.reading {
            Reading::ClassRows(head) => head.decode(first(), image, thresholds, candidates),
            Reading::Columns(head) => head.decode(first(), image, thresholds, candidates),
            Reading::Grid(head) => head.decode(first(), image, thresholds, candidates),
            Reading::Maps(head) => head.decode(outputs, image, thresholds, candidates),
            Reading::Objects(head) => head.decode(first(), image, thresholds, candidates),
            Reading::Pair(head) => head.decode(outputs, image, thresholds, candidates),
            Reading::Listed(head) => head.decode(outputs, image, thresholds, candidates),
            Reading::Distances(head) => head.decode(outputs, image, thresholds, candidates),
            Reading::Dfl(head) => head.decode(outputs, image, thresholds, candidates),
        };
        decoded.map_err(|Misfit { found, expected }| InferError::OutputShape {
            head: self.kind,
            found,
            expected,
        })
    }

    /// The turned box that `candidate` was read from, where the layout has such.
    pub(crate) fn turned(
        &self,
        outputs: &Outputs<'_>,
        image: usize,
        candidate: &Candidate,
    ) -> Option<TurnedRect> {
        let anchor = candidate.anchor as usize;
        match &self.reading {
            Reading::ClassRows(head) => head.turned(first(outputs), image, anchor),
            Reading::Objects(head) => head.turned(first(outputs), image, anchor),
            Reading::Columns(_)
            | Reading::Grid(_)
            | Reading::Maps(_)
            | Reading::Pair(_)
            | Reading::Listed(_)
            | Reading::Distances(_)
            | Reading::Dfl(_) => None,
        }
    }

    /// The keypoints of `candidate` in pixels of the input, x, y and visibility each, where the layout has such.
    pub(crate) fn keypoints(
        &self,
        outputs: &Outputs<'_>,
        image: usize,
        candidate: &Candidate,
    ) -> Option<Vec<[f32; 3]>> {
        let Points { count, numbers } = self.points?;
        let number = |place: usize| self.further(first(outputs), image, candidate, place);
        let point = |index: usize| {
            let start = index * numbers;
            // Points that are told without it are visible.
            let visible = if numbers > 2 { number(start + 2)? } else { 1.0 };
            Some([number(start)?, number(start + 1)?, visible])
        };
        (0..count).map(point).collect()
    }

    /// Whether it tells the pixels of objects.
    #[must_use]
    pub const fn has_masks(&self) -> bool {
        matches!(self.kind, HeadKind::YoloSeg)
    }

    /// The pixels of `candidate`, which lies at `rect` in its picture, where the layout tells them.
    pub(crate) fn mask(
        &self,
        outputs: &Outputs<'_>,
        image: usize,
        candidate: &Candidate,
        (letterbox, rect, input): (&Letterbox, &Rect<Source>, InputShape),
    ) -> Option<Mask> {
        let tensor = outputs.tensors.get(1).filter(|_| self.has_masks())?;
        let &[_, planes, height, width] = tensor.shape else {
            return None;
        };
        let data = tensor.image(image);
        let number = |place: usize| self.further(first(outputs), image, candidate, place);
        let weights = (0..planes).map(number).collect::<Option<Vec<f32>>>()?;
        let scale = [float(width) / float(input.width), float(height) / float(input.height)];
        let prototypes = Prototypes { data, height, width, scale };
        Some(prototypes.mask(&weights, letterbox, rect))
    }

    /// The number at `place` behind the box and the classes that `candidate` was read from.
    fn further(
        &self,
        output: OutputTensor<'_>,
        image: usize,
        candidate: &Candidate,
        place: usize,
    ) -> Option<f32> {
        let anchor = candidate.anchor as usize;
        match &self.reading {
            Reading::ClassRows(head) => head.further(output, image, anchor, place),
            Reading::Objects(head) => head.further(output, image, anchor, place),
            Reading::Columns(_)
            | Reading::Grid(_)
            | Reading::Maps(_)
            | Reading::Pair(_)
            | Reading::Listed(_)
            | Reading::Distances(_)
            | Reading::Dfl(_) => None,
        }
    }

    /// Whether its boxes are turned.
    pub(crate) const fn is_turned(&self) -> bool {
        matches!(
            &self.reading,
            Reading::ClassRows(ClassRows { boxes: Boxes::Turned, .. })
                | Reading::Objects(Objects { angle: Some(_), .. })
        )
    }

    /// Whether its boxes are final, so that none suppresses another.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(&self.reading, Reading::Objects(_) | Reading::Listed(_))
            || matches!(&self.reading, Reading::Pair(Pair { grade: Grade::Logits, .. }))
            || matches!(self.kind, HeadKind::RtDetrUltralytics)
    }
}

/// The first output; one of no elements where there is none.
fn first<'a>(outputs: &Outputs<'a>) -> OutputTensor<'a> {
    outputs.tensors.first().copied().unwrap_or(OutputTensor { shape: &[], data: &[] })
}

/// An output that is not of the layout.
#[derive(Debug)]
struct Misfit {
    found: Vec<usize>,
    expected: String,
}

impl Misfit {
    fn new(found: &[usize], expected: String) -> Self {
        Self { found: found.to_vec(), expected }
    }
}

/// The box of four numbers, the horizontal and vertical ones of which are multiplied.
#[inline(always)]
fn scaled_rect(form: BoxNumbers, numbers: &[f32], [x, y]: [f32; 2]) -> Rect<ModelInput> {
    let [a, b, c, d] = [numbers[0] * x, numbers[1] * y, numbers[2] * x, numbers[3] * y];
    match form {
        BoxNumbers::Corners => Rect::from_corners(a, b, c, d),
        BoxNumbers::Centre => Rect::from_center(a, b, c, d),
    }
}

/// An anchor's best class.
#[derive(Debug, Clone, Copy)]
struct Best {
    score: f32,
    class: u32,
    anchor: usize,
}

/// The candidate of a box and its best class, unless it does not count.
#[inline]
fn candidate(
    rect: Rect<ModelInput>,
    best: Best,
    thresholds: &ClassThresholds,
) -> Option<Candidate> {
    let Best { score, class, anchor } = best;
    let class = ClassIndex(class);
    let threshold = thresholds.of(class)?;
    let sound = score.is_finite() && rect.is_finite() && rect.x1 > rect.x0 && rect.y1 > rect.y0;
    let score = Score::clamped(score).filter(|score| sound && *score >= threshold)?;
    Some(Candidate { rect, score, class, anchor: u32::try_from(anchor).unwrap_or(u32::MAX) })
}

/// Cells of the grids with `strides` over an input, which are the anchors of an anchor-free head.
pub(crate) fn anchors(height: usize, width: usize, strides: &[usize]) -> usize {
    strides.iter().map(|stride| (height / stride) * (width / stride)).sum()
}
