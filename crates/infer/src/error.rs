//! What can go wrong between pixels and detections.

use detections_types::{ErrorKind, Interrupt};

/// Why a model was refused or a picture was not searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferError {
    /// The tensor runtime failed.
    #[error("the {backend} backend failed")]
    Backend {
        /// Which one.
        backend: &'static str,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The work was stopped before its end.
    #[error("{}", match .0 { Interrupt::Cancelled => "cancelled", Interrupt::TimedOut => "deadline passed" })]
    Interrupted(Interrupt),
}

impl InferError {
    /// What kind of failure this is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Backend { .. } => ErrorKind::Internal,
            Self::Interrupted(Interrupt::Cancelled) => ErrorKind::Cancelled,
            Self::Interrupted(Interrupt::TimedOut) => ErrorKind::TimedOut,
        }
    }
}
