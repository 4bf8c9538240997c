//! What a turn of requests came to: latencies of the answered ones, and why others failed.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use hdrhistogram::Histogram;

/// The longest latency that is told apart, one hour.
const LONGEST_MICROS: u64 = 3_600_000_000;

/// Results of requests; tallies of several turns add up.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    /// Of the answered requests, in microseconds, to three digits.
    latency: Histogram<u64>,
    /// How many requests failed, by reason: `status 429`, `timed out`, …
    pub(crate) failures: BTreeMap<String, u64>,
    /// How long it took, from the first request to the last answer.
    pub(crate) elapsed: Duration,
}

impl Tally {
    pub(crate) fn new() -> Result<Self> {
        let latency = Histogram::new_with_bounds(1, LONGEST_MICROS, 3)?;
        Ok(Self { latency, failures: BTreeMap::new(), elapsed: Duration::ZERO })
    }

    /// Counts one request.
    pub(crate) fn record(&mut self, latency: Duration, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => {
                let micros = u64::try_from(latency.as_micros()).unwrap_or(LONGEST_MICROS);
                self.latency.saturating_record(micros.max(1));
            }
            Err(reason) => *self.failures.entry(reason).or_default() += 1,
        }
    }

    /// Adds the requests of another client of the same turn.
    pub(crate) fn join(&mut self, other: &Self) -> Result<()> {
        self.latency.add(&other.latency)?;
        for (reason, count) in &other.failures {
            *self.failures.entry(reason.clone()).or_default() += count;
        }
        Ok(())
    }

    /// Adds a later turn.
    pub(crate) fn append(&mut self, other: &Self) -> Result<()> {
        self.join(other)?;
        self.elapsed += other.elapsed;
        Ok(())
    }

    /// How many requests were answered with success.
    pub(crate) fn answered(&self) -> u64 {
        self.latency.len()
    }

    pub(crate) fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// The latency that this share of the answered requests, 0..=1, did not exceed.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        Duration::from_micros(self.latency.value_at_quantile(share))
    }

    /// Answered requests a second.
    pub(crate) fn throughput(&self) -> f64 {
        ratio(self.answered(), 1) / self.elapsed.as_secs_f64()
    }

    /// The share of requests that failed, 0..=1.
    pub(crate) fn error_rate(&self) -> f64 {
        ratio(self.failed(), self.answered() + self.failed())
    }
}

/// A quotient of counts; 0 of 0 is 0.
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Tally;

    #[test]
    fn quantiles_rates_and_failures_add_up_over_turns() {
        let mut tally = Tally::new().unwrap();
        for millis in 1..=100 {
            tally.record(Duration::from_millis(millis), Ok(()));
        }
        tally.elapsed = Duration::from_secs(1);
        let mut both = tally.clone();
        both.append(&tally).unwrap();
        both.record(Duration::ZERO, Err("status 429".to_owned()));
        assert_eq!((both.answered(), both.failed()), (200, 1));
        assert!((both.throughput() - 100.0).abs() < 1e-9);
        assert!((both.error_rate() - 1.0 / 201.0).abs() < 1e-9);
        let median = both.quantile(0.5).as_secs_f64();
        assert!((median - 0.050).abs() < 0.0001, "{median}");
    }
}
