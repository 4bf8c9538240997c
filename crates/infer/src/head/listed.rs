//! Finished objects in parallel tensors: boxes, scores and classes.
//!
//! RT-DETR (<https://github.com/lyuwenyu/RT-DETR>) and D-FINE (<https://github.com/Peterande/D-FINE>),
//! `RTDETRPostProcessor` in their export: corners in pixels of `orig_target_sizes`, which is fixed to the
//! input's own size; TensorFlow's Object Detection API: shares of the input, y first, classes from 1.

use detections_types::Rect;

use super::{Best, Candidate, Misfit, candidate, objects::class_number};
use crate::{ClassThresholds, OutputTensor, Outputs};

/// Three tensors with an object at each place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Listed {
    /// Number of classes, told apart by number.
    pub(crate) classes: usize,
    /// Which output holds the boxes.
    pub(crate) boxes: usize,
    /// Which output holds the scores.
    pub(crate) scores: usize,
    /// Which output holds the classes.
    pub(crate) labels: usize,
    /// Which number of a box is its left edge: 0, or 1 where the top comes first.
    pub(crate) left: usize,
    /// What the class's number counts from.
    pub(crate) base: usize,
    /// What a box's horizontal and vertical numbers are multiplied with to be pixels of the input.
    pub(crate) scale: [f32; 2],
}

impl Listed {
    pub(super) fn decode(
        &self,
        outputs: &Outputs<'_>,
        image: usize,
        thresholds: &ClassThresholds,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), Misfit> {
        let tensor = |index: usize| outputs.tensors.get(index).copied();
        let all = (tensor(self.boxes), tensor(self.scores), tensor(self.labels));
        let (Some(boxes), Some(scores), Some(labels)) = all else {
            return Err(Misfit::new(&[], "boxes, scores and classes".into()));
        };
        let data = [boxes, scores, labels].map(|tensor: OutputTensor<'_>| tensor.image(image));
        let [numbers, scores, labels] = data;
        if numbers.len() != scores.len() * 4 || labels.len() != scores.len() {
            let expected = format!("[batch, {}, 4]", scores.len());
            return Err(Misfit::new(boxes.shape, expected));
        }
        let objects = numbers.chunks_exact(4).zip(scores).zip(labels).enumerate();
        candidates.extend(objects.filter_map(|(anchor, ((numbers, &score), &label))| {
            let class = class_number(label, self.base, self.classes)?;
            candidate(self.rect(numbers), Best { score, class, anchor }, thresholds)
        }));
        Ok(())
    }

    fn rect(&self, numbers: &[f32]) -> Rect<detections_types::ModelInput> {
        let ([x, y], left) = (self.scale, self.left);
        let (top, right, bottom) = (1 - left, 2 + left, 3 - left);
        Rect::from_corners(
            numbers[left] * x,
            numbers[top] * y,
            numbers[right] * x,
            numbers[bottom] * y,
        )
    }
}

#[cfg(test)]
mod tests {
    use detections_types::{ClassIndex, Rect, Score};

    use super::Listed;
    use crate::{ClassThresholds, OutputTensor, Outputs};

    const HALF: f32 = 0.5;

    #[test]
    fn places_of_three_tensors_are_one_object() {
        let head = Listed {
            classes: 4,
            boxes: 1,
            scores: 2,
            labels: 0,
            left: 1,
            base: 1,
            scale: [100.0, 200.0],
        };
        let labels = OutputTensor { shape: &[1, 2], data: &[3.0, 1.0] };
        let boxes = [0.1, 0.2, 0.3, 0.4, 0.0, 0.0, 1.0, 1.0];
        let boxes = OutputTensor { shape: &[1, 2, 4], data: &boxes };
        let scores = OutputTensor { shape: &[1, 2], data: &[0.9, 0.1] };
        let half = ClassThresholds::uniform(Score::new(HALF).unwrap());
        let mut found = Vec::new();
        let outputs = Outputs { tensors: vec![labels, boxes, scores] };
        head.decode(&outputs, 0, &half, &mut found).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].class, ClassIndex(2));
        let expected = Rect::from_corners(0.2 * 100.0, 0.1 * 200.0, 0.4 * 100.0, 0.3 * 200.0);
        assert_eq!(found[0].rect, expected);
        let short = Outputs { tensors: vec![labels, scores, scores] };
        assert!(head.decode(&short, 0, &half, &mut found).is_err());
    }
}
