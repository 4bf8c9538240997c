//! The crate seen from outside: small models built here, the fixtures, and damaged files.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's helpers fail the test"
)]

mod build;
mod damage;
mod files;
mod models;
mod program;
mod suppression;
