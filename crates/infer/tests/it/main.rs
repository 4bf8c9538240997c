//! The crate from outside: letterbox against OpenCV's, and the detector under faults and load.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what goes wrong in a test's own helpers must fail it"
)]

mod detector;
mod double;
mod lanes;
mod letterbox;
mod tiles;
