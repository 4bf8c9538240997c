//! What runs: the model and how it is read, the limits, and the build.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Problem, Service};
use crate::{build_info, config::Config, engine::ModelCard};

/// What runs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct InfoBody {
    model: InfoModel,
    /// The product's classes that are reported.
    classes: Vec<InfoClass>,
    /// The model's labels that no product class maps.
    unmapped_labels: Vec<String>,
    limits: InfoLimits,
    defaults: InfoDefaults,
    build: InfoBuild,
}

/// The model and how it is read.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct InfoModel {
    /// Its name.
    name: String,
    /// SHA-256 of its file, in hex.
    sha256: String,
    /// Its output layout.
    #[schema(example = "yolov8")]
    head: String,
    /// Why that layout was recognised.
    head_reason: String,
    /// Height and width of its input.
    input: [usize; 2],
    /// What is done to a picture's pixels.
    preprocess: String,
    /// The model's word for each class.
    labels: Vec<String>,
    /// The tensor runtime.
    backend: String,
    /// The device.
    device: String,
    /// What the device is: of a graphics processor its name, memory, compute capability and driver.
    device_description: String,
    /// Pictures that are inferred at the same time.
    threads: usize,
}

/// A product class.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct InfoClass {
    /// Its id.
    id: u32,
    /// Its name.
    name: String,
    /// The score below which it is never reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    min_confidence: Option<f32>,
}

/// What is too much.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct InfoLimits {
    /// Largest body.
    max_body_bytes: u64,
    /// Most pictures in flight.
    max_in_flight: usize,
    /// Most bytes of their bodies.
    max_in_flight_bytes: u64,
    /// Most pixels of a picture.
    max_pixels: u64,
    /// Most memory for decoding one.
    max_decoded_bytes: u64,
    /// Longest time that a request may take, in milliseconds.
    timeout_ms: u128,
    /// Longest pause of a client, in milliseconds.
    client_timeout_ms: u128,
}

/// What holds for a request that does not say otherwise.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct InfoDefaults {
    /// Lowest confidence that is reported.
    confidence: f32,
    /// Overlap above which the weaker of two boxes is dropped.
    iou: f32,
    /// Most detections that are reported.
    max_detections: usize,
}

/// What this program is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct InfoBuild {
    /// Its version.
    version: &'static str,
    /// The commit that it was built from.
    commit: &'static str,
    /// `release` or `debug`.
    profile: &'static str,
    /// Whether the project's own model is compiled in.
    built_in_model: bool,
    /// The tensor runtimes that are compiled in, with their devices.
    backends: &'static [&'static str],
}

impl InfoModel {
    fn new(card: &ModelCard, config: &Config) -> Self {
        Self {
            name: card.name.clone(),
            sha256: card.sha256.to_string(),
            head: card.head.to_string(),
            head_reason: card.head_reason.clone(),
            input: card.input,
            preprocess: card.preprocess.clone(),
            labels: card.labels.clone(),
            backend: card.backend.to_owned(),
            device: card.device.to_string(),
            device_description: card.device_description.clone(),
            threads: config.infer.threads.get(),
        }
    }
}

impl InfoLimits {
    fn new(config: &Config) -> Self {
        Self {
            max_body_bytes: config.server.max_body_bytes,
            max_in_flight: config.server.max_in_flight,
            max_in_flight_bytes: config.server.max_in_flight_bytes,
            max_pixels: config.limits.max_pixels,
            max_decoded_bytes: config.limits.max_decoded_bytes,
            timeout_ms: config.server.timeout.as_millis(),
            client_timeout_ms: config.server.client_timeout.as_millis(),
        }
    }
}

const BUILD: InfoBuild = InfoBuild {
    version: build_info::VERSION,
    commit: build_info::COMMIT,
    profile: build_info::PROFILE,
    built_in_model: build_info::BUILT_IN_MODEL,
    backends: build_info::BACKENDS,
};

/// The model and why its head was recognised, the classes, the limits and the build.
#[utoipa::path(get, path = "/info", tag = "operation", responses(
    (status = 200, description = "What runs", body = InfoBody),
    super::docs::NotReady,
))]
pub(super) async fn info(service: web::Data<Service>) -> Result<HttpResponse, Problem> {
    let Some(loaded) = service.loaded() else {
        return Err(Problem::unavailable("loading", "the model is being loaded"));
    };
    let config = &service.config;
    let classes = loaded.engine.pipeline.classes();
    let defaults = &config.detect;
    Ok(HttpResponse::Ok().json(InfoBody {
        model: InfoModel::new(&loaded.engine.model, config),
        classes: info_classes(classes),
        unmapped_labels: classes.unmapped_labels().to_vec(),
        limits: InfoLimits::new(config),
        defaults: InfoDefaults {
            confidence: defaults.confidence.get(),
            iou: defaults.iou,
            max_detections: defaults.max_detections,
        },
        build: BUILD,
    }))
}

fn info_classes(classes: &detections_classes::BoundClasses) -> Vec<InfoClass> {
    let class = |class: &detections_classes::ProductClass| InfoClass {
        id: class.id,
        name: class.name.to_string(),
        min_confidence: class.min_confidence.map(|score| score.get()),
    };
    classes.iter().map(|(_, product)| class(product)).collect()
}
