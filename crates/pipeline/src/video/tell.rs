//! The side of a video's work that waits for each frame's answer in turn and tells the sink of it.

use std::{
    ops::ControlFlow,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use detections_media::StreamIdentity;
use detections_types::{CancelToken, Interrupt};

use super::{
    Arrivals, Event, FrameReport, Progress, Sink, Summary,
    follow::Follower,
    pull::{Message, Pulled, Searched},
};
use crate::PipelineError;

/// After how long without a progress event the next one is due.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);

/// Tells of one video.
pub(super) struct Teller<'a> {
    arrivals: &'a Arrivals,
    cancel: &'a CancelToken,
    sink: &'a mut dyn Sink,
    follower: Follower<'a>,
    started: Instant,
    progress: Progress,
    progress_due: Instant,
}

impl<'a> Teller<'a> {
    pub(super) fn new(
        arrivals: &'a Arrivals,
        cancel: &'a CancelToken,
        sink: &'a mut dyn Sink,
        follower: Follower<'a>,
    ) -> Self {
        let (started, progress) = (Instant::now(), Progress::default());
        let progress_due = started + PROGRESS_INTERVAL;
        Self { arrivals, cancel, sink, follower, started, progress, progress_due }
    }

    /// Tells what comes until the source ends.
    pub(super) fn follow(mut self, pulled: Receiver<Message>) -> Result<(), PipelineError> {
        loop {
            match pulled.recv_timeout(self.progress_due.saturating_duration_since(Instant::now())) {
                Ok(message) => match message? {
                    Pulled::Frame(searched) => self.frame(searched)?,
                    Pulled::Fault(fault) => self.tell(Event::Fault(fault))?,
                    Pulled::End { frames_decoded } => {
                        let identity = self.rest_of_upload(frames_decoded)?;
                        return self.end(Some(identity));
                    }
                    Pulled::Enough { frames_decoded } => {
                        self.progress.frames_decoded = frames_decoded;
                        return self.end(self.arrivals.identity());
                    }
                },
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(PipelineError::Panicked("no message".to_owned()));
                }
            }
            self.tell_progress_if_due()?;
        }
    }

    fn frame(&mut self, searched: Searched) -> Result<(), PipelineError> {
        let Searched { frame, search, frames_decoded } = searched;
        let found = search.wait()?;
        self.progress.frames_decoded = frames_decoded;
        self.progress.frames_inferred += 1;
        let report = FrameReport {
            index: frame.index,
            pts: frame.pts,
            received_bytes: self.arrivals.received_bytes(),
            detections: self.follower.follow(frame.pts, &found),
            image: frame.image,
        };
        self.tell(Event::Frame(report))
    }

    /// A video may end before its last byte, but it is known only with it.
    fn rest_of_upload(&mut self, frames_decoded: u64) -> Result<StreamIdentity, PipelineError> {
        self.progress.frames_decoded = frames_decoded;
        loop {
            if let Some(identity) = self.arrivals.wait(self.progress_due, self.cancel)? {
                return Ok(identity);
            }
            self.tell_progress_if_due()?;
        }
    }

    fn tell_progress_if_due(&mut self) -> Result<(), PipelineError> {
        if Instant::now() < self.progress_due {
            return Ok(());
        }
        self.progress.received_bytes = self.arrivals.received_bytes();
        self.tell(Event::Progress(self.progress))?;
        self.progress_due = Instant::now() + PROGRESS_INTERVAL;
        Ok(())
    }

    fn end(&mut self, identity: Option<StreamIdentity>) -> Result<(), PipelineError> {
        self.tell(Event::End(Summary {
            frames_decoded: self.progress.frames_decoded,
            frames_inferred: self.progress.frames_inferred,
            received_bytes: self.arrivals.received_bytes(),
            identity,
            tracks: self.follower.tracks(),
            elapsed: self.started.elapsed(),
        }))
    }

    pub(super) fn tell(&mut self, event: Event) -> Result<(), PipelineError> {
        self.cancel.check().map_err(PipelineError::Interrupted)?;
        match self.sink.event(event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(PipelineError::Interrupted(Interrupt::Cancelled)),
        }
    }
}
