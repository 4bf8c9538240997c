//! The backend seen from outside, on candle's CPU device: the suite that every backend passes, each operator and
//! whole models against tract, and what is refused.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's helpers fail the test"
)]

#[path = "../../../infer/tests/backends/cases.rs"]
mod cases;
#[path = "../../../infer/tests/backends/conformance.rs"]
mod conformance;
mod detections;
mod memory;
mod operators;
mod reference;
mod refused;
mod steps;
mod suite;
mod write;
mod zoo;
