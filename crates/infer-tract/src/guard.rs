//! The border to the runtime's compiler: its errors and its panics become errors of this crate.

use detections_types::caught;
use tract_core::prelude::TractResult;

use crate::InferTractError;

/// Runs one stage of making a plan.
///
/// The compiler may panic over a graph that it did not foresee. Runs of a finished plan are not guarded here:
/// whoever owns the worker thread catches those.
pub(crate) fn guarded<T>(
    stage: &'static str,
    work: impl FnOnce() -> TractResult<T>,
) -> Result<T, InferTractError> {
    match caught(work) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(InferTractError::Refused { stage, source: error.into() }),
        Err(message) => Err(InferTractError::Panicked { stage, message }),
    }
}
