//! Whole files through the public functions: every format, every limit, every way to be broken.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    clippy::panic,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "pictures are small, and what goes wrong in a test's own helpers must fail it"
)]

mod broken;
mod files;
mod formats;
mod limits;
mod make;
#[cfg(feature = "gstreamer")]
mod video;
