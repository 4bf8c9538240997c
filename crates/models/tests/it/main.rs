//! The Loader client against a server that answers as each test scripts it, faults included.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "what goes wrong in a test's own helpers must fail it"
)]

mod faults;
mod following;
mod server;
