//! The pipeline over a real detector whose model always sees the same objects.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]

mod fixed_model;
mod scripted;
mod still;
mod video;
