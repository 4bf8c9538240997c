//! A small clip of every codec, and clips that are unusual: odd sizes, other chroma, turned, stretched,
//! with times that are uneven, with a size that changes on the way.

use anyhow::{Result, ensure};
use detections_e2e::{events::Events, footage::Footage, server::Server};
use serde_json::Value;

use super::{TARGET, events, quick_server};

/// Frames of every clip, five a second.
const FRAMES: usize = 10;
const STEP_MS: f64 = 200.0;

/// A clip of 96x64 pixels, and what is told of it.
struct Clip {
    file: &'static str,
    /// What ffmpeg is told, words between blanks.
    recipe: &'static str,
    container: &'static str,
    codec: &'static str,
    size: (u32, u32),
    times: Times,
}

/// How exactly the times of frames are known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    /// The container states them.
    Stated,
    /// A bare stream states nothing but perhaps a rate; they only rise.
    Rising,
}

const fn clip(
    file: &'static str,
    recipe: &'static str,
    container: &'static str,
    codec: &'static str,
) -> Clip {
    Clip { file, recipe, container, codec, size: (96, 64), times: Times::Stated }
}

const fn bare(file: &'static str, recipe: &'static str, codec: &'static str) -> Clip {
    Clip { times: Times::Rising, ..clip(file, recipe, codec, codec) }
}

const fn sized(file: &'static str, recipe: &'static str, size: (u32, u32)) -> Clip {
    Clip { size, ..clip(file, recipe, "quicktime", "h264") }
}

const CLIPS: &[Clip] = &[
    clip("a.mp4", "-c:v libx264", "quicktime", "h264"),
    clip("a.mov", "-c:v libx264", "quicktime", "h264"),
    clip("b.mp4", "-c:v libx265 -tag:v hvc1 -x265-params log-level=error", "quicktime", "h265"),
    clip("b.mkv", "-c:v libx265 -x265-params log-level=error", "matroska", "h265"),
    bare("b.h265", "-c:v libx265 -x265-params log-level=error -f hevc", "h265"),
    bare("a.h264", "-c:v libx264 -f h264", "h264"),
    clip("c.webm", "-c:v libvpx", "webm", "vp8"),
    clip("d.webm", "-c:v libvpx-vp9", "webm", "vp9"),
    clip("e.webm", "-c:v libaom-av1 -cpu-used 8", "webm", "av1"),
    clip("e.mp4", "-c:v libaom-av1 -cpu-used 8", "quicktime", "av1"),
    clip("f.ts", "-c:v libx264 -f mpegts", "mpegts", "h264"),
    clip("g.avi", "-c:v mpeg4", "avi", "mpeg4"),
    clip("g.mp4", "-c:v mpeg4", "quicktime", "mpeg4"),
    clip("h.avi", "-c:v mjpeg -pix_fmt yuvj420p", "avi", "mjpeg"),
    clip("h.mov", "-c:v mjpeg -pix_fmt yuvj420p", "quicktime", "mjpeg"),
    bare("h.mjpeg", "-c:v mjpeg -pix_fmt yuvj420p -f mjpeg", "mjpeg"),
    sized("odd.mp4", "-vf scale=95:63 -c:v libx264 -pix_fmt yuv444p", (95, 63)),
    sized("deep.mp4", "-c:v libx264 -pix_fmt yuv420p10le", (96, 64)),
    sized("wide_chroma.mp4", "-c:v libx264 -pix_fmt yuv422p", (96, 64)),
    sized("stretched.mp4", "-vf setsar=2 -c:v libx264", (192, 64)),
];

/// The rates that MPEG-2 knows begin at 24 frames a second.
const MPEG2: [(&str, &str, &str); 2] = [
    ("j.ts", "-vf fps=25 -c:v mpeg2video -f mpegts", "mpegts"),
    ("j.mpg", "-vf fps=25 -c:v mpeg2video -f mpeg", "mpegps"),
];

#[test]
fn every_codec_and_every_unusual_clip_is_told_whole() -> Result<()> {
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let server = quick_server(&[])?;
    let mut faults = Vec::new();
    for clip in CLIPS {
        let checked = make(&footage, clip.file, clip.recipe)
            .and_then(|video| events(&server, TARGET, &video))
            .and_then(|events| clip.check(&events));
        faults.extend(checked.err().map(|error| format!("{}: {error:#}", clip.file)));
    }
    for (file, recipe, container) in MPEG2 {
        let checked = make(&footage, file, recipe)
            .and_then(|video| events(&server, TARGET, &video))
            .and_then(|events| check_mpeg2(&events, container));
        faults.extend(checked.err().map(|error| format!("{file}: {error:#}")));
    }
    ensure!(faults.is_empty(), "\n{}", faults.join("\n"));
    Ok(())
}

fn make(footage: &Footage, file: &str, recipe: &str) -> Result<Vec<u8>> {
    let drawn = ["-f", "lavfi", "-i", "testsrc2=size=96x64:rate=5:duration=2"];
    let recipe: Vec<_> = recipe.split_whitespace().collect();
    footage.bytes(file, &[&drawn[..], &recipe].concat())
}

impl Clip {
    fn check(&self, events: &Events) -> Result<()> {
        let video = &events.start()?["video"];
        self.check_start(video)?;
        let (frames, end) = (events.frames()?, events.end()?);
        ensure!(frames.len() == FRAMES, "{} frames: {end}", frames.len());
        let mut due = 0.0;
        for pair in frames.windows(2) {
            ensure!(pair[0].pts_ms < pair[1].pts_ms, "times do not rise: {pair:?}");
        }
        for frame in frames.iter().filter(|_| self.times == Times::Stated) {
            ensure!((frame.pts_ms - due).abs() < 1.0, "{} ms in place of {due}", frame.pts_ms);
            due += STEP_MS;
        }
        ensure!(events.of_kind("error").count() == 0, "errors in a good clip: {events:?}");
        Ok(())
    }

    fn check_start(&self, video: &Value) -> Result<()> {
        let told = (video["container"].as_str(), video["codec"].as_str());
        ensure!(told == (Some(self.container), Some(self.codec)), "{video}");
        let (width, height) = self.size;
        ensure!(video["width"] == width && video["height"] == height, "{video}");
        Ok(())
    }
}

/// Fifty frames, 40 ms apart: ffmpeg doubles what is drawn five times a second.
fn check_mpeg2(events: &Events, container: &str) -> Result<()> {
    let video = &events.start()?["video"];
    let told = (video["container"].as_str(), video["codec"].as_str());
    ensure!(told == (Some(container), Some("mpeg2")), "{video}");
    let frames = events.frames()?;
    ensure!(frames.len() == 50, "{} frames: {}", frames.len(), events.end()?);
    for pair in frames.windows(2) {
        let step = pair[1].pts_ms - pair[0].pts_ms;
        ensure!((step - 40.0).abs() < 1.0, "a step of {step} ms");
    }
    Ok(())
}

#[test]
fn times_are_the_containers_and_not_counted() -> Result<()> {
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let server = quick_server(&[])?;
    // Frames 0, 1, 4 and 9 of ten.
    let uneven = "-vf select=eq(n\\,0)+eq(n\\,1)+eq(n\\,4)+eq(n\\,9) -vsync vfr -c:v libx264 -bf 0";
    for file in ["uneven.mp4", "uneven.mkv"] {
        let events = events(&server, TARGET, &make(&footage, file, uneven)?)?;
        let times: Vec<_> = events.frames()?.iter().map(|frame| frame.pts_ms.round()).collect();
        assert_eq!(times, [0.0, 200.0, 800.0, 1800.0], "{file}");
    }
    Ok(())
}

#[test]
fn a_turned_clip_is_told_upright() -> Result<()> {
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let server = quick_server(&[])?;
    make(&footage, "level.mp4", "-c:v libx264")?;
    let level = footage.path("level.mp4");
    let turn = ["-i", &level, "-c", "copy", "-metadata:s:v:0", "rotate=90"];
    let events = events(&server, TARGET, &footage.bytes("turned.mp4", &turn)?)?;
    let video = &events.start()?["video"];
    ensure!(video["width"] == 64 && video["height"] == 96, "{video}");
    ensure!(events.frames()?.len() == FRAMES, "{}", events.end()?);
    Ok(())
}

#[test]
fn a_size_that_changes_on_the_way_changes_nothing_else() -> Result<()> {
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let server = quick_server(&[])?;
    check_size_change(&server, &footage)
}

fn check_size_change(server: &Server, footage: &Footage) -> Result<()> {
    let small = make(footage, "small.h264", "-c:v libx264 -bf 0 -f h264")?;
    let large =
        make(footage, "large.h264", "-vf scale=320:240,setsar=1 -c:v libx264 -bf 0 -f h264")?;
    let target = "/detect/video?confidence=0.0&track=false";
    let events = events(server, target, &[small, large].concat())?;
    let frames = events.frames()?;
    ensure!(frames.len() == 2 * FRAMES, "{} frames: {}", frames.len(), events.end()?);
    let rightmost = |part: &[detections_e2e::events::Frame]| -> f64 {
        let boxes = part.iter().flat_map(|frame| frame.detections);
        boxes.filter_map(|found| found["box"]["x2"].as_f64()).fold(0.0, f64::max)
    };
    let (before, after) = (rightmost(&frames[..FRAMES]), rightmost(&frames[FRAMES..]));
    ensure!(before <= 96.0 && after > 96.0 && after <= 320.0, "boxes up to {before} and {after}");
    Ok(())
}
