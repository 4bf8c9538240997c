//! Times of the stages of a run, and their percentiles.

use std::{fmt::Write as _, time::Duration};

use serde::Serialize;

use crate::wire::millis;

/// Times of one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) preprocess: Duration,
    pub(super) infer: Duration,
    pub(super) postprocess: Duration,
}

/// Times of many runs.
#[derive(Debug, Default)]
pub(super) struct Stages(Vec<Run>);

impl Stages {
    pub(super) fn push(&mut self, run: Run) {
        self.0.push(run);
    }

    pub(super) fn merge(parts: impl Iterator<Item = Self>) -> Self {
        Self(parts.flat_map(|part| part.0).collect())
    }

    /// Percentiles of each stage and of their sum.
    pub(super) fn ms(&self) -> StagesMs {
        let of = |stage: fn(&Run) -> Duration| Percentiles::of(self.0.iter().map(stage).collect());
        StagesMs {
            preprocess_ms: of(|run| run.preprocess),
            infer_ms: of(|run| run.infer),
            postprocess_ms: of(|run| run.postprocess),
            total_ms: of(|run| run.preprocess + run.infer + run.postprocess),
        }
    }
}

/// Milliseconds of one run, which is a whole batch, by stage.
#[derive(Debug, Serialize)]
pub(super) struct StagesMs {
    preprocess_ms: Percentiles,
    infer_ms: Percentiles,
    postprocess_ms: Percentiles,
    total_ms: Percentiles,
}

impl StagesMs {
    /// A table of the stages.
    pub(super) fn text(&self) -> String {
        let rows = [
            ("preprocess", &self.preprocess_ms),
            ("infer", &self.infer_ms),
            ("postprocess", &self.postprocess_ms),
            ("total", &self.total_ms),
        ];
        let header = format!("{:<12}{:>10}{:>10}{:>10}\n", "ms a run", "median", "p90", "p99");
        rows.iter().fold(header, |mut text, (stage, ms)| {
            let Percentiles { median, p90, p99 } = ms;
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{stage:<12}{median:>10.3}{p90:>10.3}{p99:>10.3}");
            text
        })
    }
}

/// Percentiles by nearest rank, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Percentiles {
    pub(super) median: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
}

impl Percentiles {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(rank).map_or(0.0, |time| millis(*time))
        };
        Self { median: at(50), p90: at(90), p99: at(99) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Percentiles;

    fn of(millis: impl Iterator<Item = u64>) -> (f64, f64, f64) {
        let Percentiles { median, p90, p99 } =
            Percentiles::of(millis.map(Duration::from_millis).collect());
        (median, p90, p99)
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        assert_eq!(of((1..=100).rev()), (50.0, 90.0, 99.0));
        assert_eq!(of(1..=10), (5.0, 9.0, 10.0));
        assert_eq!(of([7].into_iter()), (7.0, 7.0, 7.0));
    }
}
