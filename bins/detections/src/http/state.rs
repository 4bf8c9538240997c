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
    annotations::{Annotations, OutboxMetrics},
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
    annotations: OnceLock<Arc<Annotations>>,
    outbox_metrics: OutboxMetrics,
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
        let outbox_metrics = OutboxMetrics::default();
        Self {
            metrics: Metrics::new(videos.metrics(), outbox_metrics.clone()),
            annotations: OnceLock::new(),
            outbox_metrics,
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

    /// From now on what is found is recorded for the Annotations service; only the first one is ever taken.
    pub fn annotate(&self, annotations: Arc<Annotations>) {
        self.outbox_metrics.watch(self.annotations.get_or_init(|| annotations));
    }

    /// What is recorded for the Annotations service, where there is one.
    #[must_use]
    pub fn annotations(&self) -> Option<Arc<Annotations>> {
        self.annotations.get().cloned()
    }

    /// Refuses new work from now on, and ends the videos, which may take hours.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        if let Some(annotations) = self.annotations.get() {
            annotations.stop_soon();
        }
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
