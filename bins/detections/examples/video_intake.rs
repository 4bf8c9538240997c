//! Decodes a video and fits every frame into an input tensor of 640x640, with no model behind it. Prints frames,
//! seconds and the most memory that it held in KiB: what an intake can give to a detector at best.

use std::{env, error::Error, fs, io::Write, path::Path, time::Instant};

use detections_frames::{FrameSource, VideoOptions, VideoSource};
use detections_infer::{ChannelOrder, InputShape, Letterboxer, PixelScale, Placement, Preprocess};
use detections_types::CancelToken;

const SIDE: usize = 640;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: video_intake FILE")?;
    let input = InputShape { max_batch: 1, height: SIDE, width: SIDE };
    let preprocess = Preprocess {
        order: ChannelOrder::Rgb,
        scale: PixelScale::Unit,
        placement: Placement::Centre,
        pad: Preprocess::GREY,
    };
    let mut letterboxer = Letterboxer::new(preprocess, input);
    let mut tensor = vec![0.0; input.image_len()];
    let started = Instant::now();
    let options = VideoOptions::default();
    let mut source = VideoSource::open_file(Path::new(&path), &options, CancelToken::new())?;
    let mut frames = 0_u64;
    while let Some(frame) = source.next_frame()? {
        letterboxer.write(frame.image.view(), &mut tensor)?;
        frames += 1;
    }
    let seconds = started.elapsed().as_secs_f64();
    writeln!(std::io::stdout(), "{frames} {seconds:.3} {}", most_memory())?;
    Ok(())
}

/// The high-water mark of resident memory in KiB, 0 where the system does not tell.
fn most_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    mark.and_then(|mark| mark.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
