//! One piece of footage in every container: the same frames at the same times with the same objects.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use detections_e2e::{
    events::{Events, Frame},
    footage::{Container, FRAMES, Footage, STEP_MS},
    picture::fixture_path,
    server::Server,
    shared::{shared, skipped},
};
use serde::Deserialize;

use super::{TARGET, events, post, quick_server, read};
use crate::golden::{Agreement, Detection};

#[test]
fn every_container_gives_every_frame_at_its_time() -> Result<()> {
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let server = quick_server(&[])?;
    let mut faults = Vec::new();
    for container in Container::ALL {
        let path = footage.in_container(container)?;
        let chunked = Events::of(&post(&server, TARGET, &[], &read(&path)?)?)?;
        let sized = events(&server, TARGET, &read(&path)?)?;
        for events in [chunked, sized] {
            let checked = check(container, &path, &events);
            faults.extend(checked.err().map(|error| format!("{}: {error:#}", container.name())));
        }
    }
    ensure!(faults.is_empty(), "\n{}", faults.join("\n"));
    Ok(())
}

fn check(container: Container, path: &Path, events: &Events) -> Result<()> {
    let video = &events.start()?["video"];
    let told = (&video["codec"], &video["width"], &video["height"]);
    ensure!(told == (&"h264".into(), &768.into(), &432.into()), "{video}");
    let progressive = container != Container::MoovLast;
    ensure!(video["progressive"] == progressive, "{video}");
    ensure!(video["fps"].as_f64().is_some_and(|fps| (fps - 12.5).abs() < 0.01), "{video}");
    check_times(&events.frames()?)?;

    let end = events.end()?;
    ensure!(end["frames_decoded"] == FRAMES && end["frames_inferred"] == FRAMES, "{end}");
    ensure!(end["received_bytes"] == fs::metadata(path)?.len(), "{end}");
    ensure!(end["sha256"] == *sha256(path)?, "{end}");
    ensure!(end["fingerprint"].as_str().is_some_and(|print| print.len() >= 16), "{end}");
    Ok(())
}

fn check_times(frames: &[Frame]) -> Result<()> {
    ensure!(frames.len() == usize::try_from(FRAMES)?, "{} frames", frames.len());
    let mut due = 0.0;
    for (index, frame) in (0_u64..).zip(frames) {
        ensure!(frame.index == index, "frame {} in place of {index}", frame.index);
        let late = (frame.pts_ms - due).abs();
        ensure!(late < 1.0, "frame {index} is shown at {} ms and not at {due}", frame.pts_ms);
        due += STEP_MS;
    }
    Ok(())
}

/// As the system's own tool computes it.
fn sha256(path: &Path) -> Result<String> {
    let output = Command::new("sha256sum").arg(path).output().context("sha256sum")?;
    let line = String::from_utf8(output.stdout)?;
    Ok(line.split(' ').next().unwrap_or_default().to_owned())
}

/// What `fixtures/golden/make_video_detections.py` writes.
#[derive(Deserialize)]
struct Reference {
    frames_decoded: u64,
    frames: Vec<ReferenceFrame>,
}

#[derive(Deserialize)]
struct ReferenceFrame {
    index: u64,
    pts_ms: f64,
    detections: Vec<Detection>,
}

/// Above this score each must be in both, with boxes so close; scores may differ as chroma does.
const AGREEMENT: Agreement = Agreement { sure: 0.4, score: 0.05, iou: 0.9 };

#[test]
fn detections_are_those_of_opencv_and_onnx_runtime() -> Result<()> {
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let model = shared("models/yolox_nano.onnx").filter(|_| footage.is_recorded());
    let Some(model) = model else {
        skipped("yolox_nano.onnx or car-detection.mp4 is not beside the checkout");
        return Ok(());
    };
    let server = Server::start(&[("MODEL", &model.to_string_lossy())])?;
    let reference = fs::read(fixture_path("golden/detections/car-detection.json"))?;
    let reference: Reference = serde_json::from_slice(&reference)?;
    assert_eq!(reference.frames_decoded, FRAMES);
    let mut faults = Vec::new();
    for container in Container::ALL {
        let video = read(&footage.in_container(container)?)?;
        let events = events(&server, "/detect/video?frames=every:20", &video)?;
        let frames = events.frames()?;
        ensure!(frames.len() == reference.frames.len(), "{} frames", frames.len());
        for (expected, frame) in reference.frames.iter().zip(frames) {
            let name = format!("{} frame {}", container.name(), frame.index);
            ensure!(frame.index == expected.index, "{name} in place of {}", expected.index);
            ensure!((frame.pts_ms - expected.pts_ms).abs() < 1.0, "{name} at {}", frame.pts_ms);
            let found = frame.detections.iter().cloned().map(serde_json::from_value);
            let found = found.collect::<Result<Vec<Detection>, _>>()?;
            faults.extend(AGREEMENT.differences(&name, &expected.detections, &found));
        }
    }
    ensure!(faults.is_empty(), "{} differences:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}
