//! Object detection as a service and on the command line: this library is the program, so that tests
//! can drive its parts in process. The library crates of the workspace do the work; here are the
//! configuration, the routes, the wire formats and the exit codes.
#![doc = include_str!("../README.md")]

pub mod access;
pub mod annotations;
pub mod build_info;
pub mod cli;
pub mod config;
pub mod draw;
pub mod engine;
pub mod events;
pub mod gate;
pub mod http;
pub mod serve;
pub mod signals;
pub mod telemetry;
mod tiles;
pub mod upkeep;
pub mod videos;
pub mod wire;
pub mod work;
