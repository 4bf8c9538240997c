//! The side of a video's work that takes frames from the source and queues them for the search.

use std::{
    sync::{Arc, mpsc::SyncSender},
    thread,
    time::Duration,
};

use detections_frames::{Frame, FrameSource};
use detections_infer::{DetectParams, Detector, InferError, Inference, Lane, Ticket, Tiling};
use detections_types::{CancelToken, Image, Interrupt, caught};

use super::{VideoFault, VideoRequest};
use crate::{PipelineError, search::Search};

/// After how long a frame that found the detector's queue full of others' work asks again.
const QUEUE_RETRY: Duration = Duration::from_millis(2);

/// What the source gave, or why it gives nothing more.
pub(super) type Message = Result<Pulled, PipelineError>;

/// What the source gave.
pub(super) enum Pulled {
    /// A frame that is being searched.
    Frame(Searched),
    /// A damaged part.
    Fault(VideoFault),
    /// No frame is left.
    End { frames_decoded: u64 },
    /// No more frames are wanted, though there may be some.
    Enough { frames_decoded: u64 },
}

/// A frame and its search.
pub(super) struct Searched {
    pub(super) frame: Frame,
    pub(super) search: FrameSearch,
    pub(super) frames_decoded: u64,
}

/// How far the search of a frame is.
pub(super) enum FrameSearch {
    /// It has a place in the queue.
    Queued(Ticket),
    /// Its tiles have been searched.
    Done(Inference),
}

impl FrameSearch {
    /// Waits for what was found.
    pub(super) fn wait(self) -> Result<Inference, InferError> {
        match self {
            Self::Queued(ticket) => ticket.wait(),
            Self::Done(found) => Ok(found),
        }
    }
}

/// Queues the frames of one video in a lane of its own.
pub(super) struct Puller {
    detector: Arc<Detector>,
    lane: Lane,
    params: DetectParams,
    tiling: Option<Tiling>,
    max_frames: u64,
    cancel: CancelToken,
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
        let tiling = request.search.tiling;
        Self { detector, lane, params, tiling, max_frames, cancel }
    }

    /// Pulls until the end, and stops early when nobody receives any more.
    pub(super) fn run(self, source: impl FrameSource, to: &SyncSender<Message>) {
        // The source is let go before its end is told: what it holds of the upload keeps the rest from coming.
        let last = caught(|| self.pull_all(source, to));
        to.send(last.unwrap_or_else(|panic| Err(PipelineError::Panicked(panic)))).ok();
    }

    /// Returns what ended it.
    fn pull_all(&self, mut source: impl FrameSource, to: &SyncSender<Message>) -> Message {
        let (mut wanted, mut last) = (self.max_frames, None);
        while wanted > 0 {
            let pulled = match source.next_frame() {
                Ok(Some(frame)) => {
                    wanted -= 1;
                    last = Some(frame.pts);
                    Pulled::Frame(self.search(frame, source.frames_decoded())?)
                }
                Ok(None) => return Ok(Pulled::End { frames_decoded: source.frames_decoded() }),
                Err(error) if error.is_fatal() => return Err(error.into()),
                Err(error) => {
                    let pts = error.damaged_at().or(last);
                    Pulled::Fault(VideoFault { error, pts })
                }
            };
            if to.send(Ok(pulled)).is_err() {
                return Err(PipelineError::Interrupted(Interrupt::Cancelled));
            }
        }
        Ok(Pulled::Enough { frames_decoded: source.frames_decoded() })
    }

    fn search(&self, frame: Frame, frames_decoded: u64) -> Result<Searched, InferError> {
        let search = self.submit(&frame.image)?;
        Ok(Searched { frame, search, frames_decoded })
    }

    /// Queues `image`; where the queue is full of others' work, it waits for a place. The tiles of one frame are
    /// enough for all workers, so a frame that is cut is searched before the next is queued.
    fn submit(&self, image: &Arc<Image>) -> Result<FrameSearch, InferError> {
        loop {
            let (detector, image) = (&self.detector, Arc::clone(image));
            let (params, cancel) = (&self.params, &self.cancel);
            let search = match &self.tiling {
                None => detector
                    .submit_in(self.lane, image, params.clone(), cancel)
                    .map(FrameSearch::Queued),
                Some(tiling) => detector
                    .detect_tiled(self.lane, image, params, tiling, cancel)
                    .map(FrameSearch::Done),
            };
            if !matches!(search, Err(InferError::QueueFull { .. })) {
                return search;
            }
            thread::sleep(QUEUE_RETRY);
        }
    }
}
