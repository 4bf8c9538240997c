//! The side of a video's work that takes frames from the source and queues them for the search.

use std::{sync::Arc, sync::mpsc::SyncSender, time::Duration};

use detections_frames::{Frame, FrameSource};
use detections_infer::{DetectParams, Detector, InferError, Lane, Ticket};
use detections_types::CancelToken;

use super::{VideoFault, VideoRequest};
use crate::{PipelineError, search::Search};

/// What the source gave.
pub(super) enum Pulled {
    /// A frame that is being searched.
    Frame(Searched),
    /// A damaged part.
    Fault(VideoFault),
    /// No frame is left, or no more are wanted.
    End { frames_decoded: u64, stopped: bool },
    /// The source or the detector failed.
    Failed(PipelineError),
}

/// A frame and the place of its search in the queue.
pub(super) struct Searched {
    pub(super) frame: Frame,
    pub(super) ticket: Ticket,
    pub(super) frames_decoded: u64,
}

/// Queues the frames of one video in a lane of its own.
pub(super) struct Puller {
    detector: Arc<Detector>,
    lane: Lane,
    params: DetectParams,
    max_frames: u64,
    cancel: CancelToken,
    last: Option<Duration>,
}

impl Puller {
    pub(super) fn new(
        search: &Search,
        params: DetectParams,
        request: &VideoRequest,
        cancel: CancelToken,
    ) -> Self {
        let (detector, lane) = (Arc::clone(&search.detector), search.detector.open_lane());
        let max_frames = request.max_frames.unwrap_or(u64::MAX);
        Self { detector, lane, params, max_frames, cancel, last: None }
    }

    /// Pulls until the end; it stops early when nobody receives any more.
    pub(super) fn run(mut self, source: &mut dyn FrameSource, to: &SyncSender<Pulled>) {
        let mut wanted = self.max_frames;
        loop {
            let pulled = if wanted == 0 {
                Pulled::End { frames_decoded: source.frames_decoded(), stopped: true }
            } else {
                self.pull(source)
            };
            if matches!(pulled, Pulled::Frame(_)) {
                wanted -= 1;
            }
            let last = matches!(pulled, Pulled::End { .. } | Pulled::Failed(_));
            if to.send(pulled).is_err() || last {
                return;
            }
        }
    }

    fn pull(&mut self, source: &mut dyn FrameSource) -> Pulled {
        match source.next_frame() {
            Ok(Some(frame)) => {
                self.last = Some(frame.pts);
                self.search(frame, source.frames_decoded())
            }
            Ok(None) => Pulled::End { frames_decoded: source.frames_decoded(), stopped: false },
            Err(error) if error.is_fatal() => Pulled::Failed(error.into()),
            Err(error) => Pulled::Fault(VideoFault { error, pts: self.last }),
        }
    }

    fn search(&self, frame: Frame, frames_decoded: u64) -> Pulled {
        let image = Arc::clone(&frame.image);
        let queued = self.detector.submit_in(self.lane, image, self.params.clone(), &self.cancel);
        match queued {
            Ok(ticket) => Pulled::Frame(Searched { frame, ticket, frames_decoded }),
            Err(InferError::Interrupted(interrupt)) => {
                Pulled::Failed(PipelineError::Interrupted(interrupt))
            }
            Err(error) => Pulled::Failed(error.into()),
        }
    }
}
