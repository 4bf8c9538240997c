//! Encoded video to frames by GStreamer, decoded while its bytes still arrive.
//!
//! One thread takes bytes from the feed, splits the container, decodes and waits where nobody pulls; codecs
//! may add their own. Nothing is buffered but what the decoder needs and a few frames.

mod boxes;
mod clock;
mod graph;
mod head;
mod kinds;
mod picture;
mod plug;
mod spool;
mod status;
mod supply;

use std::{
    fs::File,
    io::{ErrorKind, Read},
    num::NonZeroU32,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use detections_types::CancelToken;
use gstreamer::{self as gst, prelude::*};
use gstreamer_video as gst_video;

pub use self::spool::Spool;
use self::{
    clock::Clock,
    graph::Graph,
    head::Head,
    kinds::{Kind, Layout},
    status::Status,
    supply::Supply,
};
use crate::{
    FeedReceiver, FeedSender, Frame, FrameError, FrameSource, Sampling, StreamInfo, feed,
    feed::FeedCloser,
};

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
    /// How long a decoder that has bytes may neither take more nor give a frame.
    pub stall_timeout: Duration,
    /// Threads of the decoder; `None` is one for each core, up to 8.
    pub threads: Option<NonZeroU32>,
    /// Where a video waits that cannot be decoded before its last byte is there.
    pub spool: Spool,
}

impl Default for VideoOptions {
    /// All frames of up to 100 million pixels, 10 seconds.
    fn default() -> Self {
        Self {
            sampling: Sampling::All,
            max_pixels: 100_000_000,
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
    first: Option<Frame>,
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
            Supply::Anywhere { file, len }
        };
        Decoder::start(head.kind, supply, options, cancel)?.open(head.progressive)
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
        // Only this container may keep its index behind what it is needed for.
        let supply = if kind.word == "quicktime" {
            Supply::Anywhere { file, len }
        } else {
            Supply::File(file)
        };
        Decoder::start(kind, supply, options, cancel)?.open(true)
    }
}

impl FrameSource for VideoSource {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        match self.first.take() {
            Some(frame) => Ok(Some(frame)),
            None => self.decoder.next_frame(),
        }
    }

    fn frames_decoded(&self) -> u64 {
        self.decoder.decoded
    }
}

/// A pipeline and where it is.
struct Decoder {
    graph: Graph,
    status: Arc<Status>,
    closer: Option<FeedCloser>,
    kind: Kind,
    clock: Clock,
    cancel: CancelToken,
    max_pixels: u64,
    stall_timeout: Duration,
    decoded: u64,
}

impl Decoder {
    fn start(
        kind: Kind,
        supply: Supply,
        options: &VideoOptions,
        cancel: CancelToken,
    ) -> Result<Self, FrameError> {
        let status = Arc::new(Status::default());
        let closer = supply.closer();
        let graph = Graph::start(&kind, supply, &status, threads(options))?;
        Ok(Self {
            graph,
            status,
            closer,
            clock: Clock::new(kind.layout),
            kind,
            cancel,
            max_pixels: options.max_pixels,
            stall_timeout: options.stall_timeout,
            decoded: 0,
        })
    }

    /// Waits for the first frame, which says what the video is.
    fn open(mut self, progressive: bool) -> Result<VideoSource, FrameError> {
        let sample = self.next_sample()?.ok_or(FrameError::NoFrames)?;
        let info = StreamInfo { progressive, ..self.describe(&video_info(&sample)?) };
        let first = Some(self.frame(sample)?);
        Ok(VideoSource { info, decoder: self, first })
    }

    fn describe(&self, video: &gst_video::VideoInfo) -> StreamInfo {
        let duration = self.graph.pipeline.query_duration::<gst::ClockTime>();
        let stated = self.kind.layout == Layout::Container;
        StreamInfo {
            container: self.kind.word.to_owned(),
            codec: self.status.codec().unwrap_or(self.kind.word).to_owned(),
            width: video.width(),
            height: video.height(),
            fps: clock::rate(video).map(|(numer, denom)| numer as f64 / denom as f64),
            duration: duration.filter(|time| stated && !time.is_zero()).map(Into::into),
            progressive: true,
        }
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        self.next_sample()?.map(|sample| self.frame(sample)).transpose()
    }

    fn frame(&mut self, mut sample: gst::Sample) -> Result<Frame, FrameError> {
        let video = video_info(&sample)?;
        let index = self.decoded;
        let pts = self.clock.time(&sample, &video, index);
        self.decoded += 1;
        let buffer = sample.make_mut();
        let buffer = buffer.buffer_owned().ok_or(FrameError::NoFrames)?;
        let image = Arc::new(picture::picture(buffer, &video)?);
        Ok(Frame { image, index, pts })
    }

    /// The next decoded sample, `None` behind the last.
    fn next_sample(&mut self) -> Result<Option<gst::Sample>, FrameError> {
        let patience = gst::ClockTime::try_from(HEARTBEAT).unwrap_or(gst::ClockTime::MSECOND);
        let (mut since, mut seen) = (Instant::now(), self.status.progress());
        loop {
            self.cancel.check().map_err(FrameError::Interrupted)?;
            if let Some(sample) = self.graph.frames.try_pull_sample(patience) {
                return Ok(Some(sample));
            }
            let now = self.status.progress();
            if self.graph.frames.is_eos() {
                return self.status.take_fault().map_or(Ok(None), Err);
            }
            if self.status.codec().is_none() && self.status.has_failed() {
                return self.status.take_fault().map_or(Ok(None), Err);
            }
            if now.0 || now != seen {
                (since, seen) = (Instant::now(), now);
            } else if since.elapsed() > self.stall_timeout {
                return Err(FrameError::Stalled { after: self.stall_timeout });
            }
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // The streaming thread may wait for bytes, which the pipeline cannot interrupt.
        self.status.stop();
        self.closer.iter().for_each(FeedCloser::close);
    }
}

fn video_info(sample: &gst::SampleRef) -> Result<gst_video::VideoInfo, FrameError> {
    sample
        .caps()
        .and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok())
        .ok_or_else(|| FrameError::UndecodableVideo { message: "a frame without a format".into() })
}

fn threads(options: &VideoOptions) -> u32 {
    options.threads.map_or_else(
        || thread::available_parallelism().map_or(1, |cores| cores.get().min(8) as u32),
        NonZeroU32::get,
    )
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
