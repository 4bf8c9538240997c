//! The videos in work: each is let in by a gate of its own, runs on a thread of its own, tells what happens in an
//! event log, and ends by one word from anywhere. Those that are jobs are kept for a while after their end.

mod failure;
mod job;
mod jobs;
mod metrics;
mod run;
mod video;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use detections_frames::Sampling;
use detections_pipeline::{Intake, VideoPipeline, VideoRequest, intake};
use detections_types::CancelToken;
use uuid::Uuid;

pub use self::{
    failure::Failure,
    job::{JobBody, JobState},
    metrics::VideoMetrics,
    video::{UploadState, Video},
};
use self::{jobs::Jobs, run::Run};
use crate::{
    access::{Caller, Subject},
    annotations::VideoRecord,
    config::{Config, VideoConfig},
    events::{LogLimits, Retention},
    gate::{Full, Gate, GateLimits, Permit},
    wire::VideoParamsBody,
};

/// What is asked of one video.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is searched for, and how long.
    pub request: VideoRequest,
    /// Which frames are wanted.
    pub sampling: Sampling,
    /// The same as the start event tells it.
    pub params: VideoParamsBody,
    /// After which moment the answer is of no use.
    pub deadline: Instant,
    /// By which name it is known.
    pub name: Name,
    /// What is recorded of it, where an Annotations service wants it.
    pub record: Option<VideoRecord>,
    /// To whom it belongs.
    pub owner: Owner,
}

/// To whom a video belongs; to nobody where callers are not told apart.
pub type Owner = Option<Arc<Subject>>;

/// By which name a video is known, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// It ends with its request.
    Request(String),
    /// It can be asked for by other requests.
    Job(Uuid),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(id) => f.write_str(id),
            Self::Job(id) => id.fmt(f),
        }
    }
}

/// All videos in work; clones are the same.
#[derive(Debug, Clone)]
pub struct Videos(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    gate: Gate,
    settings: VideoConfig,
    max_pixels: u64,
    max_decoded_bytes: u64,
    running: Mutex<Running>,
    jobs: Jobs,
    metrics: Arc<VideoMetrics>,
}

#[derive(Debug, Default)]
struct Running {
    /// Why no video may begin any more.
    closed: Option<Failure>,
    videos: Vec<Arc<Video>>,
}

impl Videos {
    /// No videos yet.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let items = config.video.max_in_flight;
        Self(Arc::new(Shared {
            gate: Gate::new(GateLimits { items, bytes: u64::MAX, lanes: items }),
            settings: config.video.clone(),
            max_pixels: config.limits.max_pixels,
            max_decoded_bytes: config.limits.max_decoded_bytes,
            running: Mutex::default(),
            jobs: Jobs::new(config.jobs.max, config.jobs.ttl),
            metrics: Arc::default(),
        }))
    }

    /// The gate that bounds how many are in work.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// Those that can be asked for by name.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.0.jobs.count()
    }

    /// The counters.
    #[must_use]
    pub fn metrics(&self) -> &Arc<VideoMetrics> {
        &self.0.metrics
    }

    /// Lets one video in.
    ///
    /// # Errors
    /// [`Full`] when as many are in work as may be.
    pub fn admit(&self) -> Result<Permit, Full> {
        self.0.gate.admit(0)
    }

    /// Starts the work on one video, whose bytes go into the intake.
    ///
    /// # Errors
    /// [`Failure`] when there is a job of that name, no room for another job, no thread, or the service ends.
    pub fn begin(
        &self,
        pipeline: &VideoPipeline,
        plan: Plan,
        permit: Permit,
    ) -> Result<(Arc<Video>, Intake), Failure> {
        let Shared { settings, metrics, .. } = &*self.0;
        let (intake, arrivals, feed) = intake(settings.feed_bytes, settings.max_body_bytes);
        let cancel = CancelToken::with_deadline(plan.deadline);
        let limits = self.log_limits(&plan.name);
        let arriving = arrivals.clone();
        let video = Arc::new(Video::new(&plan.name, limits, cancel, arriving, metrics));
        self.enlist(&video, &plan.name, &plan.owner)?;
        let videos = self.clone();
        let pipeline = pipeline.clone();
        let run = Run { videos, video: Arc::clone(&video), plan, pipeline, arrivals, feed, permit };
        run.spawn().inspect_err(|failure| {
            video.fail(failure.clone());
            self.delist(&video);
        })?;
        Ok((video, intake))
    }

    /// The job of that name, if `caller` may see it; `None` where callers are not told apart.
    #[must_use]
    pub fn job(&self, id: Uuid, caller: Option<&Caller>) -> Option<Arc<Video>> {
        self.0.jobs.find(id, caller)
    }

    /// Forgets this job, unless it is still in work.
    #[must_use]
    pub fn forget(&self, video: &Arc<Video>) -> bool {
        self.0.jobs.forget(video)
    }

    /// Forgets `video` once it is as old as a job may get; for a task beside it.
    pub async fn forget_in_time(self, video: Arc<Video>) {
        video.ended().await;
        drop(video);
        tokio::time::sleep(self.0.jobs.ttl()).await;
        self.0.jobs.expire(Instant::now());
    }

    /// Ends all that are in work, and lets no other begin.
    pub fn stop_all(&self, failure: &Failure) {
        let mut running = self.0.running();
        running.closed = Some(failure.clone());
        let videos = running.videos.clone();
        drop(running);
        for video in videos {
            video.stop(failure.clone());
        }
    }

    fn log_limits(&self, name: &Name) -> LogLimits {
        let settings = &self.0.settings;
        LogLimits {
            memory_bytes: settings.event_memory_bytes,
            spool_bytes: settings.event_spool_bytes,
            spool_dir: settings.spool_dir.clone(),
            retention: match name {
                Name::Request(_) => Retention::UntilRead,
                Name::Job(_) => Retention::All,
            },
        }
    }

    fn enlist(&self, video: &Arc<Video>, name: &Name, owner: &Owner) -> Result<(), Failure> {
        let mut running = self.0.running();
        if let Some(failure) = &running.closed {
            return Err(failure.clone());
        }
        if let Name::Job(id) = name {
            self.0.jobs.add(*id, owner, video)?;
        }
        running.videos.push(Arc::clone(video));
        Ok(())
    }

    fn delist(&self, video: &Arc<Video>) {
        self.0.running().videos.retain(|other| !Arc::ptr_eq(other, video));
    }

    /// Learns how long a video was in work.
    fn observe(&self, time: Duration) {
        self.0.gate.observe(time);
    }
}

impl Shared {
    /// The list is whole after each change, so a panic elsewhere leaves it usable.
    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
