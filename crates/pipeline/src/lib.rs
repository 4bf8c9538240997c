//! Glues the layers: bytes to frames to detections to product classes. It decides when to stop and
//! knows nothing of HTTP, files or the command line.
#![doc = include_str!("../README.md")]

mod error;
mod search;
mod still;
mod video;

pub use crate::{
    error::PipelineError,
    search::{ClassSelection, MappedDetection, SearchRequest},
    still::{StillPipeline, StillReport, StillRequest, StillTiming},
    video::{
        Arrivals, Event, FrameReport, Intake, Progress, Sink, Summary, TrackedDetection, Tracking,
        VideoFault, VideoPipeline, VideoRequest, intake,
    },
};
