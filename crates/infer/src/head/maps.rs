//! Raw feature maps of anchor-based YOLO: for each cell and each of its anchors a box before the sigmoid.
//!
//! Layout: <https://github.com/ultralytics/yolov5> and <https://github.com/WongKinYiu/yolov7>, `Detect.forward`
//! without its last step; anchors from their `yolov5*.yaml` and `yolov7.yaml`.

use detections_types::{ModelInput, Rect};

use super::{Best, Candidate, Misfit, best::best_of_row, candidate, logits::sigmoid};
use crate::{ClassThresholds, Outputs, numeric::float};

/// Widths and heights of the anchors of strides 8, 16 and 32 in pixels of the input.
pub(crate) type Anchors = [[[f32; 2]; 3]; 3];

/// Those of YOLOv5, and of YOLOv7-tiny.
pub(crate) const YOLOV5: Anchors = [
    [[10.0, 13.0], [16.0, 30.0], [33.0, 23.0]],
    [[30.0, 61.0], [62.0, 45.0], [59.0, 119.0]],
    [[116.0, 90.0], [156.0, 198.0], [373.0, 326.0]],
];

/// Those of YOLOv7.
pub(crate) const YOLOV7: Anchors = [
    [[12.0, 16.0], [19.0, 36.0], [40.0, 28.0]],
    [[36.0, 75.0], [76.0, 55.0], [72.0, 146.0]],
    [[142.0, 110.0], [192.0, 243.0], [459.0, 401.0]],
];

/// Numbers of a cell's anchor in front of its classes.
const BOX: usize = 5;

/// Three maps, `[batch, 3, rows, columns, 5 + classes]` or `[batch, 3 * (5 + classes), rows, columns]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Maps {
    /// Number of classes.
    pub(crate) classes: usize,
    /// Which output has the map of stride 8, 16 and 32.
    pub(crate) outputs: [usize; 3],
    /// Sizes of the anchors.
    pub(crate) anchors: Anchors,
    /// Rows of the input in pixels.
    pub(crate) height: usize,
    /// Columns of the input in pixels.
    pub(crate) width: usize,
}

/// One anchor of all cells of a map.
struct Layer<'a> {
    data: &'a [f32],
    cell_step: usize,
    number_step: usize,
    columns: usize,
    stride: usize,
    anchor: [f32; 2],
}

impl Maps {
    pub(super) fn decode(
        &self,
        outputs: &Outputs<'_>,
        image: usize,
        thresholds: &ClassThresholds,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), Misfit> {
        for ((index, anchors), stride) in self.outputs.iter().zip(&self.anchors).zip([8, 16, 32]) {
            let missing = || Misfit::new(&[], "three maps".into());
            let output = outputs.tensors.get(*index).copied().ok_or_else(missing)?;
            let (rows, columns) = (self.height / stride, self.width / stride);
            let (cells, numbers) = (rows * columns, BOX + self.classes);
            let (cell_step, number_step) = match *output.shape {
                [_, 3, r, c, n] if [r, c, n] == [rows, columns, numbers] => (numbers, 1),
                [_, n, r, c] if [n, r, c] == [3 * numbers, rows, columns] => (1, cells),
                _ => {
                    let expected = format!("[batch, 3, {rows}, {columns}, {numbers}]");
                    return Err(Misfit::new(output.shape, expected));
                }
            };
            let layers = output.image(image).chunks_exact(cells * numbers);
            for (data, &anchor) in layers.zip(anchors) {
                let layer = Layer { data, cell_step, number_step, columns, stride, anchor };
                self.layer(&layer, cells, thresholds, candidates);
            }
        }
        Ok(())
    }

    fn layer(
        &self,
        layer: &Layer<'_>,
        cells: usize,
        thresholds: &ClassThresholds,
        candidates: &mut Vec<Candidate>,
    ) {
        let Some(lowest) = thresholds.lowest() else {
            return;
        };
        let mut scores = vec![0.0; self.classes];
        for cell in 0..cells {
            let number = |n: usize| layer.data[cell * layer.cell_step + n * layer.number_step];
            let sure = sigmoid(number(4));
            if sure.is_nan() || sure < lowest.get() {
                continue;
            }
            scores.iter_mut().zip(BOX..).for_each(|(score, n)| *score = number(n));
            let (logit, class) = best_of_row(&scores);
            let best = Best { score: sure * sigmoid(logit), class, anchor: cell };
            let numbers = [number(0), number(1), number(2), number(3)];
            candidates.extend(candidate(layer.rect(cell, numbers), best, thresholds));
        }
    }
}

impl Layer<'_> {
    fn rect(&self, cell: usize, numbers: [f32; 4]) -> Rect<ModelInput> {
        let [x, y, w, h] = numbers.map(|number| 2.0 * sigmoid(number));
        let stride = float(self.stride);
        Rect::from_center(
            (x - 0.5 + float(cell % self.columns)) * stride,
            (y - 0.5 + float(cell / self.columns)) * stride,
            w * w * self.anchor[0],
            h * h * self.anchor[1],
        )
    }
}

#[cfg(test)]
mod tests {
    use detections_types::{ClassIndex, Rect, Score};

    use super::{BOX, Maps, YOLOV5};
    use crate::{Candidate, ClassThresholds, OutputTensor, Outputs};

    /// One anchor at cell (1, 2) of the map of stride 8 of an input 32 high, 64 wide: its numbers are 0, which
    /// the sigmoid makes a half, but objectness and the second class are ln 9, which it makes 0.9.
    fn decode(place: impl Fn(usize) -> usize, shape: &[usize]) -> Vec<Candidate> {
        let classes = 2;
        let head = Maps { classes, outputs: [2, 0, 1], anchors: YOLOV5, height: 32, width: 64 };
        let nine = 9.0_f32.ln();
        let mut fine = vec![-9.0; 3 * 4 * 8 * (BOX + classes)];
        for (number, value) in [0.0, 0.0, 0.0, 0.0, nine, 0.0, nine].into_iter().enumerate() {
            fine[place(number)] = value;
        }
        let (middle, coarse) = (vec![-9.0; 3 * 2 * 4 * 7], vec![-9.0; 3 * 2 * 7]);
        let tensors = vec![
            OutputTensor { shape: &[1, 3, 2, 4, 7], data: &middle },
            OutputTensor { shape: &[1, 3, 1, 2, 7], data: &coarse },
            OutputTensor { shape, data: &fine },
        ];
        let half = ClassThresholds::uniform(Score::new(0.5).unwrap());
        let mut found = Vec::new();
        head.decode(&Outputs { tensors }, 0, &half, &mut found).unwrap();
        found
    }

    #[test]
    fn both_orders_of_a_map_give_the_box_of_the_anchor() {
        let cell = 2 * 8 + 1;
        // The second anchor of three.
        let by_anchor = decode(|number| (4 * 8 + cell) * 7 + number, &[1, 3, 4, 8, 7]);
        let by_number = decode(|number| (7 + number) * 4 * 8 + cell, &[1, 21, 4, 8]);
        assert_eq!(by_anchor, by_number);
        let [found] = by_anchor.as_slice() else { panic!("{by_anchor:?}") };
        assert_eq!(found.rect, Rect::from_center(12.0, 20.0, 16.0, 30.0));
        assert!((found.score.get() - 0.81).abs() < 1e-5);
        assert_eq!(found.class, ClassIndex(1));
    }
}
