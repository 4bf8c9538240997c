//! The outbox and its delivery against a server that misbehaves on demand, by a clock that the tests set.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test's own helpers must fail it")]

mod clock;
mod deliveries;
mod faults;
mod files;
mod fixture;
mod limits;
mod server;
mod throughput;
