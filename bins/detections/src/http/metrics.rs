//! What is counted and measured, in the text format that Prometheus scrapes.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpResponse, http::header::CONTENT_TYPE, web};
use detections_pipeline::StillReport;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use super::{Problem, Service, state::Phase};
use crate::{
    access::AccessMetrics, annotations::OutboxMetrics, engine::ModelCard, videos::VideoMetrics,
};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Methods that are counted by name; a client can invent any number of others.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    stage: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabels {
    class: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabels {
    name: String,
    sha256: String,
    head: String,
    backend: &'static str,
    device: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

/// The service's counters, gauges and histograms.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    rejected: Counter,
    stages: Family<StageLabels, Histogram>,
    detections: Family<ClassLabels, Counter>,
    model: Family<ModelLabels, Gauge>,
    reloads: Family<OutcomeLabels, Counter>,
    class_reloads: Family<OutcomeLabels, Counter>,
    loader: Family<OutcomeLabels, Counter>,
    live: LiveGauges,
    videos: Arc<VideoMetrics>,
}

/// Values that are read when they are scraped.
#[derive(Debug, Default)]
struct LiveGauges {
    items: Gauge,
    bytes: Gauge,
    queued: Gauge,
    ready: Gauge,
}

impl Metrics {
    /// Everything at zero.
    #[must_use]
    pub fn new(videos: &Arc<VideoMetrics>, access: &AccessMetrics, outbox: OutboxMetrics) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("detections"),
            requests: Family::default(),
            rejected: Counter::default(),
            stages: Family::new_with_constructor(|| {
                // 0.1 ms to 26 s, each bucket twice the one below.
                Histogram::new(exponential_buckets(1e-4, 2.0, 19))
            }),
            detections: Family::default(),
            model: Family::default(),
            reloads: Family::default(),
            class_reloads: Family::default(),
            loader: Family::default(),
            live: LiveGauges::default(),
            videos: Arc::clone(videos),
        };
        metrics.register();
        access.register(&mut metrics.registry);
        metrics.registry.register_collector(Box::new(outbox));
        metrics
    }

    fn register(&mut self) {
        let Self { registry: to, live, videos, .. } = self;
        videos.register(to);
        to.register("http_requests", "Requests by route, method and status", self.requests.clone());
        to.register(
            "rejected",
            "Pictures refused because the service was full",
            self.rejected.clone(),
        );
        to.register("stage_seconds", "Where the time of a picture went", self.stages.clone());
        to.register("objects", "Objects found by product class", self.detections.clone());
        to.register("model_info", "The loaded model; always 1", self.model.clone());
        to.register("model_reloads", "New models by what became of them", self.reloads.clone());
        to.register(
            "classes_reloads",
            "New class maps by what became of them",
            self.class_reloads.clone(),
        );
        to.register("loader_requests", "Requests to the Loader by outcome", self.loader.clone());
        to.register("in_flight_items", "Pictures inside the gate", live.items.clone());
        to.register("in_flight_bytes", "Bytes of the bodies inside the gate", live.bytes.clone());
        to.register("queue_length", "Pictures that wait for a thread", live.queued.clone());
        to.register("ready", "1 when a picture would be taken now", live.ready.clone());
    }

    pub(super) fn request(&self, route: &'static str, method: &str, status: u16) {
        let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("other");
        let labels = RequestLabels { route, method, status };
        self.requests.get_or_create(&labels).inc();
    }

    pub(super) fn rejected(&self) {
        self.rejected.inc();
    }

    pub(super) fn answered(&self, report: &StillReport) {
        let timing = report.timing;
        self.stage("queue", timing.queue);
        self.stage("decode", timing.decode);
        self.stage("preprocess", timing.preprocess);
        self.stage("infer", timing.infer);
        self.stage("postprocess", timing.postprocess);
        self.stage("total", timing.total);
        for detection in &report.detections {
            let labels = ClassLabels { class: detection.class.to_string() };
            self.detections.get_or_create(&labels).inc();
        }
    }

    pub(super) fn model_loaded(&self, card: &ModelCard) {
        let labels = ModelLabels {
            name: card.name.clone(),
            sha256: card.sha256.to_string(),
            head: card.head.to_string(),
            backend: card.backend,
            device: card.device.to_string(),
        };
        self.model.clear();
        self.model.get_or_create(&labels).set(1);
    }

    /// A new model was `swapped` in or `refused`.
    pub(crate) fn model_reloaded(&self, outcome: &'static str) {
        self.reloads.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    /// A new class map was `swapped` in or `refused`.
    pub(crate) fn classes_reloaded(&self, outcome: &'static str) {
        self.class_reloads.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    /// The Loader was asked.
    pub(crate) fn loader_asked(&self, outcome: &'static str) {
        self.loader.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    fn stage(&self, stage: &'static str, time: Duration) {
        self.stages.get_or_create(&StageLabels { stage }).observe(time.as_secs_f64());
    }

    fn read_live(&self, service: &Service) {
        let load = service.gate().load();
        self.live.items.set(signed(load.items as u64));
        self.live.bytes.set(signed(load.bytes));
        let queued = service.loaded().map_or(0, |loaded| loaded.executor.queued());
        self.live.queued.set(signed(queued as u64));
        self.videos.in_flight.set(signed(service.videos.gate().load().items as u64));
        self.videos.jobs.set(signed(service.videos.jobs() as u64));
        self.live.ready.set(i64::from(matches!(service.phase(), Phase::Ready(_))));
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Counters, gauges and histograms for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses(
    (status = 200, description = "OpenMetrics text", body = String,
        content_type = "application/openmetrics-text"),
))]
pub(super) async fn metrics(service: web::Data<Service>) -> Result<HttpResponse, Problem> {
    service.metrics.read_live(&service);
    let mut text = String::new();
    encode(&mut text, &service.metrics.registry).map_err(|_error| Problem::internal())?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, OPEN_METRICS)).body(text))
}
