//! The border to candle while a model is loaded: its panics become errors of this crate.

use detections_types::caught;

use crate::InferCandleError;

/// Runs one stage of loading.
///
/// candle panics over some kinds of elements and shapes. Runs of a finished plan are not guarded here: whoever
/// owns the worker thread catches those.
pub(crate) fn guarded<T>(
    stage: &'static str,
    work: impl FnOnce() -> Result<T, InferCandleError>,
) -> Result<T, InferCandleError> {
    caught(work).unwrap_or_else(|message| Err(InferCandleError::Panicked { stage, message }))
}
