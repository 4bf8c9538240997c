//! What is told of the outbox when it is scraped.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};

use super::Annotations;

/// Reads the outbox's counters; nothing is told where there is no outbox.
#[derive(Debug, Clone, Default)]
pub struct OutboxMetrics(Arc<OnceLock<Arc<Annotations>>>);

impl OutboxMetrics {
    /// From now on, of this outbox.
    pub fn watch(&self, annotations: &Arc<Annotations>) {
        self.0.get_or_init(|| Arc::clone(annotations));
    }
}

impl Collector for OutboxMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(annotations) = self.0.get() else { return Ok(()) };
        let stats = annotations.stats();
        let oldest = stats.oldest.map_or(0, |age| age.as_secs());
        for (name, help, value) in [
            ("outbox_pending", "Results that wait for the Annotations service", stats.pending),
            ("outbox_dead", "Results that were given up and not thrown away", stats.dead),
            ("outbox_bytes", "Bytes that the results in the outbox count for", stats.bytes),
            ("outbox_oldest_seconds", "For how long the oldest result has waited", oldest),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        for (name, help, value) in [
            ("annotations_delivered", "Results that have arrived", stats.delivered),
            ("annotations_retries", "Posts that failed and were tried again", stats.retries),
            ("annotations_dead", "Results that were given up", stats.died),
            (
                "annotations_dropped",
                "Results dropped for their age or for newer ones",
                stats.dropped,
            ),
        ] {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(
                name,
                help,
                None,
                counter.metric_type(),
            )?)?;
        }
        Ok(())
    }
}
