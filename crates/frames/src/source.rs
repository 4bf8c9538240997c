//! What every source of frames is, whatever decodes them.

use std::{sync::Arc, time::Duration};

use detections_types::Image;

use crate::FrameError;

/// What is known of a video once its first frame is there.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamInfo {
    /// The container in one lower-case word, `quicktime`, `matroska`, `mpegts`, …; of a bare stream, its codec.
    pub container: String,
    /// The codec in one lower-case word, `h264`, `h265`, `vp9`, …
    pub codec: String,
    /// Width of the upright first frame with square pixels.
    pub width: u32,
    /// Height of the upright first frame with square pixels.
    pub height: u32,
    /// Frames in a second, where the container or codec states a constant rate.
    pub fps: Option<f64>,
    /// The length, where the container states it in front.
    pub duration: Option<Duration>,
    /// Whether decoding began before the last byte was there.
    pub progressive: bool,
}

/// One frame as it was decoded.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The pixels, upright and square.
    pub image: Arc<Image>,
    /// Its number in the video in the order of presentation, from 0; frames that sampling leaves out count.
    pub index: u64,
    /// When it is shown, by the container's clock.
    pub pts: Duration,
}

/// Frames in the order of their presentation.
pub trait FrameSource: Send {
    /// What the video is.
    fn info(&self) -> &StreamInfo;

    /// The next wanted frame, `None` after the last one.
    ///
    /// # Errors
    /// [`FrameError`]. After one that [is not fatal](FrameError::is_fatal) the next frame may be asked for.
    fn next_frame(&mut self) -> Result<Option<Frame>, FrameError>;

    /// How many frames were decoded so far, those that sampling leaves out included.
    fn frames_decoded(&self) -> u64;
}
