//! Videos that `ffmpeg` makes: every container and codec, every way to be broken, and what is left behind.

mod edits;
mod faults;
mod formats;
mod garble;
mod leaks;
mod make;
mod sampling;
mod shapes;
mod writer;

use std::{
    thread,
    time::{Duration, Instant},
};

use detections_frames::{
    FeedReceiver, Frame, FrameError, FrameSource, StreamInfo, VideoOptions, VideoSource, feed,
};
use detections_types::CancelToken;

/// A video, decoded to its end.
pub(crate) struct Decoded {
    pub(crate) info: StreamInfo,
    pub(crate) frames: Vec<Frame>,
    /// What was told on the way.
    pub(crate) damage: Vec<FrameError>,
    pub(crate) decoded: u64,
    /// What ended it before its end.
    pub(crate) fault: Option<FrameError>,
}

impl Decoded {
    /// The times of all frames in milliseconds, rounded.
    pub(crate) fn millis(&self) -> Vec<u64> {
        self.frames.iter().map(|frame| (frame.pts.as_micros() as u64 + 500) / 1000).collect()
    }
}

/// A feed that a thread fills with `bytes`, `chunk` of them at once.
pub(crate) fn fed(bytes: Vec<u8>, chunk: usize) -> FeedReceiver {
    let (mut sender, receiver) = feed(256 << 10);
    thread::spawn(move || {
        for chunk in bytes.chunks(chunk) {
            if sender.send_blocking(Box::new(chunk.to_vec())).is_err() {
                return;
            }
        }
        sender.finish();
    });
    receiver
}

/// Decodes what comes through a feed.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<Decoded, FrameError> {
    decode_with(fed(bytes, 16 << 10), &VideoOptions::default())
}

/// Decodes a feed with options; never longer than a minute.
pub(crate) fn decode_with(
    receiver: FeedReceiver,
    options: &VideoOptions,
) -> Result<Decoded, FrameError> {
    let cancel = CancelToken::with_deadline(Instant::now() + Duration::from_secs(60));
    VideoSource::open_feed(receiver, options, cancel).map(drain)
}

/// Decodes what is left.
pub(crate) fn drain(mut source: VideoSource) -> Decoded {
    let (mut frames, mut damage, mut fault) = (Vec::new(), Vec::new(), None);
    loop {
        match source.next_frame() {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => break,
            Err(error) if error.is_fatal() => {
                fault = Some(error);
                break;
            }
            Err(error) => damage.push(error),
        }
    }
    let decoded = source.frames_decoded();
    Decoded { info: source.info().clone(), frames, damage, decoded, fault }
}
