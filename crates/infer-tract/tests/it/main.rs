//! The backend seen from outside: the suite that every backend passes, and what this one refuses.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's helpers fail the test"
)]

mod conformance;
mod found;
mod refused;
mod suite;
mod undecoded;
