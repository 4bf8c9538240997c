//! The conformance table: a line a model, in a page that is written by the test and kept true by it.

use std::{fmt::Write as _, fs, io::Write as _};

use anyhow::{Context, Result, ensure};
use detections_e2e::picture::fixture_path;

use super::reference::{Reference, Tally};

const PAGE: &str = "zoo/CONFORMANCE.md";

const HEAD: &str = "\
# Conformance

What the program decides of each model of the zoo without being told, and how what it finds agrees with an
independent reading of the same file: every box above a confidence of 0.3 at an overlap of 0.98 or more, scores
within 0.01. Written by the test `conformance` of `e2e`, which fails when this page is no longer true.

| file | stands for | exporter | head decided | boxes matched | largest difference of a score |
|---|---|---|---|---|---|
";

/// A line of the table.
pub(super) struct Row {
    file: String,
    layout: String,
    exporter: String,
    decided: String,
    matched: String,
    difference: String,
}

impl Row {
    pub(super) fn matched(name: &str, reference: &Reference, head: &str, tally: &Tally) -> Self {
        Self {
            file: format!("`{name}.onnx`"),
            layout: reference.row.clone(),
            exporter: reference.exporter.clone(),
            decided: format!("`{head}`"),
            matched: tally.matched.to_string(),
            difference: format!("{:.4}", tally.largest_difference),
        }
    }

    /// All that does not hang on the processor's way of rounding.
    fn lasting(&self) -> String {
        let Self { file, layout, exporter, decided, matched, .. } = self;
        format!("| {file} | {layout} | {exporter} | {decided} | {matched} |")
    }
}

/// Compares the page with these rows, or writes it.
pub(super) fn kept(rows: &[Row], write: bool) -> Result<()> {
    let path = fixture_path(PAGE);
    if write {
        return fs::write(&path, format!("{HEAD}{}", lines(rows))).context(PAGE);
    }
    let page = fs::read_to_string(&path).context(PAGE)?;
    for row in rows {
        let line = row.lasting();
        ensure!(
            page.contains(&line),
            "{PAGE} has no line `{line}`; DETECTIONS_ZOO_WRITE=1 writes it"
        );
    }
    let listed = page.lines().filter(|line| line.starts_with("| `")).count();
    ensure!(listed == rows.len(), "{PAGE} has {listed} lines for {} models", rows.len());
    Ok(())
}

/// Shows the rows to who runs the test.
pub(super) fn print(rows: &[Row]) {
    // Straight to the stream: the test runner hides what a passing test prints otherwise.
    write!(std::io::stderr(), "{}", lines(rows)).ok();
}

fn lines(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        writeln!(text, "{} {} |", row.lasting(), row.difference).ok();
    }
    text
}
