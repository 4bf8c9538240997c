//! What is counted of videos.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::events::EventKind;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabels {
    event: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndLabels {
    reason: &'static str,
}

/// The counters of all videos.
#[derive(Debug, Default)]
pub struct VideoMetrics {
    uploaded: Counter,
    decoded: Counter,
    inferred: Counter,
    events: Family<EventLabels, Counter>,
    ended: Family<EndLabels, Counter>,
    /// Videos inside their gate; read when it is scraped.
    pub in_flight: Gauge,
    /// Jobs that can be asked for; read when it is scraped.
    pub jobs: Gauge,
}

impl VideoMetrics {
    /// Adds all of them to what is scraped.
    pub fn register(&self, to: &mut Registry) {
        to.register("video_upload_bytes", "Bytes of videos that arrived", self.uploaded.clone());
        to.register("video_frames_decoded", "Frames of videos decoded", self.decoded.clone());
        to.register("video_frames_inferred", "Frames of videos searched", self.inferred.clone());
        to.register("video_events", "Events of videos by type", self.events.clone());
        to.register("videos_ended", "Videos by what ended them", self.ended.clone());
        to.register("videos_in_flight", "Videos inside their gate", self.in_flight.clone());
        to.register("jobs", "Jobs that can be asked for", self.jobs.clone());
    }

    /// Counts bytes that arrived.
    pub fn uploaded(&self, bytes: u64) {
        self.uploaded.inc_by(bytes);
    }

    pub(super) fn frames_decoded(&self, frames: u64) {
        self.decoded.inc_by(frames);
    }

    pub(super) fn frame_inferred(&self) {
        self.inferred.inc();
    }

    pub(super) fn told(&self, kind: EventKind) {
        self.events.get_or_create(&EventLabels { event: kind.word() }).inc();
    }

    pub(super) fn ended(&self, reason: &'static str) {
        self.ended.get_or_create(&EndLabels { reason }).inc();
    }
}
