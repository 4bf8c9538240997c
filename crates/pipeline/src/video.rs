//! One video in, events out: frames are searched on all workers at once, followed over time and named, and
//! told in their order while the upload still runs.

mod arrivals;
mod event;
mod follow;
mod pull;

use std::{
    ops::ControlFlow,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use detections_classes::BoundClasses;
use detections_frames::FrameSource;
use detections_infer::Detector;
use detections_types::{CancelToken, caught};

pub use self::{
    arrivals::{Arrivals, Intake, intake},
    event::{Event, FrameReport, Progress, Sink, Summary, TrackedDetection, VideoFault},
};
use self::{
    follow::Follower,
    pull::{Pulled, Puller, Searched},
};
use crate::{
    PipelineError,
    search::{Search, SearchRequest},
};

/// After how long without a progress event the next one is due.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);

/// What a caller may choose for one video; which frames are decoded is chosen where the source is opened.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoRequest {
    /// What is searched for in each frame.
    pub search: SearchRequest,
    /// Whether objects are followed from frame to frame.
    pub tracking: Tracking,
    /// After how many searched frames to stop; `None` goes on to the end.
    pub max_frames: Option<u64>,
}

impl Default for VideoRequest {
    fn default() -> Self {
        Self { search: SearchRequest::default(), tracking: Tracking::On, max_frames: None }
    }
}

/// Whether objects are followed from frame to frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tracking {
    /// Each object keeps an id while it is seen.
    #[default]
    On,
    /// Each frame stands alone.
    Off,
}

/// Everything that turns frames into events; shared by all videos.
#[derive(Debug, Clone)]
pub struct VideoPipeline {
    search: Search,
}

impl VideoPipeline {
    /// A pipeline over a running detector and the classes that are bound to its labels.
    #[must_use]
    pub const fn new(detector: Arc<Detector>, classes: Arc<BoundClasses>) -> Self {
        Self { search: Search { detector, classes } }
    }

    /// The product's classes.
    #[must_use]
    pub fn classes(&self) -> &BoundClasses {
        &self.search.classes
    }

    /// Whether `request` can be met, to be asked before anything is decoded.
    ///
    /// # Errors
    /// [`PipelineError`] with the parameter that is at fault.
    pub fn check(&self, request: &VideoRequest) -> Result<(), PipelineError> {
        let params = self.search.params(&request.search)?;
        Ok(params.check(self.search.detector.manifest().labels().len())?)
    }

    /// Searches all frames of `source` and tells `sink` of them, in order, on the calling thread.
    ///
    /// The first event is [`Event::Start`]; [`Event::End`] comes only when it returns `Ok`. `cancel` is the
    /// token with which the source was opened; it is given up when the sink breaks.
    ///
    /// # Errors
    /// [`PipelineError`] when the video, the detector or a parameter is at fault, or `cancel` asked to stop;
    /// [`PipelineError::Interrupted`] also when the sink broke.
    pub fn run(
        &self,
        source: &mut dyn FrameSource,
        arrivals: &Arrivals,
        request: &VideoRequest,
        cancel: &CancelToken,
        sink: &mut dyn Sink,
    ) -> Result<(), PipelineError> {
        let follower = Follower::new(&self.search, request)?;
        let start = Event::Start(source.info().clone());
        let mut teller = Teller { started: Instant::now(), arrivals, cancel, sink, follower };
        teller.tell(start)?;
        // As many frames wait for an answer as keep all workers busy while one more is decoded.
        let window = self.search.detector.parallelism();
        let (sender, pulled) = mpsc::sync_channel(window);
        let puller = Puller::new(&self.search, teller.follower.params(), request, cancel.clone());
        thread::scope(|scope| {
            let pull = move || puller.run(source, &sender);
            thread::Builder::new()
                .name("video-pull".to_owned())
                .spawn_scoped(scope, || caught(pull))
                .map_err(PipelineError::Thread)?;
            let outcome = teller.follow(pulled);
            if outcome.is_err() {
                // Whatever the source waits for, it need not any more.
                cancel.cancel();
            }
            outcome
        })
    }
}

/// Receives the events of one video.
struct Teller<'a> {
    started: Instant,
    arrivals: &'a Arrivals,
    cancel: &'a CancelToken,
    sink: &'a mut dyn Sink,
    follower: Follower<'a>,
}

impl Teller<'_> {
    /// Waits for each answer in turn and tells it, until the source ends.
    fn follow(&mut self, pulled: mpsc::Receiver<Pulled>) -> Result<(), PipelineError> {
        let mut progress = Progress::default();
        let mut due = Instant::now() + PROGRESS_INTERVAL;
        loop {
            match pulled.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(Pulled::Frame(searched)) => {
                    progress.frames_decoded = searched.frames_decoded;
                    progress.frames_inferred += 1;
                    self.frame(searched)?;
                }
                Ok(Pulled::Fault(fault)) => self.tell(Event::Fault(fault))?,
                Ok(Pulled::End { frames_decoded, stopped }) => {
                    progress.frames_decoded = frames_decoded;
                    return self.end(progress, stopped);
                }
                Ok(Pulled::Failed(error)) => return Err(error),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(PipelineError::Panicked),
            }
            if Instant::now() >= due {
                progress.received_bytes = self.arrivals.received_bytes();
                self.tell(Event::Progress(progress))?;
                due = Instant::now() + PROGRESS_INTERVAL;
            }
        }
    }

    fn frame(&mut self, searched: Searched) -> Result<(), PipelineError> {
        let Searched { frame, ticket, .. } = searched;
        let found = ticket.wait()?.detections;
        let report = FrameReport {
            index: frame.index,
            pts: frame.pts,
            received_bytes: self.arrivals.received_bytes(),
            detections: self.follower.follow(frame.pts, &found),
            image: frame.image,
        };
        self.tell(Event::Frame(report))
    }

    fn end(&mut self, progress: Progress, stopped: bool) -> Result<(), PipelineError> {
        // A video may end before its last byte; only who stopped early does not wait for the rest.
        let identity = if stopped {
            self.arrivals.identity()
        } else {
            Some(self.arrivals.wait_for_identity(self.cancel)?)
        };
        self.tell(Event::End(Summary {
            frames_decoded: progress.frames_decoded,
            frames_inferred: progress.frames_inferred,
            received_bytes: self.arrivals.received_bytes(),
            identity,
            tracks: self.follower.tracks(),
            elapsed: self.started.elapsed(),
        }))
    }

    fn tell(&mut self, event: Event) -> Result<(), PipelineError> {
        self.cancel.check().map_err(PipelineError::Interrupted)?;
        match self.sink.event(event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => {
                Err(PipelineError::Interrupted(detections_types::Interrupt::Cancelled))
            }
        }
    }
}
