//! One video in, events out: frames are searched on all workers at once, followed over time and named, and
//! told in their order while the upload still runs.

mod arrivals;
mod event;
mod follow;
mod pull;
mod tell;

use std::{
    sync::{Arc, mpsc},
    thread,
};

use detections_classes::BoundClasses;
use detections_frames::FrameSource;
use detections_infer::Detector;
use detections_types::CancelToken;

pub use self::{
    arrivals::{Arrivals, Intake, intake},
    event::{Event, FrameReport, Progress, Sink, Summary, TrackedDetection, VideoFault},
};
use self::{follow::Follower, pull::Puller, tell::Teller};
use crate::{
    PipelineError,
    search::{Search, SearchRequest},
};

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

    /// How many frames of one video are in the detector at once; its queue should have room for them.
    ///
    /// They keep all workers busy while one more is decoded and the oldest is told.
    #[must_use]
    pub fn window(&self) -> usize {
        self.search.detector.parallelism() + 2
    }

    /// Searches all frames of `source` and tells `sink` of them, in order, on the calling thread.
    ///
    /// The first event is [`Event::Start`]; [`Event::End`] is the last one, and comes exactly when `Ok` is
    /// returned. `cancel` is the token with which the source was opened; it is given up when the work ends
    /// early, for whatever reason. The source is dropped as soon as no more of its frames are wanted.
    ///
    /// # Errors
    /// [`PipelineError`] when the video, the detector or a parameter is at fault, or `cancel` asked to stop;
    /// [`PipelineError::Interrupted`] also when the sink broke.
    pub fn run(
        &self,
        source: impl FrameSource,
        arrivals: &Arrivals,
        request: &VideoRequest,
        cancel: &CancelToken,
        sink: &mut dyn Sink,
    ) -> Result<(), PipelineError> {
        let follower = Follower::new(&self.search, request)?;
        let puller = Puller::new(&self.search, follower.params(), request, cancel.clone());
        let mut teller = Teller::new(arrivals, cancel, sink, follower);
        // One more is told meanwhile, and one waits for its place.
        let (sender, pulled) = mpsc::sync_channel(self.search.detector.parallelism());
        thread::scope(|scope| {
            // Dropped before the scope waits for its thread, which may wait for the upload.
            let work = Unfinished(Some(cancel));
            teller.tell(Event::Start(source.info().clone()))?;
            thread::Builder::new()
                .name("video-pull".to_owned())
                .spawn_scoped(scope, move || puller.run(source, &sender))
                .map_err(PipelineError::Thread)?;
            work.end(teller.follow(pulled))
        })
    }
}

/// Work that is given up when this is dropped, be it by a panic.
struct Unfinished<'a>(Option<&'a CancelToken>);

impl Unfinished<'_> {
    /// The work ended with `outcome`; where it was given up before, that is the reason of any failure.
    fn end(mut self, outcome: Result<(), PipelineError>) -> Result<(), PipelineError> {
        match outcome {
            Ok(()) => self.0 = None,
            Err(_) => {
                self.0.map_or(Ok(()), CancelToken::check).map_err(PipelineError::Interrupted)?
            }
        }
        outcome
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(token) = self.0 {
            token.cancel();
        }
    }
}
