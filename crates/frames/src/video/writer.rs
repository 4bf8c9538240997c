//! Pictures to a video file: H.264 in MP4 with the times that they are shown at.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use detections_types::ImageView;
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

/// How long the last frames may take to be written.
const FINISH_TIMEOUT: Duration = Duration::from_secs(60);

/// Writes a video; without [`finish`](Self::finish) what it wrote cannot be played.
pub struct VideoWriter {
    pipeline: gst::Pipeline,
    frames: gst_app::AppSrc,
    width: u32,
    height: u32,
}

impl VideoWriter {
    /// Begins a file for pictures of `width` x `height` pixels; of an odd side the last pixel is left out.
    ///
    /// `fps` is what players are told; the times of the pictures hold whatever it is.
    ///
    /// # Errors
    /// [`FrameError::MissingPlugin`] when no encoder is installed, [`FrameError::Encode`] when the file
    /// cannot be written or a side is below 2.
    pub fn create(
        path: &Path,
        width: u32,
        height: u32,
        fps: Option<f64>,
    ) -> Result<Self, FrameError> {
        init()?;
        let (even_width, even_height) = (width & !1, height & !1);
        let caps = caps(even_width, even_height, fps)?;
        let frames = gst_app::AppSrc::builder()
            .caps(&caps)
            .format(gst::Format::Time)
            .block(true)
            .max_buffers(4)
            .max_bytes(0)
            .build();
        let pipeline = gst::Pipeline::new();
        let writer = Self { pipeline, frames, width: even_width, height: even_height };
        writer.build(path)?;
        Ok(writer)
    }

    fn build(&self, path: &Path) -> Result<(), FrameError> {
        let convert = make("videoconvert", &[], "gstreamer1.0-plugins-base")?;
        let encoder = encoder()?;
        let parser = make("h264parse", &[], "gstreamer1.0-plugins-bad")?;
        let muxer = make("mp4mux", &[("faststart", "true")], "gstreamer1.0-plugins-good")?;
        let file = make("filesink", &[("sync", "false"), ("async", "false")], "libgstreamer1.0-0")?;
        file.set_property("location", path);
        let elements = [self.frames.upcast_ref(), &convert, &encoder, &parser, &muxer, &file];
        self.pipeline.add_many(elements).map_err(failed)?;
        gst::Element::link_many(elements).map_err(failed)?;
        self.pipeline.set_state(gst::State::Playing).map_err(|error| self.why(error))?;
        Ok(())
    }

    /// Writes one picture, shown from `pts` on, which lies behind that of the one before.
    ///
    /// # Errors
    /// [`FrameError::Encode`] when the picture has another size, or the file cannot be written.
    pub fn write(&mut self, image: ImageView<'_>, pts: Duration) -> Result<(), FrameError> {
        if (image.width() & !1, image.height() & !1) != (self.width, self.height) {
            let (width, height) = (image.width(), image.height());
            return Err(failed(format!("a frame of {width}x{height} pixels in another video")));
        }
        let rgb = to_rgb8(image)?;
        let row = self.width as usize * 3;
        let mut rows = Vec::with_capacity(padded(row) * self.height as usize);
        for y in 0..self.height {
            rows.extend_from_slice(&rgb.view().row(y)[..row]);
            rows.resize(rows.len() + padded(row) - row, 0);
        }
        let mut buffer = gst::Buffer::from_mut_slice(rows);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::try_from(pts).ok());
        }
        self.frames.push_buffer(buffer).map(drop).map_err(|error| self.why(error))
    }

    /// Writes what is left and the index.
    ///
    /// # Errors
    /// [`FrameError::Encode`] when the file cannot be written, or no picture was given.
    pub fn finish(self) -> Result<(), FrameError> {
        self.frames.end_of_stream().map_err(|error| self.why(error))?;
        let bus = self.pipeline.bus().ok_or_else(|| failed("a pipeline without a bus"))?;
        let until = Instant::now() + FINISH_TIMEOUT;
        let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
        let left = gst::ClockTime::try_from(until - Instant::now()).ok();
        let message =
            bus.timed_pop_filtered(left, &kinds).ok_or_else(|| failed("it took too long"))?;
        if let gst::MessageView::Error(error) = message.view() {
            return Err(failed(error.error()));
        }
        Ok(())
    }

    /// What an element said, or else what the call did.
    fn why(&self, error: impl ToString) -> FrameError {
        let bus = self.pipeline.bus();
        let told = bus.and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
        if let Some(gst::MessageView::Error(told)) = told.as_ref().map(|message| message.view()) {
            return failed(told.error());
        }
        failed(error)
    }
}

impl Drop for VideoWriter {
    fn drop(&mut self) {
        // Going to Null cannot fail; the result is there for going up.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

fn caps(width: u32, height: u32, fps: Option<f64>) -> Result<gst::Caps, FrameError> {
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
