//! Requests of many callers in one bounded queue, from which worker threads take what waits.

mod lanes;
mod queue;
mod worker;

use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use detections_types::{CancelToken, Detection, Image, Interrupt, Region};

use crate::{Detail, DetectParams, InferError};

pub use self::lanes::Lane;
pub(crate) use self::{
    queue::{Fault, Queue},
    worker::Worker,
};

/// What one search found and how long it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Inference {
    /// The objects in the order of their report, see [`Detection::report_order`].
    pub detections: Vec<Detection>,
    /// What the model tells of each object besides; empty where it tells no more than an upright box.
    pub details: Vec<Detail>,
    /// Where the time went.
    pub timing: InferTiming,
}

/// How long the steps of one search took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InferTiming {
    /// From being queued until a worker took it.
    pub queue: Duration,
    /// Letterbox of this picture.
    pub preprocess: Duration,
    /// The run of the batch in which it was.
    pub infer: Duration,
    /// Head, suppression and mapping back.
    pub postprocess: Duration,
}

type Answer = Result<Inference, InferError>;

/// A picture, or a part of one, that waits for a worker.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) image: Arc<Image>,
    /// The part that is searched.
    pub(crate) region: Region,
    pub(crate) params: DetectParams,
    pub(crate) cancel: CancelToken,
    pub(crate) queued_at: Instant,
    reply: mpsc::SyncSender<Answer>,
}

impl Item {
    pub(crate) fn new(
        (image, region): (Arc<Image>, Region),
        params: DetectParams,
        cancel: CancelToken,
    ) -> (Self, Ticket) {
        let (reply, answer) = mpsc::sync_channel(1);
        let ticket = Ticket { answer, deadline: cancel.deadline() };
        (Self { image, region, params, cancel, queued_at: Instant::now(), reply }, ticket)
    }

    /// Gives the answer unless one was given already.
    ///
    /// The channel has one place: a second answer finds it full, and one that nobody waits for any more
    /// finds it closed. Both are as they should be.
    fn answer(&self, answer: Answer) {
        self.reply.try_send(answer).ok();
    }

    /// Gives the answer once the picture is let go, so that whoever is answered owns it alone.
    fn finish(self, answer: Answer) {
        let Self { image, reply, .. } = self;
        drop(image);
        reply.try_send(answer).ok();
    }
}

/// The place of a submitted picture in the queue.
#[derive(Debug)]
#[must_use = "the search runs, but nobody would learn what it found"]
pub struct Ticket {
    answer: mpsc::Receiver<Answer>,
    deadline: Option<Instant>,
}

impl Ticket {
    /// Waits for the answer, not beyond the deadline of the token that was submitted.
    ///
    /// # Errors
    /// [`InferError::Interrupted`] when the work was cancelled or its deadline passed, whatever the worker's
    /// [`InferError`] was, [`InferError::Stopped`] when the detector ended.
    pub fn wait(self) -> Result<Inference, InferError> {
        let Some(deadline) = self.deadline else {
            return self.answer.recv().unwrap_or(Err(InferError::Stopped));
        };
        let left = deadline.saturating_duration_since(Instant::now());
        match self.answer.recv_timeout(left) {
            Ok(answer) => answer,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                Err(InferError::Interrupted(Interrupt::TimedOut))
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(InferError::Stopped),
        }
    }
}
