//! One row for each finished object, its numbers in the order of its family; nothing is suppressed again.
//!
//! YOLOv10, YOLO26 end-to-end and Ultralytics exports with NMS inside: `x1 y1 x2 y2 score class`, then what the
//! task tells besides; the `DetectionOutput` layer of SSD (Liu et al., arXiv 1512.02325, and its Caffe code):
//! `image label score x1 y1 x2 y2` in shares of the input, label 0 the background, -1 the end; YOLO-NAS flat
//! (<https://github.com/Deci-AI/super-gradients>, `DetectionOutputFormatMode.FLAT_FORMAT`):
//! `image x1 y1 x2 y2 score class`.

use detections_types::BoxNumbers;

use super::{Best, Candidate, Misfit, candidate, scaled_rect, turned::TurnedRect};
use crate::{ClassThresholds, OutputTensor, numeric};

/// Rows of finished objects; the last axis counts a row's numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Objects {
    /// Number of classes, told apart by number.
    pub(crate) classes: usize,
    /// Numbers of a row.
    pub(crate) columns: usize,
    /// Where the first of a box's four numbers is.
    pub(crate) first: usize,
    /// What the four numbers are.
    pub(crate) form: BoxNumbers,
    /// Where the score is.
    pub(crate) score: usize,
    /// Where the class is.
    pub(crate) class: usize,
    /// What the class's number counts from: 1 where 0 is the background.
    pub(crate) base: usize,
    /// What a box's horizontal and vertical numbers are multiplied with to be pixels of the input.
    pub(crate) scale: [f32; 2],
    /// Where the angle in radians is by which a box is turned about its centre, if boxes are.
    pub(crate) angle: Option<usize>,
}

/// Numbers in front of those that a task tells besides: box, score and class.
const OWN: usize = 6;

impl Objects {
    pub(super) fn decode(
        &self,
        output: OutputTensor<'_>,
        image: usize,
        thresholds: &ClassThresholds,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), Misfit> {
        if output.shape.last() != Some(&self.columns) {
            let expected = format!("[…, objects, {}]", self.columns);
            return Err(Misfit::new(output.shape, expected));
        }
        // Rows that are not parted by image are all those of the only one.
        let data = if output.shape.len() == 3 { output.image(image) } else { output.data };
        let rows = data.chunks_exact(self.columns).enumerate();
        candidates.extend(rows.filter_map(|(anchor, row)| {
            let class = class_number(row[self.class], self.base, self.classes)?;
            let rect = self.turned_in(row).map_or_else(
                || scaled_rect(self.form, &row[self.first..], self.scale),
                |turned| turned.bounds(),
            );
            candidate(rect, Best { score: row[self.score], class, anchor }, thresholds)
        }));
        Ok(())
    }

    /// The turned box of a row, where boxes are turned.
    pub(super) fn turned(
        &self,
        output: OutputTensor<'_>,
        image: usize,
        row: usize,
    ) -> Option<TurnedRect> {
        self.turned_in(output.image(image).chunks_exact(self.columns).nth(row)?)
    }

    /// The number at `place` behind box, score and class in `row`.
    pub(super) fn further(
        &self,
        output: OutputTensor<'_>,
        image: usize,
        row: usize,
        place: usize,
    ) -> Option<f32> {
        let row = output.image(image).chunks_exact(self.columns).nth(row)?;
        row.get(OWN + place).copied()
    }

    fn turned_in(&self, row: &[f32]) -> Option<TurnedRect> {
        let angle = row[self.angle?];
        let [x, y] = self.scale;
        let numbers = &row[self.first..];
        let (cx, cy) = (numbers[0] * x, numbers[1] * y);
        let (width, height) = (numbers[2] * x, numbers[3] * y);
        Some(TurnedRect { cx, cy, width, height, angle })
    }
}

/// The class that a number in a tensor stands for; none for the background, and for numbers of no class,
/// with which unused rows are filled.
pub(super) fn class_number(number: f32, base: usize, classes: usize) -> Option<u32> {
    let number = numeric::whole_number(number)?.checked_sub(base)?;
    u32::try_from(number).ok().filter(|_| number < classes)
}

#[cfg(test)]
mod tests {
    use detections_types::{BoxNumbers, ClassIndex, Rect, Score};

    use super::Objects;
    use crate::{Candidate, ClassThresholds, OutputTensor};

    const END: Objects = Objects {
        classes: 3,
        columns: 6,
        first: 0,
        form: BoxNumbers::Corners,
        score: 4,
        class: 5,
        base: 0,
        scale: [1.0, 1.0],
        angle: None,
    };

    fn decode(head: &Objects, shape: &[usize], data: &[f32]) -> Vec<Candidate> {
        let mut found = Vec::new();
        let half = ClassThresholds::uniform(Score::new(0.5).unwrap());
        head.decode(OutputTensor { shape, data }, 0, &half, &mut found).unwrap();
        found
    }

    #[test]
    fn rows_of_end_to_end_heads_are_taken_as_they_are() {
        let data = [
            [1.0, 2.0, 3.0, 4.0, 0.75, 2.0],
            [1.0, 2.0, 3.0, 4.0, 0.25, 1.0],
            [0.0; 6],
            [1.0, 2.0, 3.0, 4.0, 0.75, 3.0],
            [1.0, 2.0, 3.0, 4.0, 0.75, f32::NAN],
            [1.0, 2.0, 3.0, 4.0, 0.75, -1.0],
        ];
        let found = decode(&END, &[1, 6, 6], data.as_flattened());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].rect, Rect::from_corners(1.0, 2.0, 3.0, 4.0));
        assert_eq!((found[0].score, found[0].class), (Score::new(0.75).unwrap(), ClassIndex(2)));
    }

    #[test]
    fn the_background_of_ssd_is_no_class_and_its_boxes_are_shares() {
        let ssd = Objects {
            columns: 7,
            first: 3,
            score: 2,
            class: 1,
            base: 1,
            scale: [100.0, 200.0],
            ..END
        };
        let data = [
            [0.0, 1.0, 0.75, 0.1, 0.25, 0.5, 0.75],
            [0.0, 0.0, 0.75, 0.1, 0.25, 0.5, 0.75],
            [-1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        ];
        let found = decode(&ssd, &[1, 1, 3, 7], data.as_flattened());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].class, ClassIndex(0));
        assert_eq!(found[0].rect, Rect::from_corners(10.0, 50.0, 50.0, 150.0));
    }

    #[test]
    fn rows_with_an_angle_are_turned_boxes_and_told_by_their_bounds() {
        let turned = Objects { columns: 7, form: BoxNumbers::Centre, angle: Some(6), ..END };
        let data = [50.0, 60.0, 40.0, 20.0, 0.75, 1.0, std::f32::consts::FRAC_PI_2];
        let found = decode(&turned, &[1, 1, 7], &data);
        let rect = found[0].rect;
        assert!((rect.width() - 20.0).abs() < 1e-3 && (rect.height() - 40.0).abs() < 1e-3);
        let output = OutputTensor { shape: &[1, 1, 7], data: &data };
        assert!(turned.turned(output, 0, 0).is_some() && END.turned(output, 0, 0).is_none());
    }

    #[test]
    fn no_row_at_all_is_no_object() {
        assert!(decode(&END, &[1, 0, 6], &[]).is_empty());
    }
}
