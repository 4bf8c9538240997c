//! The output of NanoDet: for each cell the class scores, then for each side of the box a distribution over
//! distances from the cell's corner, of which the mean counts.
//!
//! Layout: <https://github.com/RangiLyu/nanodet>, `NanoDetPlusHead._forward_onnx` and `get_bboxes`; Li et al.,
//! "Generalized Focal Loss", arXiv 2006.04388.

use detections_types::{ModelInput, Rect};

use super::{Best, Candidate, Misfit, best::best_of_row, candidate};
use crate::{ClassThresholds, OutputTensor, numeric::float};

/// The grids' cell sizes in pixels of the input; a last cell may lie partly outside.
pub(crate) const STRIDES: [usize; 4] = [8, 16, 32, 64];

/// Distances of a distribution: 0 to 7 cells.
const BINS: usize = 8;

/// Numbers of a box: four distributions.
pub(crate) const BOX: usize = 4 * BINS;

/// `[batch, cells, classes + 4 * 8]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Distances {
    /// Number of classes.
    pub(crate) classes: usize,
    /// Rows of the input in pixels.
    pub(crate) height: usize,
    /// Columns of the input in pixels.
    pub(crate) width: usize,
}

/// Cells of all grids over an input.
pub(crate) fn cells(height: usize, width: usize) -> usize {
    STRIDES.iter().map(|stride| height.div_ceil(*stride) * width.div_ceil(*stride)).sum()
}

impl Distances {
    pub(super) fn decode(
        &self,
        output: OutputTensor<'_>,
        image: usize,
        thresholds: &ClassThresholds,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), Misfit> {
        let (rows, columns) = (cells(self.height, self.width), self.classes + BOX);
        let data = output.image(image);
        if output.shape.get(1..) != Some(&[rows, columns]) || data.len() != rows * columns {
            return Err(Misfit::new(output.shape, format!("[batch, {rows}, {columns}]")));
        }
        let Some(lowest) = thresholds.lowest() else {
            return Ok(());
        };
        let rows = data.chunks_exact(columns).zip(self.corners()).enumerate();
        candidates.extend(rows.filter_map(|(anchor, (row, corner))| {
            let (score, class) = best_of_row(&row[..self.classes]);
            (score >= lowest.get()).then_some(())?;
            candidate(rect(&row[self.classes..], corner), Best { score, class, anchor }, thresholds)
        }));
        Ok(())
    }

    /// The top-left corner of each cell in pixels of the input, and its size.
    fn corners(&self) -> impl Iterator<Item = [f32; 3]> {
        STRIDES.into_iter().flat_map(|stride| {
            let (rows, columns) = (self.height.div_ceil(stride), self.width.div_ceil(stride));
            (0..rows).flat_map(move |y| {
                (0..columns).map(move |x| [float(x * stride), float(y * stride), float(stride)])
            })
        })
    }
}

fn rect(distributions: &[f32], [x, y, stride]: [f32; 3]) -> Rect<ModelInput> {
    let mut sides = distributions.chunks_exact(BINS).map(|bins| mean(bins) * stride);
    let mut side = || sides.next().unwrap_or(0.0);
    let (left, top, right, bottom) = (side(), side(), side(), side());
    Rect::from_corners(x - left, y - top, x + right, y + bottom)
}

/// The mean of a distribution that is given before its softmax.
fn mean(bins: &[f32]) -> f32 {
    let most = bins.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (mut sum, mut weighted) = (0.0, 0.0);
    for (place, bin) in bins.iter().enumerate() {
        let share = (bin - most).exp();
        sum += share;
        weighted += share * float(place);
    }
    weighted / sum
}

#[cfg(test)]
mod tests {
    use detections_types::{ClassIndex, Score};

    use super::{BOX, Distances, cells, mean};
    use crate::{ClassThresholds, OutputTensor};

    #[test]
    fn a_distribution_counts_by_its_mean() {
        assert!((mean(&[0.0; 8]) - 3.5).abs() < 1e-6);
        // Shares of 1/4 at 2 and 3/4 at 6.
        let mut bins = [-100.0; 8];
        (bins[2], bins[6]) = (0.0, 3.0_f32.ln());
        assert!((mean(&bins) - 5.0).abs() < 1e-5);
    }

    #[test]
    fn cells_reach_to_all_four_sides() {
        let head = Distances { classes: 2, height: 96, width: 64 };
        // 12x8 + 6x4 + 3x2 + 2x1 cells: the last row of the coarsest grid is half outside.
        assert_eq!(cells(96, 64), 128);
        let mut data = vec![0.0; 128 * (2 + BOX)];
        // The second cell of the second grid: its corner is at (16, 0), all means are 3.5 cells of 16.
        data[(96 + 1) * (2 + BOX) + 1] = 0.9;
        let half = ClassThresholds::uniform(Score::new(0.5).unwrap());
        let mut found = Vec::new();
        let output = OutputTensor { shape: &[1, 128, 2 + BOX], data: &data };
        head.decode(output, 0, &half, &mut found).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].class, ClassIndex(1));
        let rect = found[0].rect;
        for (edge, expected) in
            [(rect.x0, -40.0), (rect.y0, -56.0), (rect.x1, 72.0), (rect.y1, 56.0)]
        {
            assert!((edge - expected).abs() < 1e-3, "{rect:?}");
        }
    }
}
