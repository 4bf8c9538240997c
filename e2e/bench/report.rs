//! The report: a table a loop, with the first target's ratios to each of the others, or the same as
//! JSON.

use std::{collections::BTreeMap, fmt};

use anyhow::Result;
use serde::Serialize;

use crate::{
    load::Loop,
    measure::{Stage, TargetResult},
    tally,
};

impl fmt::Display for Loop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { clients } => write!(f, "closed loop, clients: {clients}"),
            Self::Open { rate } => write!(f, "open loop, requests/s: {}", rate.per_second()),
        }
    }
}

/// One loop in JSON.
#[derive(Debug, Serialize)]
struct StageBody {
    #[serde(rename = "loop")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    clients: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_s_due: Option<f64>,
    targets: Vec<TargetBody>,
    ratios: Vec<RatioBody>,
}

/// One target's numbers.
#[derive(Debug, Serialize)]
struct TargetBody {
    name: String,
    requests: u64,
    latency_ms: Quantiles,
    requests_per_s: f64,
    peak_memory_mib: Option<f64>,
    error_rate: f64,
    errors: BTreeMap<String, u64>,
}

#[derive(Debug, Serialize)]
struct Quantiles {
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

/// The first target's numbers divided by another's.
#[derive(Debug, Serialize)]
struct RatioBody {
    of: String,
    to: String,
    p50: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
    requests_per_s: Option<f64>,
    peak_memory: Option<f64>,
}

/// The whole run as one JSON object.
pub(crate) fn json(stages: &[Stage]) -> Result<String> {
    let bodies: Vec<StageBody> = stages.iter().map(StageBody::new).collect();
    Ok(serde_json::to_string_pretty(&serde_json::json!({ "stages": bodies }))?)
}

/// The whole run as tables in Markdown.
pub(crate) fn table(stages: &[Stage]) -> String {
    stages.iter().map(|stage| stage_table(&stage.loads, &StageBody::new(stage))).collect()
}

fn stage_table(loads: &Loop, stage: &StageBody) -> String {
    const HEAD: [&str; 7] =
        ["target", "p50 ms", "p90 ms", "p99 ms", "requests/s", "peak MiB", "errors"];
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(stage.targets.iter().map(TargetBody::row));
    rows.extend(stage.ratios.iter().map(RatioBody::row));
    let errors = stage.targets.iter().filter(|target| !target.errors.is_empty());
    let errors = errors.map(|target| format!("{}: {:?}\n", target.name, target.errors));
    format!("## {loads}\n\n{}\n{}\n", markdown(&rows), errors.collect::<String>())
}

fn markdown<const N: usize>(rows: &[[String; N]]) -> String {
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let cells = |row: &[String; N]| {
        let padded =
            row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
        format!("| {} |\n", padded.collect::<Vec<_>>().join(" | "))
    };
    let rule: Vec<String> = widths
        .iter()
        .enumerate()
        .map(|(column, &width)| match column {
            0 => "-".repeat(width + 2),
            _ => format!("{}:", "-".repeat(width + 1)),
        })
        .collect();
    let mut lines: Vec<String> = rows.iter().map(cells).collect();
    lines.insert(1, format!("|{}|\n", rule.join("|")));
    lines.concat()
}

impl StageBody {
    fn new(stage: &Stage) -> Self {
        let targets: Vec<TargetBody> = stage.results.iter().map(TargetBody::new).collect();
        let others = targets.iter().skip(1);
        let ratios = others.map(|other| RatioBody::new(&targets[0], other)).collect();
        let (kind, clients, due) = match stage.loads {
            Loop::Closed { clients } => ("closed", Some(clients.get()), None),
            Loop::Open { rate } => ("open", None, Some(rate.per_second())),
        };
        Self { kind, clients, requests_per_s_due: due, targets, ratios }
    }
}

impl TargetBody {
    fn new(result: &TargetResult) -> Self {
        let tally = &result.tally;
        let millis = |share| tally.quantile(share).as_secs_f64() * 1e3;
        Self {
            name: result.name.clone(),
            requests: tally.answered() + tally.failed(),
            latency_ms: Quantiles {
                p50: millis(0.5),
                p90: millis(0.9),
                p99: millis(0.99),
                max: millis(1.0),
            },
            requests_per_s: tally.throughput(),
            peak_memory_mib: result.peak_bytes.map(|bytes| tally::ratio(bytes, 1 << 20)),
            error_rate: tally.error_rate(),
            errors: tally.failures.clone(),
        }
    }

    fn row(&self) -> [String; 7] {
        let Quantiles { p50, p90, p99, .. } = self.latency_ms;
        let [p50, p90, p99] = [p50, p90, p99].map(|millis| format!("{millis:.1}"));
        let memory = self.peak_memory_mib.map_or("–".to_owned(), |mib| format!("{mib:.0}"));
        let throughput = format!("{:.1}", self.requests_per_s);
        let errors = format!("{:.2} %", self.error_rate * 100.0);
        [self.name.clone(), p50, p90, p99, throughput, memory, errors]
    }
}

impl RatioBody {
    fn new(ours: &TargetBody, other: &TargetBody) -> Self {
        let latency =
            |of: fn(&Quantiles) -> f64| quotient(of(&ours.latency_ms), of(&other.latency_ms));
        let memory = ours.peak_memory_mib.zip(other.peak_memory_mib);
        Self {
            of: ours.name.clone(),
            to: other.name.clone(),
            p50: latency(|quantiles| quantiles.p50),
            p90: latency(|quantiles| quantiles.p90),
            p99: latency(|quantiles| quantiles.p99),
            requests_per_s: quotient(ours.requests_per_s, other.requests_per_s),
            peak_memory: memory.and_then(|(ours, other)| quotient(ours, other)),
        }
    }

    fn row(&self) -> [String; 7] {
        let numbers = [self.p50, self.p90, self.p99, self.requests_per_s, self.peak_memory];
        let [p50, p90, p99, throughput, memory] =
            numbers.map(|ratio| ratio.map_or("–".to_owned(), |ratio| format!("× {ratio:.2}")));
        [format!("{} / {}", self.of, self.to), p50, p90, p99, throughput, memory, String::new()]
    }
}

/// A quotient that means something: nothing is divided by nothing, or by an absent number.
fn quotient(of: f64, to: f64) -> Option<f64> {
    (of > 0.0 && to > 0.0).then_some(of / to)
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroUsize, time::Duration};

    use super::{json, table};
    use crate::{
        load::Loop,
        measure::{Stage, TargetResult},
        tally::Tally,
    };

    fn result(name: &str, millis: u64, peak_bytes: Option<u64>) -> TargetResult {
        let mut tally = Tally::new().unwrap();
        for _ in 0..10 {
            tally.record(Duration::from_millis(millis), Ok(()));
        }
        tally.elapsed = Duration::from_secs(1);
        TargetResult { name: name.to_owned(), tally, peak_bytes }
    }

    fn stages() -> Vec<Stage> {
        let mut refused = result("none", 10, None);
        refused.tally = Tally::new().unwrap();
        refused.tally.record(Duration::ZERO, Err("status 503".to_owned()));
        refused.tally.elapsed = Duration::from_secs(1);
        let results =
            vec![result("ours", 10, Some(50 << 20)), result("peer", 40, Some(200 << 20)), refused];
        vec![Stage { loads: Loop::Closed { clients: NonZeroUsize::MIN }, results }]
    }

    #[test]
    fn json_has_every_number_and_the_ratios_of_the_first_target() {
        let report: serde_json::Value = serde_json::from_str(&json(&stages()).unwrap()).unwrap();
        let stage = &report["stages"][0];
        assert_eq!((&stage["loop"], &stage["clients"]), (&"closed".into(), &1.into()));
        assert_eq!(stage["targets"][1]["peak_memory_mib"], 200.0);
        assert_eq!(stage["ratios"][0]["peak_memory"], 0.25);
        assert_eq!(stage["ratios"][0]["requests_per_s"], 1.0);
        assert!((stage["ratios"][0]["p50"].as_f64().unwrap() - 0.25).abs() < 0.01);
        assert_eq!(stage["targets"][2]["errors"]["status 503"], 1);
        assert_eq!(stage["ratios"][1]["p50"], serde_json::Value::Null);
    }

    #[test]
    fn the_table_is_even_and_tells_errors() {
        let page = table(&stages());
        let lines: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(lines.len(), 7);
        assert!(
            lines.iter().all(|line| line.chars().count() == lines[0].chars().count()),
            "{page}"
        );
        assert!(page.contains("× 0.25") && page.contains("status 503"), "{page}");
    }
}
