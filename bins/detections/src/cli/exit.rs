//! How the program ends: the five exit codes, and which error ends with which.

use std::{error::Error, process::ExitCode};

use detections_infer::InferError;
use detections_types::ErrorKind;

/// An error with all its causes on one line.
pub(crate) use crate::http::told_with_causes as explain;

/// What the program's end tells its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything that was asked for is done.
    Done,
    /// Something outside the input failed.
    Failed,
    /// The command line or the configuration is wrong.
    Usage,
    /// A picture or a model file is wrong.
    BadInput,
    /// The device that was asked for is not there, or failed while it worked.
    Device,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Failed => Self::FAILURE,
            Exit::Usage => Self::from(64),
            Exit::BadInput => Self::from(65),
            // EX_UNAVAILABLE of sysexits.h, whose numbers the two above are too.
            Exit::Device => Self::from(69),
        }
    }
}

impl From<ErrorKind> for Exit {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::TooLarge => {
                Self::BadInput
            }
            ErrorKind::Overloaded
            | ErrorKind::Cancelled
            | ErrorKind::TimedOut
            | ErrorKind::Unavailable
            | ErrorKind::Internal => Self::Failed,
        }
    }
}

/// A reason to end, with the words for the user.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How to exit.
    pub(crate) exit: Exit,
    /// What to say, one fault a line.
    pub(crate) message: String,
}

impl Failure {
    /// The command line asks for something that cannot be.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// Something went wrong that is of `kind`.
    pub(crate) fn new(kind: ErrorKind, error: &dyn Error) -> Self {
        Self { exit: kind.into(), message: explain(error) }
    }

    /// The device failed in the middle of the work.
    pub(crate) fn device(reason: &str) -> Self {
        Self { exit: Exit::Device, message: format!("the device failed: {reason}") }
    }

    /// The output or another file cannot be written.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into() }
    }
}

impl From<InferError> for Failure {
    fn from(error: InferError) -> Self {
        let failure = Self::new(error.kind(), &error);
        if error.is_of_device() { Self { exit: Exit::Device, ..failure } } else { failure }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::explain;

    #[derive(Debug, thiserror::Error)]
    #[error("outer{}", .repeat.then_some(": inner").unwrap_or_default())]
    struct Outer {
        repeat: bool,
        #[source]
        source: io::Error,
    }

    #[test]
    fn causes_are_told_once() {
        for repeat in [false, true] {
            let error = Outer { repeat, source: io::Error::other("inner") };
            assert_eq!(explain(&error), "outer: inner");
        }
    }

    #[test]
    fn an_endless_error_is_cut() {
        let told = explain(&io::Error::other("é".repeat(1 << 20)));
        assert!((100..10_000).contains(&told.chars().count()));
    }
}
