//! The CPU backend: a typed graph becomes an optimised plan of the tract runtime, shared by all
//! workers, and each worker's session runs it on one thread.
#![doc = include_str!("../README.md")]

mod error;
mod guard;
mod model;
mod plan;
mod session;

pub use crate::{error::InferTractError, model::TractModel};
