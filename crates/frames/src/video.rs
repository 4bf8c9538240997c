//! Encoded video to frames by GStreamer, decoded while its bytes still arrive.
//!
//! One thread takes bytes from the feed, splits the container, decodes and waits where nobody pulls; codecs
//! may add their own. Nothing is buffered but what the decoder needs and a few frames.

mod boxes;
mod clock;
mod decoder;
mod entry;
mod extent;
mod graph;
mod head;
mod index;
mod kinds;
mod losses;
mod memory;
mod numbers;
mod picture;
mod plug;
mod program;
mod size;
mod spool;
mod status;
mod supply;
mod temporal;
mod writer;

use std::{
    fs::File,
    io::{ErrorKind, Read},
    num::NonZeroU32,
    path::Path,
    thread,
    time::Duration,
};

use detections_types::CancelToken;
use gstreamer as gst;

use self::{
    decoder::Decoder,
    head::Head,
    index::Stated,
    kinds::{Kind, Layout},
    supply::Supply,
};
pub use self::{spool::Spool, writer::VideoWriter};
use crate::{FeedReceiver, FeedSender, Frame, FrameError, FrameSource, Sampling, StreamInfo, feed};

/// How often cancellation is looked at while nothing happens.
const HEARTBEAT: Duration = Duration::from_millis(20);

/// Bytes of a reader that wait to be decoded.
const READ_AHEAD: usize = 1 << 20;

/// What decoding a video may cost, and which of its frames are wanted.
#[derive(Debug, Clone)]
pub struct VideoOptions {
    /// Which frames are wanted.
    pub sampling: Sampling,
    /// The most pixels of one frame, upright and square.
    pub max_pixels: u64,
    /// The most bytes of decoded frames that are held at once; where frames are large, fewer of them are held.
    pub max_decoded_bytes: u64,
    /// The most bytes that are taken while no whole picture comes of them; of a file that may be read in any
    /// order, whose index can be long, four times as many.
    pub max_pending_bytes: u64,
    /// How long a decoder that has bytes may neither take more nor give a frame.
    pub stall_timeout: Duration,
    /// Threads of the decoder; `None` is one for each core, up to 8.
    pub threads: Option<NonZeroU32>,
    /// Where a video waits that cannot be decoded before its last byte is there.
    pub spool: Spool,
}

impl Default for VideoOptions {
    /// All frames of up to 100 million pixels, 1 GiB of them at once, 64 MiB without a picture, 10 seconds.
    fn default() -> Self {
        Self {
            sampling: Sampling::All,
            max_pixels: 100_000_000,
            max_decoded_bytes: 1 << 30,
            max_pending_bytes: 64 << 20,
            stall_timeout: Duration::from_secs(10),
            threads: None,
            spool: Spool::default(),
        }
    }
}

/// The frames of one video.
pub struct VideoSource {
    info: StreamInfo,
    decoder: Decoder,
}

impl VideoSource {
    /// Decodes what comes through a feed; waits until the first frame is there.
    ///
    /// # Errors
    /// [`FrameError`] when there is no first frame, or `cancel` says that nobody waits for it.
    pub fn open_feed(
        receiver: FeedReceiver,
        options: &VideoOptions,
        cancel: CancelToken,
    ) -> Result<Self, FrameError> {
        init()?;
        let head = Head::of_feed(&receiver, &cancel)?;
        let supply = if head.progressive {
            Supply::Feed { head: head.chunks.into(), receiver }
        } else {
            let (file, len) = options.spool.keep(head.chunks, &receiver, &cancel)?;
            Supply::anywhere(file, len)?
        };
        let in_front = head.kind.stated;
        let mut source = Self::start(head.kind, supply, options, cancel)?;
        source.info.progressive = head.progressive;
        if let Some(stated) = in_front {
            // That of a file in fragments is not known yet, whatever the splitter says of the first of them.
            source.info.duration = stated.duration;
        }
        Ok(source)
    }

    /// Decodes what `reader` gives; a thread of its own reads it.
    ///
    /// # Errors
    /// [`FrameError`] when there is no first frame, or `cancel` says that nobody waits for it.
    pub fn open_reader(
        reader: impl Read + Send + 'static,
        options: &VideoOptions,
        cancel: CancelToken,
    ) -> Result<Self, FrameError> {
        let (sender, receiver) = feed(READ_AHEAD);
        thread::Builder::new()
            .name("video-reader".into())
            .spawn(move || pour(reader, sender))
            .map_err(|source| FrameError::Io { doing: "starting a thread", source })?;
        Self::open_feed(receiver, options, cancel)
    }

    /// Decodes a file, which may be read in any order.
    ///
    /// # Errors
    /// [`FrameError`] when there is no first frame, or `cancel` says that nobody waits for it.
    pub fn open_file(
        path: &Path,
        options: &VideoOptions,
        cancel: CancelToken,
    ) -> Result<Self, FrameError> {
        init()?;
        let opening = |source| FrameError::Io { doing: "opening the video", source };
        let mut file = File::open(path).map_err(opening)?;
        let len = file.metadata().map_err(opening)?.len();
        let kind = head::of_file(&mut file)?;
        let supply = match kind.layout {
            Layout::Indexed => Supply::anywhere(file, len)?,
            Layout::Streamed | Layout::Broadcast | Layout::Bare => Supply::File(file),
        };
        Self::start(kind, supply, options, cancel)
    }

    fn start(
        kind: Kind,
        supply: Supply,
        options: &VideoOptions,
        cancel: CancelToken,
    ) -> Result<Self, FrameError> {
        let stated = supply.stated().or(kind.stated);
        let mut decoder = Decoder::start(Kind { stated, ..kind }, supply, options, cancel)?;
        let mut info = decoder.describe()?;
        if let Some(Stated { duration, rate, .. }) = stated {
            info.duration = duration.or(info.duration);
            info.fps = rate.or(info.fps);
        }
        Ok(Self { info, decoder })
    }
}

impl FrameSource for VideoSource {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        self.decoder.next_frame()
    }

    fn frames_decoded(&self) -> u64 {
        self.decoder.decoded
    }
}

/// Loads GStreamer; only the first call does anything.
fn init() -> Result<(), FrameError> {
    gst::init().map_err(|error| FrameError::GStreamer { message: error.to_string() })
}

/// Gives a feed what a reader has; a failure ends the feed without its end.
fn pour(mut reader: impl Read, mut sender: FeedSender) {
    loop {
        let mut bytes = vec![0; 64 << 10];
        match reader.read(&mut bytes) {
            Ok(0) => return sender.finish(),
            Ok(len) => {
                bytes.truncate(len);
                if sender.send_blocking(Box::new(bytes)).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return tracing::debug!(%error, "the reader of a video failed"),
        }
    }
}
