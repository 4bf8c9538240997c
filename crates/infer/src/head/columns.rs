//! One row for each anchor or query: a box, objectness where the family has one, finished class scores.
//!
//! YOLOv5, v6, v7: <https://github.com/ultralytics/yolov5>, `Detect.forward` in export; YOLOX with
//! `--decode_in_inference`: <https://github.com/Megvii-BaseDetection/YOLOX>, `decode_outputs`; Ultralytics'
//! RT-DETR: `RTDETRDecoder.forward` in export, whose boxes are shares of the input.

use detections_types::BoxNumbers;
use pulp::Arch;

use super::{Best, Candidate, Misfit, best::best_of_row, candidate, scaled_rect};
use crate::{ClassThresholds, OutputTensor};

/// Numbers of a box.
const BOX: usize = 4;

/// `[batch, rows, 4 + objectness + classes + further]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Columns {
    /// Number of classes.
    pub(crate) classes: usize,
    /// Whether a column in front of the classes says that there is an object at all.
    pub(crate) objectness: Objectness,
    /// Columns behind the classes, which are not read.
    pub(crate) further: usize,
    /// What the numbers of a box are.
    pub(crate) form: BoxNumbers,
    /// What a box's horizontal and vertical numbers are multiplied with to be pixels of the input.
    pub(crate) scale: [f32; 2],
}

/// Whether a row tells how sure it is of an object of any class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Objectness {
    /// In a column of its own, which class scores are multiplied with.
    Column,
    /// Class scores are final.
    None,
}

impl Columns {
    pub(super) fn decode(
        &self,
        output: OutputTensor<'_>,
        image: usize,
        thresholds: &ClassThresholds,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), Misfit> {
        let columns = self.columns();
        let data = output.image(image);
        if !matches!(output.shape, [_, _, found] if *found == columns) || data.is_empty() {
            return Err(Misfit::new(output.shape, format!("[batch, rows, {columns}]")));
        }
        let Some(lowest) = thresholds.lowest() else {
            return Ok(());
        };
        Arch::new().dispatch(
            #[inline(always)]
            || {
                let rows = data.chunks_exact(columns).enumerate();
                candidates.extend(rows.filter_map(
                    #[inline(always)]
                    |(anchor, row)| {
                        let best = self.best(anchor, row, lowest.get())?;
                        candidate(scaled_rect(self.form, row, self.scale), best, thresholds)
                    },
                ));
            },
        );
        Ok(())
    }

    #[inline(always)]
    fn best(&self, anchor: usize, row: &[f32], lowest: f32) -> Option<Best> {
        let (sure, classes) = match self.objectness {
            Objectness::Column => (row[BOX], &row[BOX + 1..]),
            Objectness::None => (1.0, &row[BOX..]),
        };
        // Class scores are at most 1, so objectness bounds the score.
        if sure.is_nan() || sure < lowest {
            return None;
        }
        let (best, class) = best_of_row(&classes[..self.classes]);
        let score = sure * best;
        (score >= lowest).then_some(Best { score, class, anchor })
    }

    const fn columns(&self) -> usize {
        let objectness = match self.objectness {
            Objectness::Column => 1,
            Objectness::None => 0,
        };
        BOX + objectness + self.classes + self.further
    }
}

#[cfg(test)]
mod tests {
    use detections_types::{BoxNumbers, ClassIndex, Rect, Score};

    use super::{Columns, Objectness};
    use crate::{ClassThresholds, OutputTensor};

    const HEAD: Columns = Columns {
        classes: 2,
        objectness: Objectness::Column,
        further: 1,
        form: BoxNumbers::Centre,
        scale: [1.0, 1.0],
    };

    fn half() -> ClassThresholds {
        ClassThresholds::uniform(Score::new(0.5).unwrap())
    }

    #[test]
    fn objectness_times_the_best_class_counts() {
        let data = [
            [10.0, 20.0, 4.0, 6.0, 0.9, 0.1, 0.8, 7.0],
            [10.0, 20.0, 4.0, 6.0, 0.4, 1.0, 1.0, 7.0],
            [10.0, 20.0, 4.0, 6.0, 0.9, 0.5, 0.1, 7.0],
            [10.0, 20.0, 4.0, 6.0, f32::NAN, 1.0, 1.0, 7.0],
        ];
        let mut found = Vec::new();
        let output = OutputTensor { shape: &[1, 4, 8], data: data.as_flattened() };
        HEAD.decode(output, 0, &half(), &mut found).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].rect, Rect::from_corners(8.0, 17.0, 12.0, 23.0));
        assert!((found[0].score.get() - 0.72).abs() < 1e-6, "{:?}", found[0].score);
        assert_eq!(found[0].class, ClassIndex(1));
        let wrong = OutputTensor { shape: &[1, 8, 4], data: data.as_flattened() };
        assert!(HEAD.decode(wrong, 0, &half(), &mut found).is_err());
    }

    #[test]
    fn shares_of_the_input_become_its_pixels() {
        let objectness = Objectness::None;
        let head = Columns { classes: 1, objectness, further: 0, scale: [640.0, 320.0], ..HEAD };
        let mut found = Vec::new();
        let output = OutputTensor { shape: &[1, 1, 5], data: &[0.5, 0.5, 0.25, 0.5, 0.75] };
        head.decode(output, 0, &half(), &mut found).unwrap();
        assert_eq!(found[0].rect, Rect::from_corners(240.0, 80.0, 400.0, 240.0));
    }
}
