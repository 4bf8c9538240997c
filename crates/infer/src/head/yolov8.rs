//! The output of Ultralytics YOLOv8, YOLOv9 and YOLO11: box and class rows over all anchors.
//!
//! Layout: <https://github.com/ultralytics/ultralytics>, `Detect` head, export without NMS.

use detections_types::Rect;
use pulp::Arch;

use super::{
    Candidate, HeadKind,
    best::{BLOCK, BestOfRows},
    candidate,
};
use crate::{ClassThresholds, InferError, OutputTensor};

/// Box rows: centre x, centre y, width, height in pixels of the input.
const BOX_ROWS: usize = 4;

/// `[batch, 4 + classes, anchors]`: centre x, centre y, width and height in pixels of the input, then
/// one row of finished scores for each class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Yolov8Head {
    /// Number of classes.
    pub(crate) classes: usize,
    /// Number of anchors, where the file states it.
    pub(crate) anchors: Option<usize>,
}

impl Yolov8Head {
    pub(super) fn decode(
        &self,
        output: OutputTensor<'_>,
        image: usize,
        thresholds: &ClassThresholds,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), InferError> {
        let anchors = self.check(output.shape)?;
        let data = output.image(image);
        if data.len() != (BOX_ROWS + self.classes) * anchors {
            return Err(self.misfit(output.shape));
        }
        let Some(lowest) = thresholds.lowest() else {
            return Ok(());
        };
        let (boxes, scores) = data.split_at(BOX_ROWS * anchors);
        let mut best = BestOfRows::new();
        for start in (0..anchors).step_by(BLOCK) {
            let len = BLOCK.min(anchors - start);
            Arch::new().dispatch(
                #[inline(always)]
                || best.sweep(scores, anchors, start, len),
            );
            let found = best.score[..len].iter().zip(&best.class).enumerate();
            let found = found.filter(|(_, (score, _))| **score >= lowest.get());
            candidates.extend(found.filter_map(|(i, (&score, &class))| {
                candidate(rect(boxes, anchors, start + i), score, class, thresholds)
            }));
        }
        Ok(())
    }

    /// The number of anchors of an output of this shape.
    fn check(&self, shape: &[usize]) -> Result<usize, InferError> {
        match *shape {
            [_, rows, anchors]
                if rows == BOX_ROWS + self.classes
                    && anchors > 0
                    && self.anchors.is_none_or(|stated| stated == anchors) =>
            {
                Ok(anchors)
            }
            _ => Err(self.misfit(shape)),
        }
    }

    fn misfit(&self, found: &[usize]) -> InferError {
        let anchors = self.anchors.map_or_else(|| "anchors".into(), |n| n.to_string());
        InferError::OutputShape {
            head: HeadKind::Yolov8,
            found: found.to_vec(),
            expected: format!("[batch, {}, {anchors}]", BOX_ROWS + self.classes),
        }
    }
}

fn rect(boxes: &[f32], anchors: usize, anchor: usize) -> Rect<detections_types::ModelInput> {
    let row = |number: usize| boxes[number * anchors + anchor];
    Rect::from_center(row(0), row(1), row(2), row(3))
}

#[cfg(test)]
mod tests {
    use detections_types::{ClassIndex, Rect, Score};

    use super::Yolov8Head;
    use crate::{Candidate, ClassThresholds, Head, InferError, OutputTensor};

    const ANCHORS: usize = 1100;

    /// One image, 2 classes, anchors that straddle two blocks; all scores 0.
    fn output() -> Vec<f32> {
        let mut data = vec![0.0; 6 * ANCHORS];
        data[2 * ANCHORS..4 * ANCHORS].fill(10.0);
        data
    }

    fn decode(data: &[f32], thresholds: &ClassThresholds) -> Result<Vec<Candidate>, InferError> {
        let head = Head::Yolov8(Yolov8Head { classes: 2, anchors: Some(ANCHORS) });
        let mut found = Vec::new();
        let output = OutputTensor { shape: &[1, 6, ANCHORS], data };
        head.decode(output, 0, thresholds, &mut found).map(|()| found)
    }

    fn above(score: f32) -> ClassThresholds {
        ClassThresholds::uniform(Score::new(score).unwrap())
    }

    #[test]
    fn the_best_class_and_the_corners_are_found_in_every_block() {
        let mut data = output();
        for (anchor, x) in [(3, 50.0), (1099, 70.0)] {
            data[anchor] = x;
            data[ANCHORS + anchor] = 20.0;
            data[4 * ANCHORS + anchor] = 0.4;
            data[5 * ANCHORS + anchor] = 0.6;
        }
        let found = decode(&data, &above(0.5)).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].rect, Rect::from_corners(45.0, 15.0, 55.0, 25.0));
        assert_eq!(found[1].rect, Rect::from_corners(65.0, 15.0, 75.0, 25.0));
        assert_eq!((found[1].score, found[1].class), (Score::new(0.6).unwrap(), ClassIndex(1)));
    }

    #[test]
    fn numbers_that_are_not_finite_and_empty_boxes_are_left_out() {
        let mut data = output();
        data[5 * ANCHORS..].fill(0.9);
        data[0] = f32::NAN;
        data[ANCHORS + 1] = f32::INFINITY;
        data[2 * ANCHORS + 2] = -4.0;
        data[3 * ANCHORS + 3] = 0.0;
        data[5 * ANCHORS + 4] = f32::INFINITY;
        data[5 * ANCHORS + 5] = f32::NAN;
        let found = decode(&data, &above(0.5)).unwrap();
        assert_eq!(found.len(), ANCHORS - 6);
    }

    #[test]
    fn a_class_that_is_not_wanted_takes_its_box_away() {
        let mut data = output();
        data[4 * ANCHORS] = 0.6;
        data[5 * ANCHORS] = 0.9;
        let first = ClassThresholds::per_class(vec![Score::new(0.1), None]);
        assert!(decode(&data, &first).unwrap().is_empty());
        let none = ClassThresholds::per_class(vec![None, None]);
        assert!(decode(&data, &none).unwrap().is_empty());
    }

    #[test]
    fn another_shape_is_an_error() {
        let message = decode(&[0.0; 6], &above(0.5)).unwrap_err().to_string();
        assert!(message.contains("[batch, 6, 1100]"), "{message}");
    }
}
