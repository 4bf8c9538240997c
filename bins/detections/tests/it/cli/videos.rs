//! Videos on the command line: events in order beside pictures, which frames, and what is broken.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use detections_frames::{FrameSource as _, VideoOptions, VideoSource, to_rgb8};
use detections_types::{CancelToken, Image};
use serde_json::Value;
use tempfile::TempDir;

use super::{command, folder, lines, png, refused, run, text};

/// A folder with `clip.mp4`: 50 frames of 160x120 in two seconds; `None` with a line that says so without ffmpeg.
fn clip() -> Option<(TempDir, PathBuf)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    let source = "testsrc2=size=160x120:rate=25:duration=2";
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", source, "-c:v", "libx264", "-g", "10"])
        .args(["-pix_fmt", "yuv420p", "-movflags", "+faststart"])
        .arg(&path)
        .stdin(Stdio::null())
        .status();
    if made.is_ok_and(|status| status.success()) {
        return Some((folder, path));
    }
    // Straight to the stream: the test runner hides what a passing test prints otherwise.
    writeln!(std::io::stderr(), "skipped: ffmpeg does not make a video here").ok();
    None
}

fn types(lines: &[Value]) -> Vec<&str> {
    let types = lines.iter().map(|line| line["type"].as_str().unwrap_or("picture"));
    types.filter(|kind| *kind != "progress").collect()
}

#[test]
fn a_video_is_told_as_events_between_pictures_in_order() {
    let Some((folder, path)) = clip() else { return };
    let picture = folder.path().join("a.png");
    fs::write(&picture, png()).unwrap();
    let ended = run(&["detect", text(&picture), text(&path), text(&picture)]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let lines = lines(&ended.out);
    let mut expected = vec!["picture", "start"];
    expected.extend(["frame"; 50]);
    expected.extend(["end", "picture"]);
    assert_eq!(types(&lines), expected);
    let frames: Vec<_> = lines.iter().filter(|line| line["type"] == "frame").collect();
    for (index, frame) in (0_u32..).zip(frames) {
        assert_eq!((&frame["path"], &frame["index"]), (&text(&path).into(), &index.into()));
        assert_eq!(frame["pts_ms"], f64::from(index) * 40.0);
    }
    let end = lines.iter().find(|line| line["type"] == "end").unwrap();
    let bytes = fs::read(&path).unwrap();
    let sha256 = detections_media::hash_bytes(&bytes).sha256.to_string();
    assert_eq!((&end["sha256"], &end["received_bytes"]), (&sha256.into(), &bytes.len().into()));
    assert!(ended.err.contains("in 50 frames of 1 video and "), "{}", ended.err);
}

#[test]
fn only_the_wanted_frames_are_searched() {
    let Some((_folder, path)) = clip() else { return };
    let indices = |more: &[&str]| {
        let ended = run(&[&["detect", text(&path)], more].concat());
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let frames = lines(&ended.out).into_iter().filter(|line| line["type"] == "frame");
        frames.map(|frame| frame["index"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(indices(&["--frames", "every:20"]), [0, 20, 40]);
    assert_eq!(indices(&["--frames", "fps:5", "--no-track"]).len(), 10);
    assert_eq!(indices(&["--max-frames", "3"]), [0, 1, 2]);
}

#[test]
fn a_choice_of_frames_that_makes_no_sense_is_bad_usage() {
    refused(&["detect", "a.mp4", "--frames", "some"], 64, &["--frames", "every:N"]);
    refused(&["detect", "a.mp4", "--max-frames", "0"], 64, &["--max-frames"]);
}

#[test]
fn a_broken_video_is_told_and_the_others_go_on() {
    let mp4: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom";
    let folder = folder(&[("a.mp4", mp4), ("b.png", &png()), ("c.mp4", mp4)]);
    let ended = run(&["detect", text(folder.path())]);
    assert_eq!(ended.code, Some(65), "{}", ended.err);
    assert_eq!(types(&lines(&ended.out)), ["picture"]);
    for word in ["a.mp4: ", "c.mp4: ", "in 1 picture, 2 failed"] {
        assert!(ended.err.contains(word), "`{word}` is missing in:\n{}", ended.err);
    }
}

#[test]
fn a_reader_that_has_enough_ends_the_work() {
    let Some((_folder, path)) = clip() else { return };
    let mut child = command(&["detect", text(&path), text(&path), text(&path)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("start"), "{first}");
    let ended = super::ended(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
}

/// The project's own film of a street: 225 frames with objects in each.
fn traffic() -> String {
    format!("{}/../../fixtures/media/traffic.mp4", env!("CARGO_MANIFEST_DIR"))
}

/// The first frames of a video in RGB, and their times in milliseconds.
fn frames(path: &Path, most: usize) -> Vec<(Image, u64)> {
    let options = VideoOptions::default();
    let mut source = VideoSource::open_file(path, &options, CancelToken::new()).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = source.next_frame().unwrap() {
        if frames.len() < most {
            let ms = u64::try_from(frame.pts.as_millis()).unwrap();
            frames.push((to_rgb8(frame.image.view()).unwrap(), ms));
        }
    }
    assert_eq!(source.frames_decoded(), most as u64, "{}", path.display());
    frames
}

/// How many pixels differ by more than coding makes them.
fn painted(a: &Image, b: &Image) -> usize {
    let rows = (0..a.height()).flat_map(|y| {
        let pixels = |image: &Image| image.view().row(y).as_chunks::<3>().0.to_vec();
        pixels(a).into_iter().zip(pixels(b))
    });
    let differs = |(a, b): &([u8; 3], [u8; 3])| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > 80);
    rows.filter(differs).count()
}

#[test]
fn a_saved_video_has_every_searched_frame_at_its_time_and_boxes_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str, more: &[&str]| {
        let folder = folder.path().join(name);
        let (film, into) = (traffic(), folder.to_str().unwrap().to_owned());
        let arguments = ["detect", &film, "--max-frames", "6", "--save", &into];
        let ended = run(&[&arguments[..], more].concat());
        if ended.err.contains("nothing is installed that") {
            writeln!(std::io::stderr(), "skipped: no encoder is installed").ok();
            return None;
        }
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let kept: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(kept, ["traffic.mp4"], "nothing else is left");
        Some(frames(&folder.join("traffic.mp4"), 6))
    };
    let (Some(drawn), Some(plain)) = (save("drawn", &[]), save("plain", &["--confidence", "1"]))
    else {
        return;
    };
    for (index, ((drawn, ms), (plain, _))) in (0_u64..).zip(drawn.iter().zip(&plain)) {
        assert_eq!(*ms, index * 40);
        assert_eq!((drawn.width(), drawn.height()), (640, 384));
        let painted = painted(drawn, plain);
        assert!(painted > 500, "frame {index}: {painted} pixels");
    }
}

#[test]
fn an_interrupt_ends_a_video_and_leaves_no_half_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let film = traffic();
    let mut child = command(&["detect", &film, &film, "--save", text(folder.path())])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut told = String::new();
    while !told.contains("\"type\":\"frame\"") {
        if out.read_line(&mut told).unwrap() == 0 {
            let ended = super::ended(child.wait_with_output().unwrap());
            assert!(ended.err.contains("nothing is installed that"), "{}", ended.err);
            writeln!(std::io::stderr(), "skipped: no encoder is installed").ok();
            return;
        }
    }
    // `kill` is built into every shell; as a program it is not on every machine.
    let pid = child.id().to_string();
    let sent = Command::new("sh").args(["-c", "kill -s INT \"$1\"", "kill", &pid]).status();
    assert!(sent.unwrap().success());
    out.read_to_string(&mut told).unwrap();
    let ended = super::ended(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(ended.err.contains("interrupted"), "{}", ended.err);
    let events = lines(&told);
    assert!(events.iter().all(|event| event["type"] != "end"), "it was long from its end");
    let last = events.last().unwrap();
    assert_eq!((&last["code"], &last["fatal"]), (&"cancelled".into(), &true.into()), "{last}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "no half of a film is left");
}
