//! The model zoo: every file is searched with no word about its head, and held against what OpenCV, ONNX
//! Runtime and NumPy read from it (`fixtures/zoo`). Writes the table of the zoo's page when asked to.

mod reference;
mod table;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use detections_e2e::{picture::fixture_path, program, shared::skipped};
use serde::Deserialize;

use self::{
    reference::{Detection, Reference, Tally},
    table::Row,
};

/// Names the folder of large models that are made on demand.
const CACHE_VARIABLE: &str = "DETECTIONS_ZOO";

/// Asks for the table to be written anew rather than compared.
const WRITE_VARIABLE: &str = "DETECTIONS_ZOO_WRITE";

/// Fewer boxes than that to compare would prove little.
const FEWEST: usize = 10;

/// One line that `detect --json` prints.
#[derive(Deserialize)]
struct Report {
    path: String,
    detections: Vec<Detection>,
}

/// What `model inspect --json` says of a file, as far as it matters here.
#[derive(Deserialize)]
struct Inspected {
    head: String,
}

#[test]
fn every_model_of_the_zoo_finds_what_its_reference_finds() -> Result<()> {
    let models = models_in(&fixture_path("zoo"))?;
    ensure!(models.len() >= 30, "only {} models in the zoo", models.len());
    let mut faults = Vec::new();
    let mut rows = Vec::new();
    for model in &models {
        match checked(model) {
            Ok(row) => rows.push(row),
            Err(error) => faults.push(format!("{error:#}")),
        }
    }
    ensure!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    table::kept(&rows, env::var_os(WRITE_VARIABLE).is_some())
}

#[test]
fn every_model_of_the_cache_finds_what_its_reference_finds() -> Result<()> {
    let Some(folder) = cache() else {
        skipped("no cache of large models; `fixtures/zoo/README.md` says how to make one");
        return Ok(());
    };
    let mut faults = Vec::new();
    let mut rows = Vec::new();
    for model in models_in(&folder)? {
        match checked(&model) {
            Ok(row) => rows.push(row),
            Err(error) => faults.push(format!("{error:#}")),
        }
    }
    for model in models_without_reference(&folder)? {
        skipped(&format!("{model} has no reference; `make_references.py --cache` writes it"));
    }
    table::print(&rows);
    ensure!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}

/// The folder of large models, where there is one.
fn cache() -> Option<PathBuf> {
    let named = env::var_os(CACHE_VARIABLE).map(PathBuf::from);
    let usual = || {
        let base = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let base = base.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")))?;
        Some(base.join("detections/zoo"))
    };
    named.or_else(usual).filter(|folder| folder.is_dir())
}

/// The models of a folder that have a reference beside them, by name.
fn models_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let (referred, _) = models_by_reference(folder)?;
    Ok(referred)
}

/// The names of a folder's models that have none.
fn models_without_reference(folder: &Path) -> Result<Vec<String>> {
    let (_, others) = models_by_reference(folder)?;
    Ok(others.iter().map(|path| path.display().to_string()).collect())
}

fn models_by_reference(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let is_model = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "onnx");
    let mut models: Vec<_> = paths.into_iter().filter(is_model).collect();
    models.sort();
    Ok(models.into_iter().partition(|path| path.with_extension("json").is_file()))
}

/// Searches the pictures with one model; what it finds must be what its reference finds.
fn checked(model: &Path) -> Result<Row> {
    let name = model.file_stem().and_then(|name| name.to_str()).context("a name")?;
    let reference = Reference::beside(model)?;
    let pictures: Vec<_> = reference.pictures.keys().collect();
    let paths = pictures.iter().map(|name| fixture_path(&format!("media/{name}")));
    let mut arguments = vec!["detect".into(), "--json".into(), "--model".into(), model.into()];
    if reference.has_masks() {
        arguments.push("--masks".into());
    }
    arguments.extend(paths);
    let output = program::run(&arguments, &reference.variables())?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name}: {}", said.trim());
    let text = String::from_utf8(output.stdout)?;
    let reports = text.lines().map(|line| serde_json::from_str(line).context("a line of JSON"));
    let reports = reports.collect::<Result<Vec<Report>>>()?;
    ensure!(reports.len() == pictures.len(), "{name}: {} pictures", reports.len());
    let mut tally = Tally::default();
    for (picture, report) in pictures.iter().zip(&reports) {
        ensure!(report.path.ends_with(picture.as_str()), "{name}: no {picture}");
        tally.compare(picture, &reference.pictures[*picture], &report.detections);
    }
    ensure!(tally.faults.is_empty(), "{name}: {}", tally.told());
    ensure!(tally.matched >= FEWEST, "{name}: only {} boxes to compare", tally.matched);
    Ok(Row::matched(name, &reference, &head(model, &reference)?, &tally))
}

/// The head that the program has decided on.
fn head(model: &Path, reference: &Reference) -> Result<String> {
    let arguments = ["model".into(), "inspect".into(), model.to_path_buf(), "--json".into()];
    let output = program::run(&arguments, &reference.variables())?;
    let inspected: Inspected = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok(inspected.head)
}
