//! The command line: what is printed where, what is saved, and the exit codes.

use std::fs;

use anyhow::{Context, Result};
use detections_e2e::{
    picture::fixture_path,
    program,
    shared::{shared, skipped},
};
use serde_json::Value;

use crate::pictures::{decoded, size, town};

/// What the program printed, and its exit code.
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn run(arguments: &[&str]) -> Result<Run> {
    let output = program::run(arguments, &[])?;
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(Run { code: output.status.code(), stdout, stderr })
}

fn fixture_argument(name: &str) -> String {
    fixture_path(name).to_string_lossy().into_owned()
}

#[test]
fn help_and_version_are_no_failure() -> Result<()> {
    for arguments in [&["--help"][..], &["--version"], &["detect", "--help"], &["help", "bench"]] {
        let run = run(arguments)?;
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(run.stdout.contains("detections"), "{}", run.stdout);
    }
    Ok(())
}

#[test]
fn pictures_and_folders_are_told_as_one_json_object_a_line() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for name in ["town.jpg", "harbour.png"] {
        fs::copy(fixture_path(&format!("media/{name}")), folder.path().join(name))?;
    }
    fs::write(folder.path().join("notes.txt"), "no picture")?;
    let path = folder.path().to_string_lossy().into_owned();
    let run =
        run(&["detect", &path, &fixture_argument("media/road.webp"), "--confidence", "0.01"])?;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let lines = run.stdout.lines().map(serde_json::from_str::<Value>);
    let lines = lines.collect::<Result<Vec<_>, _>>().with_context(|| run.stdout.clone())?;
    let names: Vec<_> = lines.iter().filter_map(|line| line["path"].as_str()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    for name in ["town.jpg", "harbour.png", "road.webp"] {
        assert!(names.iter().any(|path| path.ends_with(name)), "{name} is not in {names:?}");
    }
    assert!(
        lines
            .iter()
            .all(|line| { line["detections"].as_array().is_some_and(|all| !all.is_empty()) })
    );
    Ok(())
}

#[test]
fn pictures_are_saved_with_their_boxes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let to = folder.path().join("drawn").to_string_lossy().into_owned();
    let town_path = fixture_argument("media/town.jpg");
    let run = run(&["detect", &town_path, "--json", "--save", &to, "--confidence", "0.01"])?;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let saved: Vec<_> = fs::read_dir(&to)?.collect::<Result<_, _>>()?;
    assert_eq!(saved.len(), 1, "{saved:?}");
    let drawn = fs::read(saved[0].path())?;
    assert_eq!(size(&drawn)?, size(&town()?)?);
    assert_ne!(decoded(&drawn)?.to_rgb8(), decoded(&town()?)?.to_rgb8());
    Ok(())
}

#[test]
fn one_bad_picture_among_good_ones_is_told_and_counts() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let bad = folder.path().join("bad.jpg");
    fs::write(&bad, &town()?[..2000])?;
    let bad = bad.to_string_lossy().into_owned();
    let run = run(&["detect", &fixture_argument("media/town.jpg"), &bad, "--json"])?;
    assert_eq!(run.code, Some(65), "{}", run.stderr);
    assert!(run.stderr.contains("bad.jpg") && run.stderr.contains("truncated"), "{}", run.stderr);
    assert!(run.stdout.lines().any(|line| line.contains("town.jpg")), "{}", run.stdout);
    Ok(())
}

#[test]
fn a_model_is_inspected() -> Result<()> {
    for model in ["model/topview.onnx", "model/topview-yolox.onnx"] {
        let run = run(&["model", "inspect", &fixture_argument(model), "--json"])?;
        assert_eq!(run.code, Some(0), "{model}: {}", run.stderr);
        let told: Value = serde_json::from_str(&run.stdout).with_context(|| run.stdout.clone())?;
        let text = told.to_string();
        for word in ["head", "labels", "sha256", "input"] {
            assert!(text.contains(word), "{word} is not in {text}");
        }
    }
    Ok(())
}

#[test]
fn the_bench_tells_at_least_what_is_promised() -> Result<()> {
    let run = run(&["bench", "--runs", "3", "--threads", "1", "--json"])?;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let told: Value = serde_json::from_str(&run.stdout).with_context(|| run.stdout.clone())?;
    assert!(told["model"].is_string() && told["images_per_s"].is_number(), "{told}");
    assert_eq!(
        (&told["backend"], &told["threads"], &told["batch"]),
        (&"tract".into(), &1.into(), &1.into())
    );
    let [median, p90, p99] = ["median", "p90", "p99"].map(|name| told["infer_ms"][name].as_f64());
    assert!(Some(0.0) < median && median <= p90 && p90 <= p99, "{told}");
    Ok(())
}

/// The reference: class, score, left, top, right and bottom edge.
const TRUCK: [(u64, f64, [f64; 4]); 2] =
    [(7, 0.906, [98.8, 274.4, 1708.9, 850.9]), (2, 0.456, [106.1, 278.8, 1689.8, 847.8])];

#[test]
fn a_foreign_model_gives_its_reference_result_with_no_word_about_its_head() -> Result<()> {
    let (Some(picture), Some(model)) =
        (shared("media/truck.jpg"), shared("models/yolox_nano.onnx"))
    else {
        skipped("truck.jpg and yolox_nano.onnx are not beside the checkout");
        return Ok(());
    };
    let [picture, model] = [picture, model].map(|path| path.to_string_lossy().into_owned());
    let run = run(&["detect", &picture, "--model", &model, "--json"])?;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let told: Value = serde_json::from_str(&run.stdout).with_context(|| run.stdout.clone())?;
    let found = told["detections"].as_array().context("no detections")?;
    assert_eq!(found.len(), TRUCK.len(), "{told}");
    for ((class, score, sides), found) in TRUCK.into_iter().zip(found) {
        assert_eq!(found["class_id"], class, "{found}");
        let confidence = found["confidence"].as_f64().context("no score")?;
        assert!((confidence - score).abs() <= 0.02, "{found}");
        let found_sides =
            ["x1", "y1", "x2", "y2"].map(|side| found["box"][side].as_f64().unwrap_or(0.0));
        assert!(overlap(sides, found_sides) >= 0.95, "{found}");
    }
    Ok(())
}

/// Intersection over union.
fn overlap(a: [f64; 4], b: [f64; 4]) -> f64 {
    let area = |[x1, y1, x2, y2]: [f64; 4]| (x2 - x1).max(0.0) * (y2 - y1).max(0.0);
    let shared = area([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
    shared / (area(a) + area(b) - shared)
}
