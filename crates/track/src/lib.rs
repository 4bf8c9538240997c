//! Detections over time to track ids: which boxes of successive frames are the same object.
//! Pure: the caller says when each frame is shown, and nothing here reads a clock, a file or a thread.
#![doc = include_str!("../README.md")]

mod assignment;
mod association;
mod kalman;
mod options;
mod track;
mod tracker;

pub use crate::{
    options::TrackerOptions,
    track::TrackId,
    tracker::{MAX_BOXES, MAX_TRACKS, Tracker},
};
