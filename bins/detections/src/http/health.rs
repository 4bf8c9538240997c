//! Whether the process lives, serves, and is ready for pictures.

use actix_web::{HttpResponse, web};
use detections_annotations::Stats;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Problem, Service, state::Phase};
use crate::{build_info, engine::ModelCard, wire::millis};

/// How the service is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct HealthBody {
    /// `loading` until the model is there; `degraded` while shutting down, or when `reason` says that the model
    /// or its classes are not what they should be or results cannot be stored, with `ready` true; `failed` when
    /// the model cannot answer any more.
    status: Status,
    /// Whether a picture would be taken now.
    ready: bool,
    /// The model, once it is loaded.
    model: Option<HealthModel>,
    /// The tensor runtime.
    #[schema(example = "tract")]
    backend: Option<String>,
    /// The device.
    #[schema(example = "cpu")]
    device: Option<String>,
    /// The program's version.
    version: &'static str,
    /// Seconds since the start.
    uptime_s: f64,
    /// What waits for the Annotations service, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    outbox: Option<HealthOutbox>,
    /// Why it is not healthy: what failed, what the Loader did not give, or why results cannot be stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// One word for the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// The model is not there yet.
    Loading,
    /// Everything works.
    Healthy,
    /// Working, but with an older model or classes than it should, or without a place for results; or taking
    /// nothing new.
    Degraded,
    /// The model cannot answer any more.
    Failed,
}

/// What waits for the Annotations service.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct HealthOutbox {
    /// Results that wait.
    pending: u64,
    /// Dead letters.
    dead: u64,
    /// For how many seconds of service the oldest has waited.
    oldest_s: f64,
}

impl From<&Stats> for HealthOutbox {
    fn from(stats: &Stats) -> Self {
        let oldest_s = stats.oldest.map_or(0.0, |age| millis(age) / 1000.0);
        Self { pending: stats.pending, dead: stats.dead, oldest_s }
    }
}

/// Why results may not be stored; paths of this machine are for the log.
fn outbox_trouble(stats: &Stats) -> Option<String> {
    if stats.trouble.is_some() {
        return Some("the outbox cannot be written; the log says why".to_owned());
    }
    stats.full.then(|| "the outbox is full".to_owned())
}

/// The loaded model in short.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct HealthModel {
    /// Its name.
    name: String,
    /// SHA-256 of its file, in hex.
    sha256: String,
    /// Its output layout.
    head: String,
    /// Height and width of its input.
    input: [usize; 2],
    /// How many classes it knows.
    labels: usize,
}

impl From<&ModelCard> for HealthModel {
    fn from(card: &ModelCard) -> Self {
        Self {
            name: card.name.clone(),
            sha256: card.sha256.to_string(),
            head: card.head.to_string(),
            input: card.input,
            labels: card.labels.len(),
        }
    }
}

/// How the service is.
#[utoipa::path(get, path = "/health", tag = "operation", responses(
    (status = 200, description = "The process serves", body = HealthBody),
    (status = 503, description = "The model cannot answer any more", body = HealthBody),
))]
pub(super) async fn health(service: web::Data<Service>) -> HttpResponse {
    let phase = service.phase();
    let ready = matches!(phase, Phase::Ready(_));
    let notice = service.notices().told();
    let (status, reason) = match phase {
        Phase::Loading => (Status::Loading, notice),
        Phase::Ready(_) if notice.is_some() => (Status::Degraded, notice),
        Phase::Ready(_) => (Status::Healthy, None),
        Phase::Draining => (Status::Degraded, None),
        Phase::Failed(reason) => (Status::Failed, Some(reason)),
    };
    let stats = service.annotations().map(|annotations| annotations.stats());
    let (status, reason) = match stats.as_ref().and_then(outbox_trouble) {
        Some(trouble) if status == Status::Healthy => (Status::Degraded, Some(trouble)),
        _ => (status, reason),
    };
    let loaded = service.loaded();
    let card = loaded.as_ref().map(|loaded| &loaded.engine.model);
    let body = HealthBody {
        status,
        ready,
        model: card.map(HealthModel::from),
        backend: card.map(|card| card.backend.to_string()),
        device: card.map(|card| card.device.to_string()),
        version: build_info::VERSION,
        uptime_s: millis(service.uptime()) / 1000.0,
        outbox: stats.as_ref().map(HealthOutbox::from),
        reason,
    };
    match status {
        Status::Failed => HttpResponse::ServiceUnavailable().json(body),
        Status::Loading | Status::Healthy | Status::Degraded => HttpResponse::Ok().json(body),
    }
}

/// Alive or ready.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct ProbeBody {
    /// `live` or `ready`.
    status: &'static str,
}

/// Whether the process answers at all; never looks at load.
#[utoipa::path(get, path = "/health/live", tag = "operation", responses(
    (status = 200, description = "The process answers", body = ProbeBody),
))]
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(ProbeBody { status: "live" })
}

/// Whether a picture would be taken now.
#[utoipa::path(get, path = "/health/ready", tag = "operation", responses(
    (status = 200, description = "The model has answered its warm-up", body = ProbeBody),
    super::docs::NotReady,
))]
pub(super) async fn ready(service: web::Data<Service>) -> Result<HttpResponse, Problem> {
    service.ready()?;
    Ok(HttpResponse::Ok().json(ProbeBody { status: "ready" }))
}
