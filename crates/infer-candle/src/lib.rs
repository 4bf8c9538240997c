//! The CUDA backend: a typed graph becomes a program of candle's operators, shared by all workers; the same
//! code runs on candle's CPU device.
#![doc = include_str!("../README.md")]

mod device;
mod error;
mod model;

pub use detections_infer::DeviceName;

pub use crate::{device::CandleDevice, error::InferCandleError, model::CandleModel};
