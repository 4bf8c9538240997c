//! Everything between pixels and detections that is not a tensor runtime.

mod error;
mod model;

pub use crate::{
    error::InferError,
    model::{InputShape, Model, OutputTensor, Outputs, Session},
};
