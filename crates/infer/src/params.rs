//! What a caller may ask of one search: thresholds for each class, overlap, and how many objects.

use std::sync::Arc;

use detections_types::{ClassIndex, Score};

use crate::InferError;

/// The lowest score that counts, for each class of the model.
///
/// ```
/// use detections_infer::ClassThresholds;
/// use detections_types::{ClassIndex, Score};
///
/// let only_cars = ClassThresholds::per_class(vec![None, None, Score::new(0.4)]);
/// assert_eq!(only_cars.of(ClassIndex(0)), None);
/// assert_eq!(only_cars.of(ClassIndex(2)), Score::new(0.4));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ClassThresholds(Thresholds);

#[derive(Debug, Clone, PartialEq)]
enum Thresholds {
    Uniform(Score),
    PerClass(Arc<[Option<Score>]>),
}

impl ClassThresholds {
    /// The same threshold for every class.
    #[must_use]
    pub const fn uniform(score: Score) -> Self {
        Self(Thresholds::Uniform(score))
    }

    /// One entry for each class of the model in its order; a class with `None` is not wanted.
    #[must_use]
    pub fn per_class(scores: Vec<Option<Score>>) -> Self {
        Self(Thresholds::PerClass(scores.into()))
    }

    /// The threshold of `class`, `None` when it is not wanted.
    #[must_use]
    pub fn of(&self, class: ClassIndex) -> Option<Score> {
        match &self.0 {
            Thresholds::Uniform(score) => Some(*score),
            Thresholds::PerClass(scores) => scores.get(class.as_usize()).copied().flatten(),
        }
    }

    /// The lowest threshold of all classes, `None` when no class is wanted.
    #[must_use]
    pub fn lowest(&self) -> Option<Score> {
        match &self.0 {
            Thresholds::Uniform(score) => Some(*score),
            Thresholds::PerClass(scores) => scores.iter().flatten().copied().min(),
        }
    }

    /// The same, reaching down to `score` for the classes with the lowest threshold; the others keep theirs.
    ///
    /// Whatever is found in addition is weaker than all that was found before: it suppresses nothing of it
    /// and takes no place of it.
    #[must_use]
    pub fn reaching_down_to(&self, score: Score) -> Self {
        let Some(lowest) = self.lowest() else {
            return self.clone();
        };
        let reach = |own: Score| if own == lowest { own.min(score) } else { own };
        Self(match &self.0 {
            Thresholds::Uniform(own) => Thresholds::Uniform(reach(*own)),
            Thresholds::PerClass(scores) => {
                Thresholds::PerClass(scores.iter().map(|own| own.map(reach)).collect())
            }
        })
    }

    /// How many classes it speaks of, `None` for any number.
    fn classes(&self) -> Option<usize> {
        match &self.0 {
            Thresholds::Uniform(_) => None,
            Thresholds::PerClass(scores) => Some(scores.len()),
        }
    }
}

/// Which boxes can suppress each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum NmsMode {
    /// Only boxes of the same class.
    #[default]
    ClassWise,
    /// All boxes, whatever their class.
    Agnostic,
}

/// Whether the pixels of objects are told, where the model knows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Masks {
    /// Boxes alone.
    #[default]
    Off,
    /// A mask beside each box.
    On,
}

/// The parameters of one search.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectParams {
    /// The lowest score that counts, by class.
    pub thresholds: ClassThresholds,
    /// Of two boxes whose intersection over union is above this, the one with the lower score goes; 0..=1.
    pub iou: f32,
    /// How many objects at most, the ones with the highest scores; at least 1.
    pub max_detections: usize,
    /// Which boxes can suppress each other.
    pub nms: NmsMode,
    /// Whether the pixels of each object are told; only of a model that knows them.
    pub masks: Masks,
}

impl Default for DetectParams {
    /// Score 0.25, overlap 0.45, 300 objects, class-wise, boxes alone.
    fn default() -> Self {
        Self {
            thresholds: ClassThresholds::uniform(Score::clamped(0.25).unwrap_or(Score::ZERO)),
            iou: 0.45,
            max_detections: 300,
            nms: NmsMode::ClassWise,
            masks: Masks::Off,
        }
    }
}

impl DetectParams {
    /// Whether these are in range for a model of `classes` classes.
    ///
    /// # Errors
    /// [`InferError::Parameter`] with the first one that is not.
    pub fn check(&self, classes: usize) -> Result<(), InferError> {
        if !(0.0..=1.0).contains(&self.iou) {
            return Err(out_of_range("iou", self.iou.to_string(), "0 to 1".into()));
        }
        if self.max_detections == 0 {
            return Err(out_of_range("max_detections", "0".into(), "1 or more".into()));
        }
        match self.thresholds.classes() {
            Some(given) if given != classes => Err(out_of_range(
                "number of class thresholds",
                given.to_string(),
                format!("one for each of the model's {classes} classes"),
            )),
            _ => Ok(()),
        }
    }
}

pub(crate) const fn out_of_range(
    name: &'static str,
    value: String,
    expected: String,
) -> InferError {
    InferError::Parameter { name, value, expected }
}

#[cfg(test)]
mod tests {
    use detections_types::{ClassIndex, Score};

    use super::{ClassThresholds, DetectParams};

    #[test]
    fn parameters_out_of_range_are_named() {
        let cases = [
            (DetectParams { iou: 1.01, ..Default::default() }, "iou is 1.01"),
            (DetectParams { iou: f32::NAN, ..Default::default() }, "iou is NaN"),
            (DetectParams { max_detections: 0, ..Default::default() }, "max_detections is 0"),
            (
                DetectParams {
                    thresholds: ClassThresholds::per_class(vec![None; 2]),
                    ..Default::default()
                },
                "number of class thresholds is 2; one for each of the model's 3 classes",
            ),
        ];
        for (params, expected) in cases {
            let message = params.check(3).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
        assert!(DetectParams::default().check(3).is_ok());
    }

    #[test]
    fn the_lowest_threshold_skips_classes_that_are_not_wanted() {
        let some = ClassThresholds::per_class(vec![None, Score::new(0.7), Score::new(0.3)]);
        assert_eq!(some.lowest(), Score::new(0.3));
        assert_eq!(some.of(ClassIndex(9)), None);
        assert_eq!(ClassThresholds::per_class(vec![None; 4]).lowest(), None);
    }

    #[test]
    fn only_the_lowest_threshold_reaches_further_down() {
        let (weak, half) = (Score::new(0.1).unwrap(), Score::new(0.5).unwrap());
        let some = ClassThresholds::per_class(vec![None, Score::new(0.7), Score::new(0.3)]);
        let expected = vec![None, Score::new(0.7), Some(weak)];
        assert_eq!(some.reaching_down_to(weak), ClassThresholds::per_class(expected));
        assert_eq!(some.reaching_down_to(half), some);
        let uniform = ClassThresholds::uniform(half);
        assert_eq!(uniform.reaching_down_to(weak), ClassThresholds::uniform(weak));
    }
}
