//! What all handlers share: the settings, the gate, the counters, and the engine once it is loaded.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use detections_infer::DetectorHealth;
use detections_models::BearerToken;

use super::{Metrics, Problem};
use crate::{
    access::{Access, AccessMetrics},
    annotations::{Annotations, OutboxMetrics},
    config::Config,
    engine::Engine,
    gate::{Gate, GateLimits},
    upkeep::{Notices, ReloadRefused, Reloading, UpkeepHandle},
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
    annotations: OnceLock<Arc<Annotations>>,
    outbox_metrics: OutboxMetrics,
    started: Instant,
    draining: AtomicBool,
    loaded: RwLock<Option<Arc<Loaded>>>,
    upkeep: OnceLock<UpkeepHandle>,
    notices: Notices,
    device_failure: OnceLock<String>,
}

/// The engine and the threads that work with it.
///
/// A request takes it once and uses it to its end, whatever is taken into service meanwhile; it goes with its
/// last user.
#[derive(Debug)]
pub struct Loaded {
    /// Model, detector and pipeline.
    pub engine: Engine,
    /// Threads that decode pictures and wait for the detector.
    pub executor: Executor,
}

/// What the service is able to do now.
#[derive(Debug)]
pub(super) enum Phase {
    /// The model is not there yet.
    Loading,
    /// Everything works.
    Ready(Arc<Loaded>),
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
        let outbox_metrics = OutboxMetrics::default();
        Self {
            metrics: Metrics::new(videos.metrics(), &access_metrics, outbox_metrics.clone()),
            access: access.map(|access| Access::new(access, access_metrics)),
            annotations: OnceLock::new(),
            outbox_metrics,
            gate,
            videos,
            config,
            started: Instant::now(),
            draining: AtomicBool::new(false),
            loaded: RwLock::default(),
            upkeep: OnceLock::new(),
            notices: Notices::default(),
            device_failure: OnceLock::new(),
        }
    }

    /// Takes the loaded engine into service, instead of the one that is there.
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
        let loaded = Arc::new(Loaded { engine, executor });
        // The one before may go with this, or with the last request that uses it.
        let before = self.loaded.write().unwrap_or_else(PoisonError::into_inner).replace(loaded);
        drop(before);
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

    /// Lets `upkeep` renew the engine from now on; only the first is taken.
    pub fn keep_up(&self, upkeep: UpkeepHandle) {
        // A second one would renew beside the first.
        self.upkeep.set(upkeep).ok();
    }

    /// Asks for what is new, now; `bearer` opens the Loader's door instead of the configured token.
    ///
    /// # Errors
    /// A problem when the service ends, is being renewed by another request, or has nothing that renews it.
    pub fn reload(&self, bearer: Option<BearerToken>) -> Result<Reloading, ReloadRefused> {
        if self.is_draining() {
            return Err(ReloadRefused::Ending);
        }
        self.upkeep.get().ok_or(ReloadRefused::Ending)?.reload(bearer)
    }

    /// What is not as it should be, though it works.
    #[must_use]
    pub const fn notices(&self) -> &Notices {
        &self.notices
    }

    /// From now on nothing is done any more: the device fails before it has run any model.
    pub fn fail_device(&self, reason: String) {
        // The first reason is the one that counts.
        self.device_failure.set(reason).ok();
    }

    /// Why the device under the model does not work, if it does not.
    #[must_use]
    pub fn device_failure(&self) -> Option<String> {
        let health = self.loaded().map(|loaded| loaded.engine.detector.health());
        match health {
            Some(DetectorHealth::DeviceFailed { reason }) => Some(reason),
            Some(DetectorHealth::Healthy | DetectorHealth::Failed { .. }) | None => {
                self.device_failure.get().cloned()
            }
        }
    }

    /// The counters.
    #[must_use]
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Whether the service ends.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
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

    /// The engine in service.
    #[must_use]
    pub fn loaded(&self) -> Option<Arc<Loaded>> {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn phase(&self) -> Phase {
        if let Some(reason) = self.device_failure.get() {
            return Phase::Failed(reason.clone());
        }
        let Some(loaded) = self.loaded() else { return Phase::Loading };
        match loaded.engine.detector.health() {
            DetectorHealth::Failed { reason } | DetectorHealth::DeviceFailed { reason } => {
                Phase::Failed(reason)
            }
            DetectorHealth::Healthy if self.is_draining() => Phase::Draining,
            DetectorHealth::Healthy => Phase::Ready(loaded),
        }
    }

    /// The engine, if it can take a picture now.
    pub(super) fn ready(&self) -> Result<Arc<Loaded>, Problem> {
        if self.is_draining() {
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
