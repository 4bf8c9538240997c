//! Encoded media to pixels: still pictures, decoded upright under limits that are enforced from the
//! header, and encoded again.
#![doc = include_str!("../README.md")]

mod encode;
mod error;
mod feed;
mod limits;
mod rgb;
#[cfg(feature = "gstreamer")]
mod sampler;
mod sampling;
mod source;
mod still;
#[cfg(feature = "gstreamer")]
mod video;

#[cfg(feature = "gstreamer")]
pub use crate::video::{Spool, VideoOptions, VideoSource, VideoWriter};
pub use crate::{
    encode::{StillEncoding, encode_still},
    error::FrameError,
    feed::{Chunk, Fed, FeedClosed, FeedReceiver, FeedSender, feed},
    limits::StillLimits,
    rgb::to_rgb8,
    sampling::{Sampling, UnknownSampling},
    source::{Frame, FrameSource, StreamInfo},
    still::{Exif, Still, StillFormat, StillInfo, StillOptions, decode_still, probe_still},
};
