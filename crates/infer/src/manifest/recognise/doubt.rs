//! What keeps a layout from being taken for granted: shapes that models have too which detect nothing.

use detections_types::{Dim, TensorInfo};

use super::{Evidence, Recognised, Seen};
use crate::InferError;

impl Recognised {
    /// The same, where other models than detectors have this shape too.
    pub(super) fn common(self) -> Self {
        Self { common: true, ..self }
    }

    /// Whether nothing but such a shape speaks for it.
    fn is_doubtful(&self) -> bool {
        self.common && self.evidence == Evidence::Shape
    }
}

impl Seen<'_> {
    /// The only fit, unless it is doubtful and neither names nor the caller say that this is a detector.
    pub(super) fn settle(&self, fit: Option<Recognised>) -> Result<Recognised, InferError> {
        let unsaid = self.names.is_none() && self.wanted.is_none();
        match fit {
            Some(fit) if fit.is_doubtful() && unsaid => {
                let (seen, head) = (self.to_string(), fit.head.kind());
                Err(InferError::HeadUnattested { seen, head })
            }
            Some(fit) => Ok(fit),
            None => {
                let hint = self.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                Err(InferError::HeadUnknown { seen: format!("{self}{hint}") })
            }
        }
    }

    /// Whether an output has as many rows as there are pictures, or as the file calls their number.
    pub(super) fn is_a_row_each(&self, rows: &Dim) -> bool {
        let inputs = self.description.signature.inputs.iter();
        let mut batches = inputs.filter_map(TensorInfo::picture).map(|picture| picture.batch);
        let nameless = Dim::Dynamic(String::new());
        batches.any(|batch| batch == *rows && batch != nameless)
    }

    /// Whether an output's last axes are those of the picture.
    pub(super) fn is_as_large_as_the_picture(&self, output: &TensorInfo) -> bool {
        let sides = [self.input.height, self.input.width];
        match output.shape.as_slice() {
            [.., height, width] => [height, width].map(Dim::fixed) == sides.map(Some),
            _ => false,
        }
    }

    /// What a model that fits nothing may be.
    fn hint(&self) -> Option<&'static str> {
        let [output] = self.outputs else { return None };
        let counts = |dim: &Dim| dim.fixed().is_none_or(|length| length > 1);
        match output.shape.as_slice() {
            [rows, numbers] if self.is_a_row_each(rows) && counts(numbers) => Some(
                "a row of numbers for each picture is what a classifier gives, which finds no objects",
            ),
            [_, _, _] | [_, _, _, _] if self.is_as_large_as_the_picture(output) => Some(
                "numbers for each pixel are what a depth or segmentation model gives, which finds no objects",
            ),
            _ => None,
        }
    }
}
