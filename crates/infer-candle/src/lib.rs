//! The CUDA backend: a model's graph in plain operators becomes a flat list of candle steps, made once at load;
//! a worker's session runs them in order. The same list runs on candle's CPU device.
#![doc = include_str!("../README.md")]

mod device;
mod error;
mod guard;
mod lower;
mod model;
mod plan;
mod session;
mod step;
mod weights;

pub use detections_infer::DeviceName;

pub use crate::{
    device::CandleDevice,
    error::InferCandleError,
    model::CandleModel,
    step::{Movement, StepDescription},
};
