//! What a detector says: a rectangle, how sure it is, and which of the model's classes it means.

use std::cmp::Ordering;

use crate::{Rect, Source};

/// A confidence: finite and within 0..=1, so that scores are totally ordered.
///
/// ```
/// use detections_types::Score;
///
/// assert!(Score::new(0.9) > Score::new(0.3));
/// assert_eq!(Score::new(f32::NAN), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score(f32);

impl Score {
    /// The lowest score.
    pub const ZERO: Self = Self(0.0);

    /// A score, or `None` when `value` is not a number within 0..=1.
    #[must_use]
    pub fn new(value: f32) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// The nearest score to `value`; `None` only for NaN.
    ///
    /// Sigmoids and products computed in f32 may leave 0..=1 by a rounding error.
    #[must_use]
    pub fn clamped(value: f32) -> Option<Self> {
        (!value.is_nan()).then(|| Self(value.clamp(0.0, 1.0)))
    }

    /// The number itself, 0..=1.
    #[must_use]
    pub const fn get(self) -> f32 {
        self.0
    }

    /// The highest score below this one; zero is its own.
    #[must_use]
    pub const fn next_down(self) -> Self {
        if self.0 > 0.0 { Self(self.0.next_down()) } else { self }
    }
}

impl Eq for Score {}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The position of a class among the model's outputs, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassIndex(pub u32);

impl ClassIndex {
    /// The same number, to index a table of labels with.
    #[must_use]
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }
}

/// One object found in a picture, in pixels of the upright original.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// Where it is.
    pub rect: Rect<Source>,
    /// How sure the model is.
    pub score: Score,
    /// Which of the model's classes it is.
    pub class: ClassIndex,
}

impl Detection {
    /// The order in which detections are reported: score descending, then class, left and top edge.
    #[must_use]
    pub fn report_order(&self, other: &Self) -> Ordering {
        other
            .score
            .cmp(&self.score)
            .then_with(|| self.class.cmp(&other.class))
            .then_with(|| self.rect.x0.total_cmp(&other.rect.x0))
            .then_with(|| self.rect.y0.total_cmp(&other.rect.y0))
    }
}

#[cfg(test)]
mod tests {
    use super::{ClassIndex, Detection, Score};
    use crate::Rect;

    fn detection(score: f32, class: u32, x0: f32) -> Detection {
        Detection {
            rect: Rect::from_corners(x0, 0.0, x0 + 1.0, 1.0),
            score: Score::new(score).unwrap(),
            class: ClassIndex(class),
        }
    }

    #[test]
    fn scores_outside_the_unit_interval_are_refused() {
        for value in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
            assert_eq!(Score::new(value), None, "{value}");
        }
        assert_eq!(Score::clamped(1.000_001), Score::new(1.0));
        assert_eq!(Score::clamped(f32::NAN), None);
    }

    #[test]
    fn report_order_is_score_then_class_then_position() {
        let mut all = [
            detection(0.5, 1, 0.0),
            detection(0.5, 0, 9.0),
            detection(0.5, 0, 3.0),
            detection(0.9, 7, 0.0),
        ];
        all.sort_by(Detection::report_order);
        let order: Vec<_> = all.iter().map(|d| (d.class.0, d.rect.x0)).collect();
        assert_eq!(order, [(7, 0.0), (0, 3.0), (0, 9.0), (1, 0.0)]);
    }
}
