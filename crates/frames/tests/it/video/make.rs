//! Videos for the tests, made by `ffmpeg`.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// What `ffmpeg` writes to a file of this name; `None`, and said so, where it cannot.
pub(crate) fn video(name: &str, arguments: &str) -> Option<Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y"])
        .args(arguments.split_whitespace())
        .arg(&path)
        .output();
    match status {
        Ok(output) if output.status.success() => Some(fs::read(&path).unwrap()),
        Ok(output) => {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            // A codec may be left out of a build; everything else is a mistake in the arguments.
            assert!(error.contains("Unknown encoder"), "{name}: {error}");
            skip(name, "ffmpeg has no encoder for it")
        }
        Err(_) => skip(name, "there is no ffmpeg"),
    }
}

/// A moving picture of this size, `frames` at 25 a second, as an input of `ffmpeg`.
pub(crate) fn moving(size: &str, frames: u32) -> String {
    format!("-f lavfi -i testsrc2=size={size}:rate=25 -frames:v {frames}")
}

/// The street scene that tests share, where it is there.
pub(crate) fn street() -> Option<PathBuf> {
    let path = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/media/car-detection.mp4"
    ));
    if path.exists() { Some(path) } else { skip("the street scene", "../shared is not there") }
}

/// The times in milliseconds at which `ffprobe` shows the pictures of a file.
pub(crate) fn shown(path: &Path) -> Option<Vec<u64>> {
    let entries = ["-select_streams", "v:0", "-show_entries", "frame=pts_time", "-of", "csv=p=0"];
    let mut probe = Command::new("ffprobe");
    let Ok(output) = probe.args(["-v", "error"]).args(entries).arg(path).output() else {
        return skip("what is shown", "ffprobe is not installed");
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty());
    let seconds = lines.map(|line| line.trim_end_matches(',').parse::<f64>().unwrap());
    let micros = seconds.map(|seconds| Duration::from_secs_f64(seconds).as_micros() as u64);
    Some(micros.map(|micros| (micros + 500) / 1000).collect())
}

fn skip<T>(what: &str, why: &str) -> Option<T> {
    writeln!(std::io::stderr(), "skipped: {what}: {why}").ok();
    None
}
