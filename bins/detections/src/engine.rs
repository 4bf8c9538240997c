//! Starts what detects: model file, manifest, backend, workers and product classes become one [`Engine`]
//! that the service and the command line share. Each step that fails says which one and on what.

mod backend;
mod classes;
mod error;
mod fetch;

use std::{num::NonZeroUsize, sync::Arc};

use detections_classes::BoundClasses;
use detections_frames::StillLimits;
use detections_infer::{
    Detector, DetectorOptions, DeviceName, HeadKind, Manifest, ManifestOptions, Model,
};
use detections_media::Sha256Digest;
use detections_models::ModelArtifact;
use detections_onnx::OnnxFile;
use detections_pipeline::{StillPipeline, VideoPipeline};

pub use self::{
    backend::{Backend, BackendError},
    classes::{ClassOrigin, Classes},
    error::EngineError,
    fetch::{fetch_classes, fetch_model, local_model, remote_classes, remote_model},
};
use crate::config::{Config, LimitsConfig, ModelConfig};

/// What is told of the model that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCard {
    /// Its name.
    pub name: String,
    /// SHA-256 of its file.
    pub sha256: Sha256Digest,
    /// Its output layout.
    pub head: HeadKind,
    /// Why that layout, its pixels and its labels, in a sentence.
    pub head_reason: String,
    /// Height and width of its input in pixels.
    pub input: [usize; 2],
    /// What is done to a picture's pixels, in words.
    pub preprocess: String,
    /// Its word for each class.
    pub labels: Vec<String>,
    /// The tensor runtime.
    pub backend: &'static str,
    /// The device.
    pub device: DeviceName,
    /// What the device is, in words.
    pub device_description: String,
}

/// A model that was loaded and not yet given workers.
#[derive(Debug)]
pub struct LoadedModel {
    /// What is told of it.
    pub card: ModelCard,
    /// How its pixels, output and labels are read.
    pub manifest: Manifest,
    /// The weights, shared by all sessions.
    pub model: Arc<dyn Model>,
    /// Where it came from, for messages.
    pub origin: String,
}

impl LoadedModel {
    /// Opens the configured device, then fetches, checks and compiles the configured model; `max_batch` settles a
    /// batch axis that the file leaves open.
    ///
    /// # Errors
    /// [`EngineError`] with the step that failed.
    pub fn load(config: &Config, max_batch: Option<NonZeroUsize>) -> Result<Self, EngineError> {
        let backend = Backend::open(&config.infer)?;
        let options = manifest_options(&config.model, max_batch);
        Self::compile(&fetch_model(config)?, &options, &backend)
    }

    /// Checks a model file and compiles it for `backend`.
    ///
    /// # Errors
    /// [`EngineError`] with the step that failed.
    pub fn compile(
        artifact: &ModelArtifact,
        options: &ManifestOptions,
        backend: &Backend,
    ) -> Result<Self, EngineError> {
        let origin = artifact.origin.to_string();
        let refused = |source| EngineError::Onnx { model: origin.clone(), source };
        let file = OnnxFile::parse(&artifact.bytes).map_err(refused)?;
        let manifest = Manifest::resolve(file.description(), options)
            .map_err(|source| EngineError::Manifest { model: origin.clone(), source })?;
        let (model, manifest) = backend
            .load(&file, manifest)
            .map_err(|source| EngineError::of_backend(&origin, backend, source))?;
        let card = ModelCard::new(artifact, &manifest, backend);
        Ok(Self { card, manifest, model, origin })
    }
}

impl ModelCard {
    fn new(artifact: &ModelArtifact, manifest: &Manifest, backend: &Backend) -> Self {
        Self {
            name: artifact.name.clone(),
            sha256: artifact.sha256,
            head: manifest.head.kind(),
            head_reason: manifest.head_reason.clone(),
            input: [manifest.input.height, manifest.input.width],
            preprocess: manifest.preprocess.to_string(),
            labels: manifest.labels.clone(),
            backend: backend.name().as_str(),
            device: backend.device(),
            device_description: backend.description().to_owned(),
        }
    }
}

/// Running detection: workers with their sessions warmed up, and the pipeline over them.
#[derive(Debug)]
pub struct Engine {
    /// Encoded pictures in, product classes out.
    pub pipeline: Arc<StillPipeline>,
    /// Frames in, events in product classes out.
    pub video: VideoPipeline,
    /// The workers under the pipeline.
    pub detector: Arc<Detector>,
    /// What is told of the model.
    pub model: ModelCard,
}

impl Engine {
    /// Opens the configured device, loads the configured model and classes and starts `infer.threads` workers.
    ///
    /// It returns when every worker has answered a warm-up.
    ///
    /// # Errors
    /// [`EngineError`] with the step that failed.
    pub fn start(config: &Config) -> Result<Self, EngineError> {
        Self::build(config, LoadedModel::load(config, None)?, &fetch_classes(config)?)
    }

    /// Starts the workers of a loaded model; it returns when every worker has answered a warm-up.
    ///
    /// # Errors
    /// [`EngineError::Classes`] when the classes do not fit the model, [`EngineError::Detector`] when a worker
    /// does not start.
    pub fn build(
        config: &Config,
        loaded: LoadedModel,
        classes: &Classes,
    ) -> Result<Self, EngineError> {
        let LoadedModel { card, manifest, model, origin } = loaded;
        let classes = classes.bind(manifest.labels())?;
        let options = DetectorOptions {
            workers: config.infer.threads,
            queue_capacity: queue_capacity(config, manifest.input.max_batch),
        };
        let detector = Detector::spawn(model, manifest, options)
            .map_err(|source| EngineError::Detector { model: origin, source })?;
        Ok(Self::over(Arc::new(detector), classes, &config.limits, card))
    }

    /// The same workers under other classes.
    ///
    /// # Errors
    /// [`EngineError::Classes`] when they do not fit the model.
    pub fn with_classes(&self, config: &Config, classes: &Classes) -> Result<Self, EngineError> {
        let classes = classes.bind(&self.model.labels)?;
        let detector = Arc::clone(&self.detector);
        Ok(Self::over(detector, classes, &config.limits, self.model.clone()))
    }

    fn over(
        detector: Arc<Detector>,
        classes: BoundClasses,
        limits: &LimitsConfig,
        model: ModelCard,
    ) -> Self {
        let classes = Arc::new(classes);
        let video = VideoPipeline::new(Arc::clone(&detector), Arc::clone(&classes));
        let limits = still_limits(limits);
        let pipeline = Arc::new(StillPipeline::new(Arc::clone(&detector), classes, limits));
        Self { pipeline, video, detector, model }
    }
}

/// Frames of a video that its pipeline holds besides those that keep all workers busy.
const FRAMES_IN_HAND: usize = 2;

/// Everything that may be in flight finds a place: admission bounds it, not the detector's queue.
fn queue_capacity(config: &Config, max_batch: usize) -> NonZeroUsize {
    let of_one_video = config.infer.threads.get().saturating_mul(max_batch) + FRAMES_IN_HAND;
    let of_videos = config.video.max_in_flight.saturating_mul(of_one_video);
    let in_flight = config.server.max_in_flight.saturating_add(of_videos);
    NonZeroUsize::new(in_flight).unwrap_or(NonZeroUsize::MIN).max(config.infer.threads)
}

/// What the configuration settles where a model file leaves it open.
#[must_use]
pub fn manifest_options(config: &ModelConfig, max_batch: Option<NonZeroUsize>) -> ManifestOptions {
    ManifestOptions {
        head: config.head,
        input_size: config.input_size.map(|size| (size.height, size.width)),
        max_batch: max_batch.map(NonZeroUsize::get),
        labels: config.labels,
    }
}

/// What is too large to be decoded.
#[must_use]
pub fn still_limits(config: &LimitsConfig) -> StillLimits {
    StillLimits {
        max_pixels: config.max_pixels,
        max_memory_bytes: config.max_decoded_bytes,
        ..StillLimits::default()
    }
}
