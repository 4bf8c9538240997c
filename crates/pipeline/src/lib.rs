//! Glues the layers: bytes to frames to detections to product classes. It decides when to stop and
//! knows nothing of HTTP, files or the command line.
#![doc = include_str!("../README.md")]

mod error;
mod still;

pub use crate::{
    error::PipelineError,
    still::{
        ClassSelection, MappedDetection, StillPipeline, StillReport, StillRequest, StillTiming,
    },
};
