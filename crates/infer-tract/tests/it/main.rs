//! The backend seen from outside: the suite that every backend passes, and what this one refuses.

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
mod found;
mod refused;
mod suite;
mod undecoded;
