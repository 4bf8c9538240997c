//! From a model's raw output to candidate boxes: the closed set of output layouts, as data.

mod best;
mod yolov8;
mod yolox;

use std::fmt;

use detections_types::{ClassIndex, ModelInput, Rect, Score};

use crate::{ClassThresholds, InferError, OutputTensor};

pub(crate) use self::yolox::STRIDES;
pub use self::{yolov8::Yolov8Head, yolox::YoloxHead};

/// The supported output layouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeadKind {
    /// Ultralytics YOLOv8, YOLOv9, YOLO11: `[batch, 4 + classes, anchors]`.
    Yolov8,
    /// Megvii YOLOX, raw grid: `[batch, anchors, 5 + classes]`.
    Yolox,
}

impl HeadKind {
    /// All of them with the layout of their output, for messages.
    pub const SUPPORTED: &'static str = "`yolov8` (Ultralytics YOLOv8/9/11, [batch, 4 + classes, anchors] \
         with anchors of strides 8, 16, 32, optionally 4 or 64) and `yolox` (YOLOX raw grid, \
         [batch, anchors, 5 + classes] with anchors of strides 8, 16, 32)";
}

impl fmt::Display for HeadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yolov8 => "yolov8",
            Self::Yolox => "yolox",
        })
    }
}

/// How to read a model's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// See [`Yolov8Head`].
    Yolov8(Yolov8Head),
    /// See [`YoloxHead`].
    Yolox(YoloxHead),
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
}

impl Head {
    /// Its layout.
    #[must_use]
    pub const fn kind(&self) -> HeadKind {
        match self {
            Self::Yolov8(_) => HeadKind::Yolov8,
            Self::Yolox(_) => HeadKind::Yolox,
        }
    }

    /// How many classes it tells apart.
    #[must_use]
    pub const fn classes(&self) -> usize {
        match self {
            Self::Yolov8(head) => head.classes,
            Self::Yolox(head) => head.classes,
        }
    }

    /// Appends the boxes of image `image` whose best class reaches its threshold to `candidates`.
    ///
    /// Boxes and scores that are not finite, and boxes without an area, are left out.
    ///
    /// # Errors
    /// [`InferError::OutputShape`] when `output` is not of this layout.
    pub fn decode(
        &self,
        output: OutputTensor<'_>,
        image: usize,
        thresholds: &ClassThresholds,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), InferError> {
        match self {
            Self::Yolov8(head) => head.decode(output, image, thresholds, candidates),
            Self::Yolox(head) => head.decode(output, image, thresholds, candidates),
        }
    }
}

/// The candidate of a box and its best class, unless it does not count.
fn candidate(
    rect: Rect<ModelInput>,
    score: f32,
    class: u32,
    thresholds: &ClassThresholds,
) -> Option<Candidate> {
    let class = ClassIndex(class);
    let threshold = thresholds.of(class)?;
    let sound = score.is_finite() && rect.is_finite() && rect.x1 > rect.x0 && rect.y1 > rect.y0;
    let score = Score::clamped(score).filter(|score| sound && *score >= threshold)?;
    Some(Candidate { rect, score, class })
}

/// Cells of the grids with `strides` over an input, which are the anchors of an anchor-free head.
pub(crate) fn anchors(height: usize, width: usize, strides: &[usize]) -> usize {
    strides.iter().map(|stride| (height / stride) * (width / stride)).sum()
}
