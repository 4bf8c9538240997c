//! The border to the importer: its errors and its panics become errors of this crate.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use tract_onnx::prelude::TractResult;

use crate::OnnxError;

/// Runs one stage of the import.
///
/// The importer indexes, unwraps and multiplies what a malformed graph gives it, so it may panic.
/// Nothing that it touched outlives the failure, hence the assertion of unwind safety.
pub(crate) fn guarded<T>(
    stage: &'static str,
    work: impl FnOnce() -> TractResult<T>,
) -> Result<T, OnnxError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(OnnxError::Refused { stage, source: error.into() }),
        Err(panic) => Err(OnnxError::Panicked { stage, message: message(panic.as_ref()) }),
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::guarded;
    use crate::OnnxError;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let result = guarded::<()>("testing", || panic!("number {}", 7));
        let Err(OnnxError::Panicked { stage: "testing", message }) = result else {
            panic!("{result:?}");
        };
        assert_eq!(message, "number 7");
    }
}
