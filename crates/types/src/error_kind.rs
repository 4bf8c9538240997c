//! The closed set of reasons for which anything in `detections` fails. Libraries classify their
//! errors with it; only the service and the command line turn it into a status or an exit code.

/// Why an operation failed, seen by whoever asked for it.
///
/// The set is closed on purpose: every `match` on it names all of its members, so that a new
/// reason cannot be forgotten at a border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The caller's data or parameter is wrong; the same call fails again.
    InvalidInput,
    /// The data is well formed, but of a kind that is not supported.
    Unsupported,
    /// A stated limit in bytes, pixels or items is exceeded.
    TooLarge,
    /// A bounded queue is full; the same call may succeed later.
    Overloaded,
    /// The caller gave up.
    Cancelled,
    /// A deadline passed.
    TimedOut,
    /// Something that is needed does not answer, or is not ready yet.
    Unavailable,
    /// A fault of this program.
    Internal,
}
