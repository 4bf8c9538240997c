//! The border to the importer: its errors and its panics become errors of this crate.

use detections_types::caught;
use tract_onnx::prelude::TractResult;

use crate::OnnxError;

/// Runs one stage of the import.
///
/// The importer indexes, unwraps and multiplies what a malformed graph gives it, so it may panic.
pub(crate) fn guarded<T>(
    stage: &'static str,
    work: impl FnOnce() -> TractResult<T>,
) -> Result<T, OnnxError> {
    match caught(work) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(OnnxError::Refused { stage, source: error.into() }),
        Err(message) => Err(OnnxError::Panicked { stage, message }),
    }
}
