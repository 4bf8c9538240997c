//! Pictures to a video file: H.264 in MP4 with the times that they are shown at.

use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use detections_types::{CancelToken, ImageView};
use gstreamer::{self as gst, prelude::*};
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::init;
use crate::{FrameError, rgb::to_rgb8};

/// The encoders that are used, the first that is installed, with what makes them fast and good enough.
///
/// No frame is reordered: the length that the muxer states would not reach to the last of uneven times.
const ENCODERS: [(&str, &[(&str, &str)]); 2] = [
    (
        "x264enc",
        &[("speed-preset", "veryfast"), ("pass", "quant"), ("quantizer", "21"), ("bframes", "0")],
    ),
    ("openh264enc", &[("rate-control", "off"), ("complexity", "low")]),
];

/// The shortest side that the encoders take.
const SHORTEST_SIDE: u32 = 16;
/// The units in which the file counts time, whatever the rate.
const UNITS_PER_SECOND: u32 = 90_000;
/// The shortest time between two pictures, for the file takes no two in the same unit.
const SHORTEST_STEP: Duration = Duration::from_millis(1);
/// How long nothing may pass from the encoder to the file while something is to be written.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How often room for a picture is looked for: a moment in which few pictures are encoded.
const GLANCE: gst::ClockTime = gst::ClockTime::from_mseconds(2);
/// Pictures that wait for the encoder.
const QUEUED_PICTURES: u64 = 4;

/// Writes a video; without [`finish`](Self::finish) what it wrote cannot be played.
pub struct VideoWriter {
    pipeline: gst::Pipeline,
    frames: gst_app::AppSrc,
    path: PathBuf,
    fps: Option<f64>,
    /// Size of the last picture.
    size: (u32, u32),
    /// When the last picture is shown.
    last: Option<Duration>,
    /// Counts what passes on its way to the file.
    steps: Arc<AtomicU64>,
    cancel: CancelToken,
    /// Whether its threads may hang.
    stalled: bool,
}

impl VideoWriter {
    /// Begins a file for pictures of `size`, width and height in pixels; of an odd side the last pixel is left out,
    /// and what has a side below 16 is enlarged and gets borders.
    ///
    /// `fps` is what players are told; the times of the pictures hold whatever it is.
    ///
    /// # Errors
    /// [`FrameError::MissingPlugin`] when no encoder is installed, [`FrameError::WriteVideo`] when the file
    /// cannot be written, [`FrameError::Encode`] when a side is below 2.
    pub fn create(
        path: &Path,
        size: (u32, u32),
        fps: Option<f64>,
        cancel: CancelToken,
    ) -> Result<Self, FrameError> {
        init()?;
        let size = even(size);
        let frames = gst_app::AppSrc::builder()
            .caps(&caps(size, fps)?)
            .format(gst::Format::Time)
            .block(false)
            .max_buffers(QUEUED_PICTURES)
            .max_bytes(0)
            .build();
        let (pipeline, path, steps) = (gst::Pipeline::new(), path.to_owned(), Arc::default());
        let (last, stalled) = (None, false);
        let writer = Self { pipeline, frames, path, fps, size, last, steps, cancel, stalled };
        writer.build()?;
        Ok(writer)
    }

    fn build(&self) -> Result<(), FrameError> {
        let convert = make("videoconvert", &[], "gstreamer1.0-plugins-base")?;
        // For pictures of another size than the first, which are fitted into it.
        let scale = make("videoscale", &[("add-borders", "true")], "gstreamer1.0-plugins-base")?;
        let shape = make("capsfilter", &[], "libgstreamer1.0-0")?;
        shape.set_property("caps", shape_of(self.size));
        let encoder = encoder()?;
        let parser = make("h264parse", &[], "gstreamer1.0-plugins-bad")?;
        let muxer = make("mp4mux", &[("faststart", "true")], "gstreamer1.0-plugins-good")?;
        let file = make("filesink", &[("sync", "false"), ("async", "false")], "libgstreamer1.0-0")?;
        file.set_property("location", &self.path);
        self.count(&encoder, "src");
        self.count(&file, "sink");
        let frames = self.frames.upcast_ref();
        let elements = [frames, &convert, &scale, &shape, &encoder, &parser, &muxer, &file];
        self.pipeline.add_many(elements).map_err(failed)?;
        gst::Element::link_many(elements).map_err(failed)?;
        for pad in muxer.sink_pads() {
            pad.set_property("trak-timescale", UNITS_PER_SECOND);
        }
        self.pipeline.set_state(gst::State::Playing).map_err(|error| self.why(error))?;
        Ok(())
    }

    /// Counts what passes through a pad of `element`.
    fn count(&self, element: &gst::Element, pad: &str) {
        let steps = Arc::clone(&self.steps);
        let Some(pad) = element.static_pad(pad) else { return };
        pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, _| {
            steps.fetch_add(1, Ordering::Relaxed);
            gst::PadProbeReturn::Ok
        });
    }

    /// Writes one picture, shown from `pts` on, or a millisecond behind the one before where that is later; one of
    /// another size than the first is fitted into it with borders.
    ///
    /// # Errors
    /// [`FrameError::WriteVideo`] when the file cannot be written, [`FrameError::Interrupted`] when nobody
    /// wants it any more, [`FrameError::Encode`] when a side is below 2.
    pub fn write(&mut self, image: ImageView<'_>, pts: Duration) -> Result<(), FrameError> {
        let size = even((image.width(), image.height()));
        if size != self.size {
            // Valid from the next picture on, not for those that wait.
            self.frames.set_caps(Some(&caps(size, self.fps)?));
            self.size = size;
        }
        let pts = self.last.map_or(pts, |last| pts.max(last.saturating_add(SHORTEST_STEP)));
        self.last = Some(pts);
        let mut buffer = gst::Buffer::from_mut_slice(rows(image, size)?);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::try_from(pts).ok());
        }
        let frames = self.frames.clone();
        self.wait_until(|_| frames.current_level_buffers() < QUEUED_PICTURES)?;
        self.frames.push_buffer(buffer).map(drop).map_err(|error| self.why(error))
    }

    /// Writes what is left and the index, however long that takes while it goes on.
    ///
    /// # Errors
    /// [`FrameError::WriteVideo`] when the file cannot be written, or no picture was given;
    /// [`FrameError::Interrupted`] when nobody wants it any more.
    pub fn finish(mut self) -> Result<(), FrameError> {
        self.frames.end_of_stream().map_err(|error| self.why(error))?;
        self.wait_until(|told| matches!(told, Some(gst::MessageType::Eos)))
    }

    /// Waits, as long as something passes to the file, until `is_done` of what the bus told last.
    fn wait_until(
        &mut self,
        is_done: impl Fn(Option<gst::MessageType>) -> bool,
    ) -> Result<(), FrameError> {
        let bus = self.pipeline.bus().ok_or_else(|| failed("a pipeline without a bus"))?;
        let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
        let (mut since, mut seen) = (Instant::now(), self.steps.load(Ordering::Relaxed));
        let mut patience = gst::ClockTime::ZERO;
        loop {
            let message = bus.timed_pop_filtered(patience, &kinds);
            if let Some(gst::MessageView::Error(error)) = message.as_ref().map(|told| told.view()) {
                return Err(self.unwritten(error.error()));
            }
            self.cancel.check().map_err(FrameError::Interrupted)?;
            if is_done(message.map(|message| message.type_())) {
                return Ok(());
            }
            let steps = self.steps.load(Ordering::Relaxed);
            if steps != seen {
                (since, seen) = (Instant::now(), steps);
            } else if since.elapsed() > STALL_TIMEOUT {
                self.stalled = true;
                return Err(self.unwritten(Stalled { after: STALL_TIMEOUT }));
            }
            patience = GLANCE;
        }
    }

    /// What an element said, or else what the call did.
    fn why(&self, error: impl Error + Send + Sync + 'static) -> FrameError {
        let bus = self.pipeline.bus();
        let told = bus.and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
        if let Some(gst::MessageView::Error(told)) = told.as_ref().map(|message| message.view()) {
            return self.unwritten(told.error());
        }
        self.unwritten(error)
    }

    fn unwritten(&self, source: impl Error + Send + Sync + 'static) -> FrameError {
        FrameError::WriteVideo { path: self.path.clone(), source: source.into() }
    }
}

/// Nothing was written for so long.
#[derive(Debug, thiserror::Error)]
#[error("nothing was written for {} s", .after.as_secs())]
struct Stalled {
    after: Duration,
}

impl Drop for VideoWriter {
    fn drop(&mut self) {
        let pipeline = self.pipeline.clone();
        let end = move || {
            // Going to Null cannot fail; the result is there for going up.
            let _ = pipeline.set_state(gst::State::Null);
        };
        if !self.stalled {
            return end();
        }
        // What hangs would hold whoever waits for its end.
        let name = String::from("video-abandoned");
        if let Err(error) = thread::Builder::new().name(name).spawn(end) {
            tracing::warn!(%error, "no thread to end a writer that hangs");
        }
    }
}

const fn even((width, height): (u32, u32)) -> (u32, u32) {
    (width & !1, height & !1)
}

/// The rows of `image` as GStreamer expects them, cut to `size`.
fn rows(image: ImageView<'_>, (width, height): (u32, u32)) -> Result<Vec<u8>, FrameError> {
    let rgb = to_rgb8(image)?;
    let row = width as usize * 3;
    let mut rows = Vec::with_capacity(padded(row) * height as usize);
    for y in 0..height {
        rows.extend_from_slice(&rgb.view().row(y)[..row]);
        rows.resize(rows.len() + padded(row) - row, 0);
    }
    Ok(rows)
}

/// What every picture of a file is made to be.
fn shape_of((width, height): (u32, u32)) -> gst::Caps {
    let side = |side: u32| i32::try_from(side.max(SHORTEST_SIDE)).unwrap_or(i32::MAX);
    gst::Caps::builder("video/x-raw")
        .field("width", side(width))
        .field("height", side(height))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .build()
}

fn caps((width, height): (u32, u32), fps: Option<f64>) -> Result<gst::Caps, FrameError> {
    let rate = fps.filter(|fps| *fps > 0.0).and_then(gst::Fraction::approximate_f64);
    gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgb, width, height)
        .fps(rate.unwrap_or_else(|| gst::Fraction::new(25, 1)))
        .build()
        .and_then(|info| info.to_caps())
        .map_err(failed)
}

/// Bytes of a row as GStreamer expects them in this format.
const fn padded(row: usize) -> usize {
    row.next_multiple_of(4)
}

fn encoder() -> Result<gst::Element, FrameError> {
    let installed =
        ENCODERS.into_iter().find(|(name, _)| gst::ElementFactory::find(name).is_some());
    let (name, properties) = installed.ok_or_else(|| FrameError::MissingPlugin {
        task: "encodes",
        media: "H.264".to_owned(),
        package: Some(
            "gstreamer1.0-plugins-ugly (x264enc) or gstreamer1.0-plugins-bad (openh264enc)",
        ),
    })?;
    make(name, properties, "gstreamer1.0-plugins-ugly")
}

fn make(
    name: &str,
    properties: &[(&str, &str)],
    package: &'static str,
) -> Result<gst::Element, FrameError> {
    let builder = gst::ElementFactory::make(name);
    let builder =
        properties.iter().fold(builder, |made, (name, value)| made.property_from_str(name, value));
    let missing = |_| FrameError::MissingPlugin {
        task: "is the element",
        media: name.to_owned(),
        package: Some(package),
    };
    builder.build().map_err(missing)
}

fn failed(error: impl ToString) -> FrameError {
    FrameError::Encode(error.to_string().into())
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        time::{Duration, Instant},
    };

    use detections_types::{CancelToken, ErrorKind, Image};
    use gstreamer::prelude::*;

    use super::VideoWriter;
    use crate::FrameError;

    /// Noise, of which an encoder makes many bytes.
    fn noise(seed: u32) -> Image {
        let mut state = seed | 1;
        let mut byte = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        Image::rgb8(128, 96, (0..128 * 96 * 3).map(|_| byte()).collect()).unwrap()
    }

    fn write_much(writer: &mut VideoWriter) -> FrameError {
        for at in 0..500 {
            let pts = Duration::from_millis(u64::from(at) * 40);
            if let Err(error) = writer.write(noise(at).view(), pts) {
                return error;
            }
        }
        panic!("500 pictures fit on a full disk");
    }

    #[test]
    fn a_full_disk_is_told_while_pictures_are_written() {
        if !Path::new("/dev/full").exists() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("written.mp4");
        let cancel = CancelToken::new();
        let mut writer = VideoWriter::create(&path, (128, 96), None, cancel).unwrap();
        let muxer =
            writer.pipeline.iterate_elements().into_iter().flatten().find(|element| {
                element.factory().is_some_and(|factory| factory.name() == "mp4mux")
            });
        // Where the pictures lie until the index can be put in front of them.
        muxer.unwrap().set_property("faststart-file", "/dev/full");
        let started = Instant::now();
        let error = write_much(&mut writer);
        assert!(matches!(error, FrameError::WriteVideo { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.to_string().contains("written.mp4"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(25), "{:?}", started.elapsed());
    }

    #[test]
    fn a_writer_that_nobody_wants_any_more_neither_writes_nor_waits() {
        let dir = tempfile::tempdir().unwrap();
        let cancel = CancelToken::new();
        let path = dir.path().join("written.mp4");
        let mut writer = VideoWriter::create(&path, (128, 96), None, cancel.clone()).unwrap();
        writer.write(noise(1).view(), Duration::ZERO).unwrap();
        cancel.cancel();
        let error = write_much(&mut writer);
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        assert_eq!(writer.finish().unwrap_err().kind(), ErrorKind::Cancelled);
    }
}
