//! Why a video ended before its end, in the words of a client: a code for programs, a message for people, and
//! the status that a response has when it is not yet on its way.

use detections_frames::FrameError;
use detections_infer::InferError;
use detections_pipeline::PipelineError;
use detections_types::ErrorKind;

use crate::{annotations::RecordError, events::EventsError, http::told_with_causes};

/// Why a video ended before its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Failure {
    /// The status of a response that says nothing else.
    pub status: u16,
    /// A word for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
}

impl Failure {
    /// A failure with a message that a client may read.
    #[must_use]
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// Whoever sent the video went away.
    #[must_use]
    pub fn client_gone() -> Self {
        Self::new(400, "client_gone", "the client went away before the end")
    }

    /// Somebody asked for its end.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::new(409, "cancelled", "the job was cancelled")
    }

    /// The service ends.
    #[must_use]
    pub fn shutting_down() -> Self {
        Self::new(503, "shutting_down", "the server is shutting down")
    }

    /// A fault of this program; the log has the details, the client does not.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(500, "internal", "an internal error; the log has more under this id")
    }

    /// Whether somebody wanted it to end.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        matches!(self.code, "cancelled" | "client_gone" | "shutting_down")
    }

    /// What a failed step of the work tells the client.
    ///
    /// Only faults of the video are told in full; the rest is for the log.
    #[must_use]
    pub fn of_work(error: &PipelineError) -> Self {
        match error {
            PipelineError::Frame(error) => Self::of_frames(error),
            // Whether it fits shows only beside the frames: tiles, for one.
            PipelineError::Infer(error @ InferError::Parameter { .. }) => {
                Self::new(400, "invalid_parameter", error.to_string())
            }
            PipelineError::Infer(_)
            | PipelineError::UnknownClass(_)
            | PipelineError::Thread(_)
            | PipelineError::Panicked(_)
            | PipelineError::Interrupted(_)
            | _ => Self::of_kind(error.kind(), || told_with_causes(error)),
        }
    }

    /// What a video that cannot be decoded tells the client.
    #[must_use]
    pub fn of_frames(error: &FrameError) -> Self {
        let told = || told_with_causes(error);
        if matches!(error, FrameError::UploadAborted) {
            Self::client_gone()
        } else if matches!(error, FrameError::NoVideoStream { .. } | FrameError::NoFrames) {
            Self::new(422, "no_video_stream", told())
        } else if matches!(error, FrameError::Stalled { .. }) {
            Self::new(422, "decoder_stalled", told())
        } else {
            Self::of_kind(error.kind(), told)
        }
    }

    /// What a log that cannot be written tells the client.
    #[must_use]
    pub fn of_events(error: &EventsError) -> Self {
        Self::new(507, "events_overflow", error.to_string())
    }

    /// What a result that is not stored for the Annotations service tells the client.
    #[must_use]
    pub fn of_record(error: &RecordError) -> Self {
        match error.code() {
            "internal" => Self::internal(),
            code => Self::new(503, code, error.told()),
        }
    }

    fn of_kind(kind: ErrorKind, told: impl FnOnce() -> String) -> Self {
        match kind {
            ErrorKind::InvalidInput => Self::new(422, "undecodable", told()),
            ErrorKind::TooLarge => Self::new(422, "video_too_large", told()),
            ErrorKind::Unsupported => Self::new(415, "unsupported_media", told()),
            ErrorKind::TimedOut => Self::new(504, "deadline_exceeded", "the deadline passed"),
            ErrorKind::Cancelled => Self::cancelled(),
            ErrorKind::Overloaded | ErrorKind::Unavailable => {
                Self::new(503, "model_failed", "the model does not answer")
            }
            ErrorKind::Internal => Self::internal(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use detections_frames::FrameError;
    use detections_infer::InferError;
    use detections_pipeline::PipelineError;
    use detections_types::Interrupt;

    use super::Failure;

    #[test]
    fn each_failure_has_its_code_and_status() {
        let pixels = FrameError::FramePixels { width: 9, height: 9, max_pixels: 80 };
        let (value, expected) = ("1x1".into(), "more".into());
        let tiles = InferError::Parameter { name: "tile", value, expected };
        let stalled = FrameError::Stalled { after: Duration::from_secs(1) };
        for (error, status, code) in [
            (PipelineError::Interrupted(Interrupt::TimedOut), 504, "deadline_exceeded"),
            (PipelineError::Interrupted(Interrupt::Cancelled), 409, "cancelled"),
            (PipelineError::Panicked("x".into()), 500, "internal"),
            (FrameError::UploadAborted.into(), 400, "client_gone"),
            (FrameError::NoFrames.into(), 422, "no_video_stream"),
            (FrameError::UnknownVideo.into(), 415, "unsupported_media"),
            (pixels.into(), 422, "video_too_large"),
            (tiles.into(), 400, "invalid_parameter"),
            (stalled.into(), 422, "decoder_stalled"),
        ] {
            let failure = Failure::of_work(&error);
            assert_eq!((failure.status, failure.code), (status, code), "{error:?}");
        }
    }

    #[test]
    fn what_is_no_fault_of_the_video_stays_in_the_log() {
        let secret = std::io::Error::other("secret");
        let failure = Failure::of_work(&PipelineError::Thread(secret));
        assert!(!failure.message.contains("secret"), "{failure}");
    }
}
