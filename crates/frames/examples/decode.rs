//! Decodes a video and says how long that took; `--feed` sends it through a feed instead of opening the file.

use std::{env, error::Error, fs, io::Write, path::Path, time::Instant};

use detections_frames::{FrameSource, VideoOptions, VideoSource, feed};
use detections_types::CancelToken;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (path, through_feed) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [path] => (path, false),
        ["--feed", path] => (path, true),
        _ => return Err("usage: decode [--feed] FILE".into()),
    };
    let started = Instant::now();
    let mut source = open(Path::new(path), through_feed)?;
    let mut out = std::io::stdout();
    writeln!(out, "{:?}", source.info())?;
    let mut last = None;
    loop {
        match source.next_frame() {
            Ok(Some(frame)) => last = Some((frame.index, frame.pts)),
            Ok(None) => break,
            Err(error) if error.is_fatal() => return Err(error.into()),
            Err(error) => writeln!(out, "{error}")?,
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    writeln!(out, "last frame {last:?}, {} decoded in {seconds:.3} s", source.frames_decoded())?;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    writeln!(out, "{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default())?;
    Ok(())
}

fn open(path: &Path, through_feed: bool) -> Result<VideoSource, Box<dyn Error>> {
    let (options, cancel) = (VideoOptions::default(), CancelToken::new());
    if !through_feed {
        return Ok(VideoSource::open_file(path, &options, cancel)?);
    }
    let bytes = fs::read(path)?;
    let (mut sender, receiver) = feed(1 << 20);
    std::thread::spawn(move || {
        for chunk in bytes.chunks(64 << 10) {
            if sender.send_blocking(Box::new(chunk.to_vec())).is_err() {
                return;
            }
        }
        sender.finish();
    });
    Ok(VideoSource::open_feed(receiver, &options, cancel)?)
}
