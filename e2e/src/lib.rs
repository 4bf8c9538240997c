//! Starts the real `detections` program and speaks to it as its users do: over HTTP, by arguments
//! and by signals. Knows none of the project's crates, so that nothing in here can be right only
//! because the program agrees with itself.
#![doc = include_str!("../README.md")]

mod container;
pub mod events;
pub mod footage;
pub mod http;
pub mod image;
pub mod invocation;
pub mod memory;
pub mod metrics;
pub mod mock;
pub mod picture;
pub mod process;
pub mod program;
pub mod random;
pub mod server;
pub mod shared;
pub mod upload;
pub mod wait;
pub mod watched;
pub mod wire;
