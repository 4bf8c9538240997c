//! What can go wrong between bytes and reported objects.

use detections_frames::FrameError;
use detections_infer::InferError;
use detections_types::{ErrorKind, Interrupt};

/// Why a picture was not searched, or a video not to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// The picture could not be decoded.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The detector refused or failed.
    #[error(transparent)]
    Infer(#[from] InferError),
    /// A requested class id is not one of the product's classes.
    #[error("class {0} is not one of the product's classes")]
    UnknownClass(u32),
    /// The system refused a thread.
    #[error("a thread cannot be started")]
    Thread(#[source] std::io::Error),
    /// The source of frames panicked.
    #[error("the work on the video panicked: {0}")]
    Panicked(String),
    /// The work was stopped before its end.
    #[error("{}", match .0 { Interrupt::Cancelled => "cancelled", Interrupt::TimedOut => "deadline passed" })]
    Interrupted(Interrupt),
}

impl PipelineError {
    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Frame(source) => source.kind(),
            Self::Infer(source) => source.kind(),
            Self::UnknownClass(_) => ErrorKind::InvalidInput,
            Self::Thread(_) | Self::Panicked(_) => ErrorKind::Internal,
            Self::Interrupted(Interrupt::Cancelled) => ErrorKind::Cancelled,
            Self::Interrupted(Interrupt::TimedOut) => ErrorKind::TimedOut,
        }
    }
}
