//! The border to the runtime's compiler: its errors and its panics become errors of this crate.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use tract_core::prelude::TractResult;

use crate::InferTractError;

/// Runs one stage of making a plan.
///
/// The compiler may panic over a graph that it did not foresee. Nothing that it touched outlives
/// the failure, hence the assertion of unwind safety. Runs of a finished plan are not guarded here:
/// whoever owns the worker thread catches those.
pub(crate) fn guarded<T>(
    stage: &'static str,
    work: impl FnOnce() -> TractResult<T>,
) -> Result<T, InferTractError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(InferTractError::Refused { stage, source: error.into() }),
        Err(panic) => Err(InferTractError::Panicked { stage, message: message(panic.as_ref()) }),
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
    use crate::InferTractError;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let result = guarded::<()>("testing", || panic!("number {}", 7));
        let Err(InferTractError::Panicked { stage: "testing", message }) = result else {
            panic!("{result:?}");
        };
        assert_eq!(message, "number 7");
    }
}
