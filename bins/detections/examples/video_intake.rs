//! Decodes a video and fits every frame into an input tensor of 640x640, with no model behind it. As in the service,
//! one thread pulls the frames and as many workers as there are processors fit them, each into a tensor of its own.
//! Prints frames, seconds and the most memory that it held in KiB: what an intake can give to a detector at best.

use std::{
    env,
    error::Error,
    fs,
    io::Write,
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Instant,
};

use detections_frames::{FrameSource, VideoOptions, VideoSource};
use detections_infer::{
    ChannelOrder, InferError, InputShape, Letterboxer, PixelScale, Placement, Preprocess,
};
use detections_types::{CancelToken, Image};

const SIDE: usize = 640;

/// Frames that wait for a worker.
const WAITING: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: video_intake FILE [WORKERS]")?;
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let workers = env::args().nth(2).map_or_else(|| Ok(cores()), |text| text.parse())?;
    let started = Instant::now();
    let options = VideoOptions::default();
    let mut source = VideoSource::open_file(Path::new(&path), &options, CancelToken::new())?;
    let (sender, receiver) = mpsc::sync_channel(WAITING);
    let receiver = Arc::new(Mutex::new(receiver));
    let workers: Vec<_> = (0..workers.max(1))
        .map(|_| {
            let receiver = Arc::clone(&receiver);
            thread::spawn(move || fit_all(&receiver))
        })
        .collect();
    while let Some(frame) = source.next_frame()? {
        sender.send(frame.image)?;
    }
    drop(sender);
    let mut frames = 0;
    for worker in workers {
        frames += worker.join().map_err(|_panic| "a worker panicked")??;
    }
    let seconds = started.elapsed().as_secs_f64();
    writeln!(std::io::stdout(), "{frames} {seconds:.3} {}", most_memory())?;
    Ok(())
}

/// Fits frames until none comes any more, and counts them.
fn fit_all(frames: &Mutex<mpsc::Receiver<Arc<Image>>>) -> Result<u64, InferError> {
    let input = InputShape { max_batch: 1, height: SIDE, width: SIDE };
    let preprocess = Preprocess {
        order: ChannelOrder::Rgb,
        scale: PixelScale::Unit,
        placement: Placement::Centre,
        pad: Preprocess::GREY,
    };
    let mut letterboxer = Letterboxer::new(preprocess, input);
    let mut tensor = vec![0.0; input.image_len()];
    let mut count = 0;
    loop {
        let next = frames.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(image) = next else { return Ok(count) };
        letterboxer.write(image.view(), &mut tensor)?;
        count += 1;
    }
}

/// The high-water mark of resident memory in KiB, 0 where the system does not tell.
fn most_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    mark.and_then(|mark| mark.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
