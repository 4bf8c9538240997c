//! What is counted of callers that are not let in, and of the keys.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

/// The counters of access.
#[derive(Debug, Default)]
pub struct AccessMetrics {
    refused: Family<ReasonLabels, Counter>,
    refreshes: Family<OutcomeLabels, Counter>,
}

impl AccessMetrics {
    /// Adds all of them to what is scraped.
    pub fn register(&self, to: &mut Registry) {
        to.register("access_refused", "Callers not let in, by reason", self.refused.clone());
        to.register("access_key_refreshes", "Fetches of the key set", self.refreshes.clone());
    }

    pub(super) fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&ReasonLabels { reason }).inc();
    }

    pub(super) fn refreshed(&self, outcome: &'static str) {
        self.refreshes.get_or_create(&OutcomeLabels { outcome }).inc();
    }
}
