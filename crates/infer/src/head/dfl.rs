//! The logits of YOLOv8's head in front of its decoding: distributions over distances from a cell's middle, and class
//! logits. Only the boxes of anchors that are sure enough are decoded, which a graph does for all.
//!
//! Layout: <https://github.com/ultralytics/ultralytics>, `Detect`, `DFL` and `dist2bbox`; Li et al., "Generalized Focal
//! Loss", arXiv 2006.04388.

use detections_types::{ModelInput, Rect};
use pulp::Arch;

use super::{
    Best, Candidate, Misfit,
    best::{BLOCK, BestOfRows},
    candidate,
    logits::{mean, sigmoid},
};
use crate::{ClassThresholds, Outputs, numeric::float};

/// `[batch, 4 * bins, anchors]` and `[batch, classes, anchors]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dfl {
    /// Number of classes.
    pub(crate) classes: usize,
    /// Distances of a distribution, in cells from 0 on.
    pub(crate) bins: usize,
    /// The grids' cell sizes in pixels of the input, in the order of the anchors.
    pub(crate) strides: &'static [usize],
    /// Rows of the input in pixels.
    pub(crate) height: usize,
    /// Columns of the input in pixels.
    pub(crate) width: usize,
}

impl Dfl {
    pub(super) fn decode(
        &self,
        outputs: &Outputs<'_>,
        image: usize,
        thresholds: &ClassThresholds,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), Misfit> {
        let anchors = super::anchors(self.height, self.width, self.strides);
        let boxes = rows(outputs, 0, image, [4 * self.bins, anchors])?;
        let scores = rows(outputs, 1, image, [self.classes, anchors])?;
        let Some(lowest) = thresholds.lowest() else {
            return Ok(());
        };
        let lowest = lowest_logit(lowest.get());
        let mut best = BestOfRows::new();
        for start in (0..anchors).step_by(BLOCK) {
            let len = BLOCK.min(anchors - start);
            Arch::new().dispatch(
                #[inline(always)]
                || best.sweep(scores, anchors, start, len),
            );
            let found = best.score[..len].iter().zip(&best.class).zip(start..);
            // An anchor of NaNs keeps minus infinity.
            let sure = |logit: f32| logit >= lowest && logit > f32::NEG_INFINITY;
            let found = found.filter(|((logit, _), _)| sure(**logit));
            candidates.extend(found.filter_map(|((&logit, &class), anchor)| {
                let best = Best { score: sigmoid(logit), class, anchor };
                candidate(self.rect(boxes, anchors, anchor)?, best, thresholds)
            }));
        }
        Ok(())
    }

    fn rect(&self, boxes: &[f32], anchors: usize, anchor: usize) -> Option<Rect<ModelInput>> {
        let [x, y, stride] = self.middle(anchor)?;
        let side = |side: usize| {
            let bin = |bin: usize| boxes[(side * self.bins + bin) * anchors + anchor];
            mean((0..self.bins).map(bin)) * stride
        };
        Some(Rect::from_corners(x - side(0), y - side(1), x + side(2), y + side(3)))
    }

    /// The middle of an anchor's cell in pixels of the input, and the cell's size.
    fn middle(&self, anchor: usize) -> Option<[f32; 3]> {
        let mut place = anchor;
        for &stride in self.strides {
            let (rows, columns) = (self.height / stride, self.width / stride);
            if place < rows * columns {
                let (row, column) = (place / columns, place % columns);
                let middle = |cell: usize| (float(cell) + 0.5) * float(stride);
                return Some([middle(column), middle(row), float(stride)]);
            }
            place -= rows * columns;
        }
        None
    }
}

/// An output's rows of one image.
fn rows<'a>(
    outputs: &Outputs<'a>,
    index: usize,
    image: usize,
    shape: [usize; 2],
) -> Result<&'a [f32], Misfit> {
    let missing = || Misfit::new(&[], format!("an output {index}"));
    let output = outputs.tensors.get(index).copied().ok_or_else(missing)?;
    let data = output.image(image);
    if output.shape.get(1..) != Some(&shape) || data.len() != shape[0] * shape[1] || data.is_empty()
    {
        return Err(Misfit::new(output.shape, format!("[batch, {}, {}]", shape[0], shape[1])));
    }
    Ok(data)
}

/// A hair below what the sigmoid makes `score` of, for what rounding does to the logarithm; scores themselves are
/// compared again. From 17 on rounding makes them 1.
fn lowest_logit(score: f32) -> f32 {
    ((score / (1.0 - score)).ln() - 1e-3).min(16.0)
}

#[cfg(test)]
mod tests {
    use detections_types::{ClassIndex, Score};

    use super::Dfl;
    use crate::{Candidate, ClassThresholds, OutputTensor, Outputs};

    const HEAD: Dfl = Dfl { classes: 2, bins: 4, strides: &[8, 16], height: 32, width: 48 };
    /// 4x6 and 2x3 cells.
    const ANCHORS: usize = 30;

    fn decode(boxes: &[f32], scores: &[f32], lowest: f32) -> Vec<Candidate> {
        let boxes = OutputTensor { shape: &[1, 16, ANCHORS], data: boxes };
        let scores = OutputTensor { shape: &[1, 2, ANCHORS], data: scores };
        let thresholds = ClassThresholds::uniform(Score::new(lowest).unwrap());
        let mut found = Vec::new();
        let outputs = Outputs { tensors: vec![boxes, scores] };
        HEAD.decode(&outputs, 0, &thresholds, &mut found).unwrap();
        found
    }

    #[test]
    fn a_box_reaches_from_the_middle_of_its_cell_as_far_as_its_distributions_mean() {
        let (mut boxes, mut scores) = (vec![0.0; 16 * ANCHORS], vec![-9.0; 2 * ANCHORS]);
        // The last cell of the second grid: its middle is at (40, 24).
        let anchor = ANCHORS - 1;
        scores[ANCHORS + anchor] = 9.0_f32.ln();
        // All of the left side's distribution is at 1; the others are even, with a mean of 1.5.
        boxes[ANCHORS + anchor] = 100.0;
        let found = decode(&boxes, &scores, 0.5);
        let [only] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(only.class, ClassIndex(1));
        assert!((only.score.get() - 0.9).abs() < 1e-6);
        let edges = [only.rect.x0, only.rect.y0, only.rect.x1, only.rect.y1];
        let expected = [24.0, 0.0, 64.0, 48.0];
        assert!(edges.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{edges:?}");
    }

    #[test]
    fn every_anchor_counts_where_nothing_is_asked_for_and_nan_never_does() {
        let (boxes, mut scores) = (vec![0.0; 16 * ANCHORS], vec![-9.0; 2 * ANCHORS]);
        assert_eq!(decode(&boxes, &scores, 0.0).len(), ANCHORS);
        scores.fill(f32::NAN);
        assert!(decode(&boxes, &scores, 0.0).is_empty());
        assert!(decode(&[f32::NAN; 16 * ANCHORS], &[5.0; 2 * ANCHORS], 0.5).is_empty());
    }
}
