//! What is told of a video while it is searched.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use detections_frames::{FrameError, StreamInfo};
use detections_media::StreamIdentity;
use detections_track::TrackId;
use detections_types::Image;

use crate::MappedDetection;

/// Something that happened to a video.
#[derive(Debug)]
pub enum Event {
    /// The first frame was decoded.
    Start(StreamInfo),
    /// A frame was searched.
    Frame(FrameReport),
    /// Time has passed.
    Progress(Progress),
    /// A part of the video is damaged, and it goes on behind it, or its end is missing.
    Fault(VideoFault),
    /// All is done.
    End(Summary),
}

/// Takes events as they happen.
pub trait Sink {
    /// Takes one event; `Break` stops decoding and searching at once.
    fn event(&mut self, event: Event) -> ControlFlow<()>;
}

impl<F: FnMut(Event) -> ControlFlow<()>> Sink for F {
    fn event(&mut self, event: Event) -> ControlFlow<()> {
        self(event)
    }
}

/// What was found in one frame.
#[derive(Debug)]
pub struct FrameReport {
    /// Its number in the video, from 0.
    pub index: u64,
    /// When it is shown, by the container's clock.
    pub pts: Duration,
    /// Bytes of the video that had arrived when it was told.
    pub received_bytes: u64,
    /// What was found: score descending, then class id, left and top edge.
    pub detections: Vec<TrackedDetection>,
    /// The frame itself, in the decoder's layout.
    pub image: Arc<Image>,
}

/// One object in one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackedDetection {
    /// What and where it is.
    pub detection: MappedDetection,
    /// Which of the objects of the other frames it is; `None` where that is not known, or not asked for.
    pub track: Option<TrackId>,
}

/// How far a video has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Frames that were decoded.
    pub frames_decoded: u64,
    /// Frames that were searched; sampling leaves out the others.
    pub frames_inferred: u64,
    /// Bytes of the video that have arrived.
    pub received_bytes: u64,
}

/// A damaged part of a video, or its missing end.
#[derive(Debug)]
pub struct VideoFault {
    /// What the decoder said.
    pub error: FrameError,
    /// When the damaged part is shown, or else the last frame before it; `None` before the first frame.
    pub pts: Option<Duration>,
}

/// What a video came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Frames that were decoded.
    pub frames_decoded: u64,
    /// Frames that were searched.
    pub frames_inferred: u64,
    /// Bytes of the video that have arrived.
    pub received_bytes: u64,
    /// What identifies the video; `None` when it was stopped before all of it had arrived.
    pub identity: Option<StreamIdentity>,
    /// How many objects were followed.
    pub tracks: u64,
    /// From the start to the end.
    pub elapsed: Duration,
}
