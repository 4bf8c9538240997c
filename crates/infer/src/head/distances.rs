//! The outputs of NanoDet and PicoDet: for each cell the class scores, and for each side of the box a distribution
//! over distances from a point of the cell, of which the mean counts. Each class of a cell may be an object.
//!
//! Layouts: <https://github.com/RangiLyu/nanodet>, `NanoDetPlusHead._forward_onnx` and `get_bboxes`, and
//! <https://github.com/PaddlePaddle/PaddleDetection>, `PicoHead` and its `third_engine` demo; Li et al., "Generalized
//! Focal Loss", arXiv 2006.04388.

use detections_types::{ModelInput, Rect};

use super::{Best, Candidate, Misfit, candidate, logits::mean};
use crate::{ClassThresholds, OutputTensor, Outputs, numeric::float};

/// The grids' cell sizes in pixels of the input; a last cell may lie partly outside.
pub(crate) const STRIDES: [usize; 4] = [8, 16, 32, 64];

/// Distances of a distribution: 0 to 7 cells.
const BINS: usize = 8;

/// Numbers of a box: four distributions.
pub(crate) const BOX: usize = 4 * BINS;

/// Scores and distributions of the cells of four grids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Distances {
    /// Number of classes.
    pub(crate) classes: usize,
    /// Rows of the input in pixels.
    pub(crate) height: usize,
    /// Columns of the input in pixels.
    pub(crate) width: usize,
    /// Where they are.
    pub(crate) tensors: Tensors,
}

/// Where scores and distributions of a cell are, which tells the families apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tensors {
    /// Both in one tensor, `[batch, cells, classes + 4 * 8]`, distances from a cell's corner: NanoDet.
    One,
    /// In tensors of their own for each stride, `[batch, cells, classes]` and `[batch, cells, 4 * 8]`, which are these
    /// outputs; distances from a cell's middle: PicoDet.
    Apart([[usize; 2]; 4]),
}

/// The cells of one grid.
struct Level<'a> {
    stride: usize,
    /// The scores of a cell begin so many numbers behind those of the one before.
    scores: (&'a [f32], usize),
    /// The same for its distributions.
    boxes: (&'a [f32], usize),
}

/// Cells of all grids over an input.
pub(crate) fn cells(height: usize, width: usize) -> usize {
    STRIDES.iter().map(|stride| height.div_ceil(*stride) * width.div_ceil(*stride)).sum()
}

impl Distances {
    pub(super) fn decode(
        &self,
        outputs: &Outputs<'_>,
        image: usize,
        thresholds: &ClassThresholds,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), Misfit> {
        let mut levels = Vec::with_capacity(STRIDES.len());
        let mut start = 0;
        for (index, stride) in STRIDES.into_iter().enumerate() {
            let cells = self.height.div_ceil(stride) * self.width.div_ceil(stride);
            levels.push(self.level(outputs, image, (index, start..start + cells))?);
            start += cells;
        }
        let Some(lowest) = thresholds.lowest() else {
            return Ok(());
        };
        let mut anchor = 0;
        for level in &levels {
            for (cell, corner) in self.corners(level.stride).enumerate() {
                let scores = level.scores_of(cell, self.classes).iter().zip(0..);
                let sure = scores.filter(|(score, _)| **score >= lowest.get());
                candidates.extend(sure.filter_map(|(&score, class)| {
                    let rect = self.rect(level.boxes_of(cell), corner);
                    candidate(rect, Best { score, class, anchor }, thresholds)
                }));
                anchor += 1;
            }
        }
        Ok(())
    }

    /// The grid of a number, whose cells are these of all.
    fn level<'a>(
        &self,
        outputs: &Outputs<'a>,
        image: usize,
        (index, cells): (usize, std::ops::Range<usize>),
    ) -> Result<Level<'a>, Misfit> {
        let stride = STRIDES[index];
        let rows = |index: usize, rows: usize, columns: usize| {
            let missing = || Misfit::new(&[], format!("an output {index}"));
            let output: OutputTensor<'a> =
                outputs.tensors.get(index).copied().ok_or_else(missing)?;
            let data = output.image(image);
            if output.shape.get(1..) != Some(&[rows, columns]) || data.len() != rows * columns {
                return Err(Misfit::new(output.shape, format!("[batch, {rows}, {columns}]")));
            }
            Ok(data)
        };
        match self.tensors {
            Tensors::One => {
                let (all, columns) = (self::cells(self.height, self.width), self.classes + BOX);
                let data = rows(0, all, columns)?;
                let data = &data[cells.start * columns..cells.end * columns];
                let boxes = (data.get(self.classes..).unwrap_or_default(), columns);
                Ok(Level { stride, scores: (data, columns), boxes })
            }
            Tensors::Apart(pairs) => {
                let [scores, boxes] = pairs[index];
                let scores = (rows(scores, cells.len(), self.classes)?, self.classes);
                Ok(Level { stride, scores, boxes: (rows(boxes, cells.len(), BOX)?, BOX) })
            }
        }
    }

    /// The point from which a box is measured in each cell of a grid, in pixels of the input, and the cell's size.
    fn corners(&self, stride: usize) -> impl Iterator<Item = [f32; 3]> + use<> {
        let (rows, columns) = (self.height.div_ceil(stride), self.width.div_ceil(stride));
        let size = float(stride);
        let shift = match self.tensors {
            Tensors::One => 0.0,
            Tensors::Apart(_) => size / 2.0,
        };
        (0..rows).flat_map(move |y| {
            (0..columns).map(move |x| [float(x) * size + shift, float(y) * size + shift, size])
        })
    }

    /// The box within the input, to which both families' code clips it before any is suppressed.
    fn rect(&self, distributions: &[f32], [x, y, stride]: [f32; 3]) -> Rect<ModelInput> {
        let mut sides =
            distributions.chunks_exact(BINS).map(|bins| mean(bins.iter().copied()) * stride);
        let mut side = || sides.next().unwrap_or(0.0);
        let (left, top, right, bottom) = (side(), side(), side(), side());
        Rect::from_corners(x - left, y - top, x + right, y + bottom)
            .clipped_to(float(self.width), float(self.height))
    }
}

impl Level<'_> {
    fn scores_of(&self, cell: usize, classes: usize) -> &[f32] {
        let (data, step) = self.scores;
        &data[cell * step..cell * step + classes]
    }

    fn boxes_of(&self, cell: usize) -> &[f32] {
        let (data, step) = self.boxes;
        &data[cell * step..cell * step + BOX]
    }
}

#[cfg(test)]
mod tests {
    use detections_types::{ClassIndex, Score};

    use super::{BOX, Distances, STRIDES, Tensors, cells};
    use crate::{Candidate, ClassThresholds, OutputTensor, Outputs};

    const CLASSES: usize = 2;
    const HEAD: Distances =
        Distances { classes: CLASSES, height: 96, width: 64, tensors: Tensors::One };

    fn decode(head: &Distances, tensors: Vec<OutputTensor<'_>>) -> Vec<Candidate> {
        let half = ClassThresholds::uniform(Score::new(0.5).unwrap());
        let mut found = Vec::new();
        head.decode(&Outputs { tensors }, 0, &half, &mut found).unwrap();
        found
    }

    fn assert_edges(found: &Candidate, expected: [f32; 4]) {
        let rect = found.rect;
        let edges = [rect.x0, rect.y0, rect.x1, rect.y1];
        assert!(edges.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{rect:?}");
    }

    #[test]
    fn cells_reach_to_all_four_sides_as_far_as_the_input() {
        // 12x8 + 6x4 + 3x2 + 2x1 cells: the last row of the coarsest grid is half outside.
        assert_eq!(cells(96, 64), 128);
        let columns = CLASSES + BOX;
        let mut data = vec![0.0; 128 * columns];
        // The second cell of the first grid: its corner is at (8, 0), all means are 3.5 cells of 8.
        data[columns + 1] = 0.9;
        let output = OutputTensor { shape: &[1, 128, CLASSES + BOX], data: &data };
        let found = decode(&HEAD, vec![output]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].class, found[0].anchor), (ClassIndex(1), 1));
        assert_edges(&found[0], [0.0, 0.0, 36.0, 28.0]);
    }

    #[test]
    fn grids_in_tensors_of_their_own_are_measured_from_the_middle_and_each_class_counts() {
        let grids: Vec<usize> = STRIDES.map(|s| 96_usize.div_ceil(s) * 64_usize.div_ceil(s)).into();
        let mut scores: Vec<_> = grids.iter().map(|cells| vec![0.0; cells * CLASSES]).collect();
        let boxes: Vec<_> = grids.iter().map(|cells| vec![0.0; cells * BOX]).collect();
        // The first cell of the second row of the second grid, with its middle at (8, 24).
        scores[1][4 * CLASSES..5 * CLASSES].copy_from_slice(&[0.9, 0.8]);
        let shapes: Vec<_> =
            grids.iter().map(|&cells| [[1, cells, CLASSES], [1, cells, BOX]]).collect();
        let tensors =
            scores.iter().zip(&boxes).zip(&shapes).flat_map(|((scores, boxes), shapes)| {
                [
                    OutputTensor { shape: &shapes[0], data: scores },
                    OutputTensor { shape: &shapes[1], data: boxes },
                ]
            });
        let head = Distances { tensors: Tensors::Apart([[0, 1], [2, 3], [4, 5], [6, 7]]), ..HEAD };
        let found = decode(&head, tensors.collect());
        assert_eq!(found.iter().map(|one| one.class.0).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(found[0].anchor, 96 + 4);
        assert_edges(&found[0], [0.0, 0.0, 64.0, 80.0]);
    }
}
