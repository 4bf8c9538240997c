//! The raw grid output of YOLOX: one row for each cell of three grids.
//!
//! Layout: <https://github.com/Megvii-BaseDetection/YOLOX>, `demo_postprocess` of its ONNX demo; Ge et al.,
//! "YOLOX: Exceeding YOLO Series in 2021", arXiv 2107.08430.

use detections_types::{ModelInput, Rect, Score};
use pulp::Arch;

use super::{Best, Candidate, Misfit, anchors, best::best_of_row, candidate};
use crate::{ClassThresholds, OutputTensor, numeric::float};

/// The grids' cell sizes in pixels of the input, in the order of the output.
pub(crate) const STRIDES: [usize; 3] = [8, 16, 32];

/// Numbers of a cell in front of its class scores.
const BOX_COLUMNS: usize = 5;

/// `[batch, anchors, 5 + classes]`: offsets of the centre in cells, logarithms of width and height in cells,
/// objectness and one score for each class, both already through the sigmoid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Number of classes.
    pub(crate) classes: usize,
    /// Rows of the input in pixels.
    pub(crate) height: usize,
    /// Columns of the input in pixels.
    pub(crate) width: usize,
}

impl Grid {
    pub(super) fn decode(
        &self,
        output: OutputTensor<'_>,
        image: usize,
        thresholds: &ClassThresholds,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), Misfit> {
        let columns = BOX_COLUMNS + self.classes;
        let rows = anchors(self.height, self.width, &STRIDES);
        let data = output.image(image);
        if output.shape.get(1..) != Some(&[rows, columns]) || data.len() != rows * columns {
            return Err(self.misfit(output.shape));
        }
        let Some(lowest) = thresholds.lowest() else {
            return Ok(());
        };
        let search = Search { thresholds, lowest };
        Arch::new().dispatch(
            #[inline(always)]
            || search.all(data.chunks_exact(columns), self.cells(), candidates),
        );
        Ok(())
    }

    /// All cells in the order of the output.
    fn cells(&self) -> impl Iterator<Item = Cell> {
        STRIDES.into_iter().flat_map(|stride| {
            let (rows, columns) = (self.height / stride, self.width / stride);
            (0..rows).flat_map(move |y| {
                (0..columns).map(move |x| Cell { x: float(x), y: float(y), stride: float(stride) })
            })
        })
    }

    fn misfit(&self, found: &[usize]) -> Misfit {
        let rows = anchors(self.height, self.width, &STRIDES);
        Misfit::new(found, format!("[batch, {rows}, {}]", BOX_COLUMNS + self.classes))
    }
}

/// A cell's place in its grid and its size in pixels of the input.
struct Cell {
    x: f32,
    y: f32,
    stride: f32,
}

impl Cell {
    fn rect(&self, row: &[f32]) -> Rect<ModelInput> {
        Rect::from_center(
            (row[0] + self.x) * self.stride,
            (row[1] + self.y) * self.stride,
            row[2].exp() * self.stride,
            row[3].exp() * self.stride,
        )
    }
}

/// What counts.
struct Search<'a> {
    thresholds: &'a ClassThresholds,
    lowest: Score,
}

impl Search<'_> {
    #[inline(always)]
    fn all<'d>(
        &self,
        rows: impl Iterator<Item = &'d [f32]>,
        cells: impl Iterator<Item = Cell>,
        candidates: &mut Vec<Candidate>,
    ) {
        // Class scores are at most 1, so a cell's objectness bounds its score.
        let all = rows.zip(cells).enumerate();
        let objects = all.filter(|(_, (row, _))| row[4] >= self.lowest.get());
        candidates.extend(objects.filter_map(
            #[inline(always)]
            |(anchor, (row, cell))| self.one(anchor, row, &cell),
        ));
    }

    #[inline(always)]
    fn one(&self, anchor: usize, row: &[f32], cell: &Cell) -> Option<Candidate> {
        let (best, class) = best_of_row(&row[BOX_COLUMNS..]);
        let score = row[4] * best;
        // NaN must fail too, so this is not the same as a test for "below".
        (score >= self.lowest.get())
            .then(|| candidate(cell.rect(row), Best { score, class, anchor }, self.thresholds))
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use detections_types::{ClassIndex, Rect, Score};

    use super::Grid;
    use crate::{
        Candidate, ClassThresholds, Head, HeadKind, InferError, OutputTensor, Outputs,
        head::Reading,
    };

    /// 64x32 pixels (height x width): grids of 8x4, 4x2 and 2x1 cells.
    const ROWS: usize = 32 + 8 + 2;
    const COLUMNS: usize = 8;

    fn decode(data: &[f32], shape: [usize; 3]) -> Result<Vec<Candidate>, InferError> {
        let grid = Grid { classes: 3, height: 64, width: 32 };
        let head = Head::new(HeadKind::Yolox, Reading::Grid(grid));
        let thresholds = ClassThresholds::uniform(Score::new(0.5).unwrap());
        let mut found = Vec::new();
        let tensors = vec![OutputTensor { shape: &shape, data }];
        head.decode(&Outputs { tensors }, 0, &thresholds, &mut found)?;
        Ok(found)
    }

    fn cell(data: &mut [f32], row: usize, values: [f32; COLUMNS]) {
        data[row * COLUMNS..(row + 1) * COLUMNS].copy_from_slice(&values);
    }

    #[test]
    fn cells_of_each_grid_give_their_box() {
        let mut data = vec![0.0; ROWS * COLUMNS];
        cell(&mut data, 5, [0.5, 0.25, 0.0, 0.0, 0.9, 0.0, 1.0, 0.5]);
        cell(&mut data, 32 + 3, [0.0, 0.0, 2.0_f32.ln(), 0.0, 1.0, 0.0, 0.0, 0.8]);
        cell(&mut data, 41, [0.0, 0.0, 0.0, 0.0, 0.8, 0.8, 0.0, 0.0]);
        let found = decode(&data, [1, ROWS, COLUMNS]).unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].rect, Rect::from_center(12.0, 10.0, 8.0, 8.0));
        assert_eq!((found[0].score, found[0].class), (Score::new(0.9).unwrap(), ClassIndex(1)));
        assert_eq!(found[1].rect, Rect::from_center(16.0, 16.0, 32.0, 16.0));
        assert_eq!(found[2].rect, Rect::from_center(0.0, 32.0, 32.0, 32.0));
    }

    #[test]
    fn numbers_that_are_not_finite_are_left_out() {
        for broken in 0..7 {
            for value in [f32::NAN, f32::INFINITY, 100.0] {
                let mut data = vec![0.0; ROWS * COLUMNS];
                let mut row = [0.5, 0.5, 0.0, 0.0, 0.9, 0.9, 0.0, 0.0];
                row[broken] = value;
                cell(&mut data, 0, row);
                let found = decode(&data, [1, ROWS, COLUMNS]).unwrap();
                assert!(found.iter().all(|found| found.rect.is_finite()), "{broken} {value}");
                if value.is_infinite() {
                    assert!(found.is_empty(), "{broken}");
                }
            }
        }
    }

    #[test]
    fn another_shape_is_an_error() {
        let data = vec![0.0; ROWS * COLUMNS];
        for shape in [[1, COLUMNS, ROWS], [2, ROWS / 2, COLUMNS], [1, ROWS + 1, COLUMNS]] {
            let message = decode(&data, shape).unwrap_err().to_string();
            assert!(message.contains("[batch, 42, 8]"), "{message}");
        }
    }
}
