//! One video as all see it who have to do with it: its events, how far it is, and the word that ends it.

use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use detections_pipeline::Arrivals;
use detections_types::CancelToken;
use tokio::sync::Notify;

use super::{Failure, JobBody, JobState, Name, VideoMetrics};
use crate::{
    events::{EventLog, LogLimits},
    wire::{ErrorBody, ProgressBody, VideoBody, VideoEvent},
};

/// Where the bytes of a video are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UploadState {
    /// On their way.
    #[default]
    Running,
    /// All are here.
    Complete,
    /// The rest does not come, or is not wanted.
    Over,
}

/// One video from its admission to its closing event.
#[derive(Debug)]
pub struct Video {
    id: String,
    is_job: bool,
    log: EventLog,
    cancel: CancelToken,
    arrivals: Arrivals,
    metrics: Arc<VideoMetrics>,
    status: Mutex<Status>,
    changed: tokio::sync::Notify,
}

#[derive(Debug)]
struct Status {
    /// Why it has to end; the first word counts.
    stop: Option<Failure>,
    outcome: Option<Result<(), Failure>>,
    upload: UploadState,
    progress: ProgressBody,
    info: Option<VideoBody>,
    created: SystemTime,
    started: Option<SystemTime>,
    ended: Option<SystemTime>,
    /// The same by a clock that nobody sets.
    ended_at: Option<Instant>,
}

impl Video {
    pub(super) fn new(
        name: &Name,
        limits: LogLimits,
        cancel: CancelToken,
        arrivals: Arrivals,
        metrics: &Arc<VideoMetrics>,
    ) -> Self {
        let (id, is_job) = match name {
            Name::Request(id) => (id.clone(), false),
            Name::Job(id) => (id.to_string(), true),
        };
        let status = Status {
            stop: None,
            outcome: None,
            upload: UploadState::Running,
            progress: ProgressBody::default(),
            info: None,
            created: SystemTime::now(),
            started: None,
            ended: None,
            ended_at: None,
        };
        Self {
            id,
            is_job,
            log: EventLog::new(limits),
            cancel,
            arrivals,
            metrics: Arc::clone(metrics),
            status: Mutex::new(status),
            changed: Notify::new(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What happened to it.
    #[must_use]
    pub const fn log(&self) -> &EventLog {
        &self.log
    }

    /// The word that ends it.
    #[must_use]
    pub const fn cancel(&self) -> &CancelToken {
        &self.cancel
    }

    /// Ends it for a reason; without effect after its end or another reason.
    pub fn stop(&self, failure: Failure) {
        let mut status = self.status();
        if status.outcome.is_none() {
            status.stop.get_or_insert(failure);
            drop(status);
            self.cancel.cancel();
        }
    }

    /// Whoever sends it, or reads its answer, went away: it ends, unless it is a job that has all of its bytes.
    pub fn leave(&self) {
        if !self.is_job || self.status().upload != UploadState::Complete {
            self.stop(Failure::client_gone());
        }
    }

    /// Waits until its first event, or until it failed without any.
    ///
    /// # Errors
    /// [`Failure`] when it ended before it started.
    pub async fn begun(&self) -> Result<(), Failure> {
        self.until(|status| match &status.outcome {
            _ if status.started.is_some() => Some(Ok(())),
            outcome => outcome.clone(),
        })
        .await
    }

    /// Waits for its end.
    pub async fn ended(&self) {
        self.until(|status| status.outcome.is_some().then_some(())).await;
    }

    /// What it came to; `None` while it is in work.
    #[must_use]
    pub fn outcome(&self) -> Option<Result<(), Failure>> {
        self.status().outcome.clone()
    }

    /// When it ended; `None` while it is in work.
    pub(super) fn ended_at(&self) -> Option<Instant> {
        self.status().ended_at
    }

    /// Notes what became of its bytes.
    pub fn upload_is(&self, state: UploadState) {
        self.status().upload = state;
        self.changed.notify_waiters();
    }

    /// Waits until no more of its bytes are read, and says where they are then.
    pub async fn upload_over(&self) -> UploadState {
        self.until(|status| (status.upload != UploadState::Running).then_some(status.upload)).await
    }

    /// How it stands.
    #[must_use]
    pub fn job(&self) -> JobBody {
        let status = self.status();
        let mut progress = status.progress;
        progress.received_bytes = self.arrivals.received_bytes();
        JobBody {
            id: self.id.clone(),
            state: status.state(),
            upload_complete: status.upload == UploadState::Complete,
            video: status.info.clone(),
            progress,
            events: self.log.newest(),
            error: status.outcome.clone().and_then(Result::err).map(fatal),
            created_ms: unix_ms(status.created),
            started_ms: status.started.map(unix_ms),
            ended_ms: status.ended.map(unix_ms),
        }
    }

    /// Tells an event; the end and what comes after a full log break.
    pub(super) fn tell(&self, event: &VideoEvent) -> ControlFlow<()> {
        let Ok(line) = event.line() else {
            self.stop(Failure::internal());
            return ControlFlow::Break(());
        };
        if let VideoEvent::End(_) = event {
            self.note(event);
            self.close(event, line, Ok(()));
            return ControlFlow::Continue(());
        }
        if let Err(error) = self.log.append(event.kind(), line) {
            tracing::warn!(id = self.id, error = crate::http::told_with_causes(&error), "no event");
            self.stop(Failure::of_events(&error));
            return ControlFlow::Break(());
        }
        self.metrics.told(event.kind());
        self.note(event);
        ControlFlow::Continue(())
    }

    /// Ends it with a fatal error: the reason for which it was stopped, or else `failure`.
    pub(super) fn fail(&self, failure: Failure) {
        if self.log.is_closed() {
            return;
        }
        let failure = self.status().stop.clone().unwrap_or(failure);
        let event = VideoEvent::Error(fatal(failure.clone()));
        // Two strings and a flag can always be spelled; a stream without its last line was cut.
        let line = event.line().unwrap_or_default();
        self.close(&event, line, Err(failure));
    }

    fn close(&self, event: &VideoEvent, line: Vec<u8>, outcome: Result<(), Failure>) {
        self.metrics.told(event.kind());
        self.metrics.ended(outcome.as_ref().map_or_else(|failure| failure.code, |()| "end"));
        self.log.close(event.kind(), line);
        let mut status = self.status();
        status.outcome = Some(outcome);
        status.ended = Some(SystemTime::now());
        status.ended_at = Some(Instant::now());
        drop(status);
        self.changed.notify_waiters();
    }

    fn note(&self, event: &VideoEvent) {
        let mut status = self.status();
        let decoded = status.progress.frames_decoded;
        match event {
            VideoEvent::Start(start) => {
                status.info = Some(start.video.clone());
                status.started = Some(SystemTime::now());
                self.changed.notify_waiters();
            }
            VideoEvent::Frame(_) => {
                status.progress.frames_inferred += 1;
                // How many were decoded is told now and then only.
                let progress = &mut status.progress;
                progress.frames_decoded = progress.frames_decoded.max(progress.frames_inferred);
                self.metrics.frame_inferred();
            }
            VideoEvent::Progress(progress) => status.progress = *progress,
            VideoEvent::End(end) => {
                status.progress.frames_decoded = end.frames_decoded;
                status.progress.frames_inferred = end.frames_inferred;
            }
            VideoEvent::Error(_) => {}
        }
        self.metrics.frames_decoded(status.progress.frames_decoded.saturating_sub(decoded));
    }

    /// How it stands; each change is whole, so a panic elsewhere leaves it sound.
    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn until<T>(&self, look: impl Fn(&Status) -> Option<T>) -> T {
        loop {
            // Made before the look, so that no change in between is missed.
            let changed = self.changed.notified();
            let seen = look(&self.status());
            match seen {
                Some(seen) => return seen,
                None => changed.await,
            }
        }
    }
}

impl Status {
    fn state(&self) -> JobState {
        match &self.outcome {
            Some(Ok(())) => JobState::Done,
            Some(Err(failure)) if failure.is_wanted() => JobState::Cancelled,
            Some(Err(_)) => JobState::Failed,
            None if self.started.is_some() => JobState::Running,
            None => JobState::Queued,
        }
    }
}

fn fatal(failure: Failure) -> ErrorBody {
    ErrorBody { code: failure.code, message: failure.message, pts_ms: None, fatal: true }
}

fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
