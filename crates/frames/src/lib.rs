//! Encoded media to pixels: still pictures, decoded upright under limits that are enforced from the
//! header, and encoded again.
#![doc = include_str!("../README.md")]

mod encode;
mod error;
mod limits;
mod still;

pub use crate::{
    encode::{StillEncoding, encode_still},
    error::FrameError,
    limits::StillLimits,
    still::{Exif, Still, StillFormat, StillInfo, StillOptions, decode_still, probe_still},
};
