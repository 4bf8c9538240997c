//! The output of Ultralytics YOLOv8, YOLOv9 and YOLO11: box and class rows over all anchors, and behind them
//! the rows of an angle, of mask coefficients or of keypoints.
//!
//! Layout: <https://github.com/ultralytics/ultralytics>, `Detect`, `OBB`, `Segment` and
//! `Pose` heads, exports without NMS.

use detections_types::{ModelInput, Rect};
use pulp::Arch;

use super::{
    Best, Candidate, Misfit,
    best::{BLOCK, BestOfRows},
    candidate,
    turned::TurnedRect,
};
use crate::{ClassThresholds, OutputTensor};

/// Box rows, in pixels of the input.
const BOX_ROWS: usize = 4;

/// `[batch, 4 + classes + further, anchors]`: a box in pixels of the input, then one row of finished scores for
/// each class, then what is told besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClassRows {
    /// Number of classes.
    pub(crate) classes: usize,
    /// Rows behind those of the classes.
    pub(crate) further: usize,
    /// What the box rows mean.
    pub(crate) boxes: Boxes,
    /// Number of anchors, where the file states it.
    pub(crate) anchors: Option<usize>,
}

/// What the box rows mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Boxes {
    /// Centre x, centre y, width and height of an upright box.
    Upright,
    /// Left, top, right and bottom of an upright box, as those have them that would be suppressed in the graph.
    Corners,
    /// Centre, width and height of a box that is turned about its centre by the first further row, in radians.
    Turned,
}

impl ClassRows {
    pub(super) fn decode(
        &self,
        output: OutputTensor<'_>,
        image: usize,
        thresholds: &ClassThresholds,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), Misfit> {
        let anchors = self.check(output.shape)?;
        let data = output.image(image);
        if data.len() != self.rows() * anchors {
            return Err(self.misfit(output.shape));
        }
        let Some(lowest) = thresholds.lowest() else {
            return Ok(());
        };
        let scores = &data[BOX_ROWS * anchors..(BOX_ROWS + self.classes) * anchors];
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
                let rect = self.rect(data, anchors, start + i);
                candidate(rect, Best { score, class, anchor: start + i }, thresholds)
            }));
        }
        Ok(())
    }

    /// The turned box of `anchor`, where boxes are turned.
    pub(super) fn turned(
        &self,
        output: OutputTensor<'_>,
        image: usize,
        anchor: usize,
    ) -> Option<TurnedRect> {
        let anchors = *output.shape.get(2).filter(|_| self.boxes == Boxes::Turned)?;
        let data = output.image(image);
        let row = |number: usize| data.get(number * anchors + anchor).copied();
        let angle = row(BOX_ROWS + self.classes)?;
        Some(TurnedRect { cx: row(0)?, cy: row(1)?, width: row(2)?, height: row(3)?, angle })
    }

    /// The number at `place` behind the classes of `anchor`.
    pub(super) fn further(
        &self,
        output: OutputTensor<'_>,
        image: usize,
        anchor: usize,
        place: usize,
    ) -> Option<f32> {
        let anchors = *output.shape.get(2)?;
        let row = BOX_ROWS + self.classes + place;
        output.image(image).get(row * anchors + anchor).copied()
    }

    fn rect(&self, data: &[f32], anchors: usize, anchor: usize) -> Rect<ModelInput> {
        let row = |number: usize| data[number * anchors + anchor];
        let [a, b, c, d] = [0, 1, 2, 3].map(row);
        match self.boxes {
            Boxes::Upright => Rect::from_center(a, b, c, d),
            Boxes::Corners => Rect::from_corners(a, b, c, d),
            Boxes::Turned => {
                let angle = row(BOX_ROWS + self.classes);
                TurnedRect { cx: a, cy: b, width: c, height: d, angle }.bounds()
            }
        }
    }

    const fn rows(&self) -> usize {
        BOX_ROWS + self.classes + self.further
    }

    /// The number of anchors of an output of this shape.
    fn check(&self, shape: &[usize]) -> Result<usize, Misfit> {
        match *shape {
            [_, rows, anchors]
                if rows == self.rows()
                    && anchors > 0
                    && self.anchors.is_none_or(|stated| stated == anchors) =>
            {
                Ok(anchors)
            }
            _ => Err(self.misfit(shape)),
        }
    }

    fn misfit(&self, found: &[usize]) -> Misfit {
        let anchors = self.anchors.map_or_else(|| "anchors".into(), |n| n.to_string());
        Misfit::new(found, format!("[batch, {}, {anchors}]", self.rows()))
    }
}

#[cfg(test)]
mod tests {
    use detections_types::{ClassIndex, Rect, Score};

    use super::{Boxes, ClassRows};
    use crate::{
        Candidate, ClassThresholds, Head, HeadKind, InferError, OutputTensor, Outputs,
        head::Reading,
    };

    const ANCHORS: usize = 1100;

    /// One image, 2 classes, anchors that straddle two blocks; all scores 0.
    fn output() -> Vec<f32> {
        let mut data = vec![0.0; 6 * ANCHORS];
        data[2 * ANCHORS..4 * ANCHORS].fill(10.0);
        data
    }

    fn decode(data: &[f32], thresholds: &ClassThresholds) -> Result<Vec<Candidate>, InferError> {
        let rows =
            ClassRows { classes: 2, further: 0, boxes: Boxes::Upright, anchors: Some(ANCHORS) };
        let head = Head::new(HeadKind::Yolov8, Reading::ClassRows(rows));
        let mut found = Vec::new();
        let tensors = vec![OutputTensor { shape: &[1, 6, ANCHORS], data }];
        head.decode(&Outputs { tensors }, 0, thresholds, &mut found).map(|()| found)
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

    #[test]
    fn corners_are_taken_as_they_are_and_what_lies_behind_the_classes_is_told() {
        let boxes = Boxes::Corners;
        let rows = ClassRows { classes: 1, further: 2, boxes, anchors: Some(2) };
        let data = [0.0, 5.0, 0.0, 6.0, 0.0, 7.0, 0.0, 8.0, 0.0, 0.9, 1.0, 2.0, 3.0, 4.0];
        let output = OutputTensor { shape: &[1, 7, 2], data: &data };
        let mut found = Vec::new();
        rows.decode(output, 0, &above(0.5), &mut found).unwrap();
        assert_eq!(found[0].rect, Rect::from_corners(5.0, 6.0, 7.0, 8.0));
        let further = [0, 1, 2].map(|place| rows.further(output, 0, 1, place));
        assert_eq!(further, [Some(2.0), Some(4.0), None]);
    }

    #[test]
    fn a_turned_box_is_bounded_and_found_again_by_its_anchor() {
        let boxes = Boxes::Turned;
        let rows = ClassRows { classes: 1, further: 1, boxes, anchors: Some(2) };
        // Rows of two anchors: the second is 40x20 at (50, 60), turned by a right angle.
        let right = std::f32::consts::FRAC_PI_2;
        let data = [0.0, 50.0, 0.0, 60.0, 0.0, 40.0, 0.0, 20.0, 0.0, 0.9, 0.0, right];
        let output = OutputTensor { shape: &[1, 6, 2], data: &data };
        let mut found = Vec::new();
        rows.decode(output, 0, &above(0.5), &mut found).unwrap();
        let [only] = found.as_slice() else { panic!("{found:?}") };
        let expected = [40.0, 40.0, 60.0, 80.0];
        let edges = [only.rect.x0, only.rect.y0, only.rect.x1, only.rect.y1];
        assert!(edges.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{edges:?}");
        let turned = rows.turned(output, 0, only.anchor as usize).unwrap();
        assert!((turned.angle - right).abs() < 1e-6);
    }
}
