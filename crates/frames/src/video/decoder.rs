//! Pulls decoded frames out of a running pipeline and says what they are.

use std::{
    num::NonZeroU32,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use detections_types::CancelToken;
use gstreamer::{self as gst, prelude::*};
use gstreamer_video as gst_video;

use super::{
    HEARTBEAT, VideoOptions,
    clock::{self, Clock},
    graph::{Decode, Graph, Rules},
    kinds::{Kind, Layout},
    losses::Loss,
    numbers::Number,
    picture,
    status::{Outlook, Status},
    supply::Supply,
};
use crate::{Frame, FrameError, Sampling, StreamInfo, sampler::Sampler};

/// How long what was decoded before a fault may take to come.
const GRACE: Duration = Duration::from_secs(1);
/// How many times the bytes without a picture a file has that is read in any order: its index may be long.
const TIMES_OUT_OF_ORDER: u64 = 4;
/// The most threads a decoder gets unasked: each of them holds frames and delays the first one.
const MOST_THREADS: usize = 8;

/// A running pipeline and how far it is.
pub(super) struct Decoder {
    /// `None` once it has ended.
    graph: Option<Graph>,
    status: Arc<Status>,
    kind: Kind,
    clock: Clock,
    sampler: Sampler,
    decode: Decode,
    cancel: CancelToken,
    stall_timeout: Duration,
    /// Frames that were pulled.
    pub(super) decoded: u64,
    /// The frame behind damage that is told first.
    held: Option<gst::Sample>,
    /// Whether the last frame was damaged, which is told once only.
    damaged: bool,
    /// Pictures that gave no frame, until they are told.
    loss: Option<Loss>,
}

impl Decoder {
    pub(super) fn start(
        kind: Kind,
        supply: Supply,
        options: &VideoOptions,
        cancel: CancelToken,
    ) -> Result<Self, FrameError> {
        let times = if supply.is_in_order() { 1 } else { TIMES_OUT_OF_ORDER };
        let status = Arc::new(Status::new(options.max_pending_bytes.saturating_mul(times)));
        let decode = match options.sampling {
            Sampling::Keyframes => Decode::Keyframes,
            Sampling::All | Sampling::Every(_) | Sampling::Fps(_) => Decode::All,
        };
        let rules = Rules {
            threads: threads(options),
            max_pixels: options.max_pixels,
            max_decoded_bytes: options.max_decoded_bytes,
            decode,
            layout: kind.layout,
        };
        let graph = Some(Graph::start(&kind, supply, &status, rules)?);
        let (clock, sampler) = (Clock::new(kind.layout), Sampler::new(options.sampling));
        let stall_timeout = options.stall_timeout;
        let (decoded, held, damaged, loss) = (0, None, false, None);
        Ok(Self {
            graph,
            status,
            kind,
            clock,
            sampler,
            decode,
            cancel,
            stall_timeout,
            decoded,
            held,
            damaged,
            loss,
        })
    }

    /// Waits for the first frame and says what the video is.
    pub(super) fn describe(&mut self) -> Result<StreamInfo, FrameError> {
        let sample = self.pull()?.ok_or(FrameError::NoFrames)?;
        let video = video_info(&sample)?;
        self.held = Some(sample);
        Ok(StreamInfo {
            container: self.kind.word.to_owned(),
            codec: self.status.codec().unwrap_or(self.kind.word).to_owned(),
            width: video.width(),
            height: video.height(),
            fps: clock::rate(&video).map(|(numer, denom)| f64::from(numer) / f64::from(denom)),
            duration: self.duration(),
            progressive: true,
        })
    }

    /// The length, where the container states it.
    fn duration(&self) -> Option<Duration> {
        let pipeline = &self.graph.as_ref()?.pipeline;
        let length = pipeline.query_duration::<gst::ClockTime>()?;
        let stated = match self.kind.layout {
            Layout::Indexed | Layout::Streamed => !length.is_zero(),
            Layout::Broadcast | Layout::Bare => false,
        };
        stated.then(|| length.into())
    }

    /// The next wanted frame, `None` behind the last.
    pub(super) fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        loop {
            let sample = match self.held.take() {
                Some(sample) => Some(sample),
                None => self.pull()?,
            };
            if let Some(damage) = self.new_damage(sample.as_deref()) {
                self.held = sample;
                return Err(damage);
            }
            let Some(sample) = sample else { return self.ended() };
            if let Some(frame) = self.wanted(sample)? {
                return Ok(Some(frame));
            }
        }
    }

    /// No frame is left; a video that is cut short says so once.
    fn ended(&self) -> Result<Option<Frame>, FrameError> {
        let missing = self.status.take_missing();
        missing.map_or(Ok(None), |missing| Err(FrameError::CutShort { missing }))
    }

    /// What is damaged, once for all damage that nothing sound lies between.
    fn new_damage(&mut self, sample: Option<&gst::SampleRef>) -> Option<FrameError> {
        let flagged = sample
            .and_then(gst::SampleRef::buffer)
            .is_some_and(|buffer| buffer.flags().contains(gst::BufferFlags::CORRUPTED));
        let told = self.status.take_damage();
        let told = told.or_else(|| flagged.then(|| "a frame is incomplete".to_owned()));
        let stated = sample.and_then(|sample| self.clock.stated(sample));
        let damage = match (told, self.loss.take()) {
            (Some(message), _) => Some(FrameError::Corrupt { message, pts: stated }),
            (None, Some(loss)) => Some(self.lost(loss)),
            (None, None) => None,
        };
        let was_damaged = std::mem::replace(&mut self.damaged, damage.is_some());
        damage.filter(|_| !was_damaged)
    }

    /// Tells of pictures that gave no frame.
    fn lost(&mut self, Loss { pictures, pts }: Loss) -> FrameError {
        let message = match pictures {
            1 => "a picture could not be decoded".to_owned(),
            _ => format!("{pictures} pictures could not be decoded"),
        };
        FrameError::Corrupt { message, pts: pts.and_then(|pts| self.clock.at(pts)) }
    }

    /// The frame in `sample`, unless sampling leaves it out.
    fn wanted(&mut self, sample: gst::Sample) -> Result<Option<Frame>, FrameError> {
        let video = video_info(&sample)?;
        let (decoded, pts) = (self.decoded, sample.buffer().and_then(|buffer| buffer.pts()));
        self.decoded += 1;
        let index = match self.decode {
            Decode::All => decoded,
            Decode::Keyframes => self.number(pts)?.unwrap_or(decoded),
        };
        let pts = self.clock.time(&sample, &video, index);
        if !self.sampler.wants(index, pts) {
            return Ok(None);
        }
        let Some(buffer) = sample.buffer_owned() else { return Ok(None) };
        drop(sample);
        let image = Arc::new(picture::picture(buffer, &video)?);
        Ok(Some(Frame { image, index, pts }))
    }

    /// The next decoded sample, `None` behind the last and for ever after a fault.
    fn pull(&mut self) -> Result<Option<gst::Sample>, FrameError> {
        let pulled = self.wait(|graph, patience| graph.frames.try_pull_sample(patience));
        if let Ok(Some(sample)) = &pulled {
            let pts = sample.buffer().and_then(gst::BufferRef::pts);
            self.loss = self.status.leave_frame(pts);
            return pulled;
        }
        let was_running = self.graph.is_some();
        let ended = pulled.and_then(|_none| self.status.take_fault().map_or(Ok(None), Err));
        self.end(ended.as_ref().err());
        if was_running && ended.is_ok() {
            self.loss = self.status.take_losses();
        }
        ended
    }

    /// Ended for good: its threads and memory are not needed any longer. Whoever is interrupted waits for nothing, and
    /// does not know whether the decoder hangs.
    fn end(&mut self, error: Option<&FrameError>) {
        let may_hang =
            matches!(error, Some(FrameError::Stalled { .. } | FrameError::Interrupted(_)));
        match self.graph.take() {
            Some(graph) if may_hang => graph.abandon(),
            graph => drop(graph),
        }
    }

    /// The number of the keyframe of this time; `None` where it is not known.
    fn number(&mut self, pts: Option<gst::ClockTime>) -> Result<Option<u64>, FrameError> {
        let known = self.wait(|_, patience| match self.status.take_number(pts, patience.into()) {
            Number::Known(number) => Some(Some(number)),
            Number::Unknown => Some(None),
            Number::Open => None,
        });
        match known {
            Ok(Some(number)) => Ok(number),
            Ok(None) => {
                self.status.last_picture_came();
                let number = self.status.take_number(pts, Duration::ZERO);
                Ok(if let Number::Known(number) = number { Some(number) } else { None })
            }
            Err(error) => {
                self.end(Some(&error));
                Err(error)
            }
        }
    }

    /// Waits until `look` finds something; `None` when the pipeline has ended before.
    fn wait<T>(
        &self,
        look: impl Fn(&Graph, gst::ClockTime) -> Option<T>,
    ) -> Result<Option<T>, FrameError> {
        let heartbeat =
            gst::ClockTime::from_mseconds(HEARTBEAT.as_millis().try_into().unwrap_or(1));
        let (mut since, mut seen) = (Instant::now(), self.status.progress());
        loop {
            self.cancel.check().map_err(FrameError::Interrupted)?;
            let Some(graph) = &self.graph else { return Ok(None) };
            if let Some(found) = look(graph, heartbeat) {
                return Ok(Some(found));
            }
            let (waits, steps) = self.status.progress();
            if waits || (waits, steps) != seen {
                (since, seen) = (Instant::now(), (waits, steps));
            }
            if graph.frames.is_eos() || self.is_hopeless(since.elapsed()) {
                return Ok(None);
            }
            if since.elapsed() > self.stall_timeout {
                return Err(FrameError::Stalled { after: self.stall_timeout });
            }
        }
    }

    fn is_hopeless(&self, idle: Duration) -> bool {
        match self.status.outlook() {
            Outlook::Fine => false,
            Outlook::Failed => idle > GRACE,
            Outlook::Hopeless => true,
        }
    }
}

fn video_info(sample: &gst::SampleRef) -> Result<gst_video::VideoInfo, FrameError> {
    sample
        .caps()
        .and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok())
        .ok_or_else(|| FrameError::UndecodableVideo { message: "a frame without a format".into() })
}

fn threads(options: &VideoOptions) -> u32 {
    let cores = || thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST_THREADS));
    options.threads.map_or_else(|| u32::try_from(cores()).unwrap_or(1), NonZeroU32::get)
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        process::Command,
        sync::{Mutex, mpsc},
        time::{Duration, Instant},
    };

    use detections_types::{CancelToken, ErrorKind};
    use gstreamer::{self as gst, prelude::*};

    use crate::{FrameError, FrameSource as _, VideoOptions, VideoSource};

    /// A clip of 200 frames; `None` where there is no `ffmpeg`.
    fn clip() -> Option<tempfile::NamedTempFile> {
        let file = tempfile::Builder::new().suffix(".mkv").tempfile().unwrap();
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", "testsrc2=size=64x48"])
            .args(["-frames:v", "200", "-c:v", "libx264"])
            .arg(file.path())
            .status();
        let made = made.is_ok_and(|status| status.success());
        if !made {
            writeln!(std::io::stderr(), "skipped: ffmpeg makes no clip here").ok();
        }
        made.then_some(file)
    }

    #[test]
    fn a_decoder_that_hangs_is_cut_by_the_watchdog() {
        let Some(file) = clip() else { return };
        let stall_timeout = Duration::from_millis(300);
        let options = VideoOptions { stall_timeout, ..VideoOptions::default() };
        let mut source = VideoSource::open_file(file.path(), &options, CancelToken::new()).unwrap();
        let pipeline = source.decoder.graph.as_ref().unwrap().pipeline.clone();
        let convert = pipeline.iterate_elements().into_iter().flatten().find(|element| {
            element.factory().is_some_and(|factory| factory.name() == "videoconvert")
        });
        // The thread that decodes waits here for as long as this test lives: no message, no state wakes it.
        let (release, hang) = mpsc::channel::<()>();
        let hang = Mutex::new(hang);
        let pad = convert.unwrap().static_pad("sink").unwrap();
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            hang.lock().unwrap().recv().ok();
            gst::PadProbeReturn::Ok
        });
        let started = Instant::now();
        let error = loop {
            match source.next_frame() {
                Ok(frame) => assert!(frame.is_some(), "it hangs long before the end"),
                Err(error) => break error,
            }
        };
        assert!(
            matches!(error, FrameError::Stalled { after } if after == stall_timeout),
            "{error:?}"
        );
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), "the decoder made no progress for 300 ms");
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
        assert!(matches!(source.next_frame(), Ok(None)), "nothing comes behind it");
        drop(release);
    }
}
