//! What all handlers share: the settings, the gate, the counters, and the engine once it is loaded.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use detections_infer::DetectorHealth;

use super::{Metrics, Problem};
use crate::{
    access::{Access, AccessMetrics},
    config::Config,
    engine::Engine,
    gate::{Gate, GateLimits},
    videos::{Failure, Videos},
    work::{Executor, ExecutorError},
};

/// The running service.
#[derive(Debug)]
pub struct Service {
    pub(super) config: Arc<Config>,
    pub(super) gate: Gate,
    pub(super) metrics: Metrics,
    pub(super) videos: Videos,
    access: Option<Access>,
    started: Instant,
    draining: AtomicBool,
    loaded: OnceLock<Loaded>,
}

/// The engine and the threads that work with it.
#[derive(Debug)]
pub struct Loaded {
    /// Model, detector and pipeline.
    pub engine: Engine,
    /// Threads that decode pictures and wait for the detector.
    pub executor: Executor,
}

/// What the service is able to do now.
#[derive(Debug)]
pub(super) enum Phase<'a> {
    /// The model is not there yet.
    Loading,
    /// Everything works.
    Ready(&'a Loaded),
    /// The service ends: what is inside is finished, nothing new is taken.
    Draining,
    /// The model cannot answer any more.
    Failed(String),
}

impl Service {
    /// A service without a model: it answers, but is not ready.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        let server = &config.server;
        let gate = Gate::new(GateLimits {
            items: server.max_in_flight,
            bytes: server.max_in_flight_bytes,
            lanes: config.infer.threads.get(),
        });
        let videos = Videos::new(&config);
        let access_metrics = Arc::new(AccessMetrics::default());
        let access = config.access.clone();
        Self {
            metrics: Metrics::new(videos.metrics(), &access_metrics),
            access: access.map(|access| Access::new(access, access_metrics)),
            gate,
            videos,
            config,
            started: Instant::now(),
            draining: AtomicBool::new(false),
            loaded: OnceLock::new(),
        }
    }

    /// Takes the loaded engine into service.
    ///
    /// # Errors
    /// [`ExecutorError`] when its threads cannot be started.
    pub fn engine_loaded(&self, engine: Engine) -> Result<(), ExecutorError> {
        // Enough threads to fill every worker's batch, and one more to decode while all are inferred.
        let batch = NonZeroUsize::new(engine.detector.manifest().input.max_batch);
        let in_batches =
            self.config.infer.threads.saturating_mul(batch.unwrap_or(NonZeroUsize::MIN));
        let lanes = in_batches.saturating_add(1);
        let executor = Executor::spawn(Arc::clone(&engine.pipeline), lanes, self.gate.clone())?;
        self.metrics.model_loaded(&engine.model);
        // Only the first engine is ever taken: nothing loads a second one.
        self.loaded.get_or_init(|| Loaded { engine, executor });
        Ok(())
    }

    /// Refuses new work from now on, and ends the videos, which may take hours.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.videos.stop_all(&Failure::shutting_down());
    }

    /// The gate of pictures.
    #[must_use]
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The videos in work.
    #[must_use]
    pub const fn videos(&self) -> &Videos {
        &self.videos
    }

    /// Who may call; `None` lets everybody in.
    #[must_use]
    pub const fn access(&self) -> Option<&Access> {
        self.access.as_ref()
    }

    /// Waits until nothing is inside.
    pub async fn emptied(&self) {
        self.gate.emptied().await;
        self.videos.gate().emptied().await;
    }

    pub(super) fn loaded(&self) -> Option<&Loaded> {
        self.loaded.get()
    }

    pub(super) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn phase(&self) -> Phase<'_> {
        let Some(loaded) = self.loaded.get() else { return Phase::Loading };
        match loaded.engine.detector.health() {
            DetectorHealth::Failed { reason } => Phase::Failed(reason),
            DetectorHealth::Healthy if self.draining.load(Ordering::Relaxed) => Phase::Draining,
            DetectorHealth::Healthy => Phase::Ready(loaded),
        }
    }

    /// The engine, if it can take a picture now.
    pub(super) fn ready(&self) -> Result<&Loaded, Problem> {
        if self.draining.load(Ordering::Relaxed) {
            return Err(Problem::unavailable("draining", "the server is shutting down"));
        }
        match self.phase() {
            Phase::Ready(loaded) => Ok(loaded),
            Phase::Loading => Err(Problem::unavailable("loading", "the model is being loaded")),
            Phase::Draining => Err(Problem::unavailable("draining", "the server is shutting down")),
            Phase::Failed(_) => {
                Err(Problem::unavailable("model_failed", "the model does not answer"))
            }
        }
    }
}
