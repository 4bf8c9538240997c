//! NVIDIA's driver library: looked for when a CUDA device is asked for, told of in words where something is
//! missing, and bound to the functions that the tensor runtime calls.
#![doc = include_str!("../README.md")]

mod calls;
mod driver;
mod entries;
mod error;

pub use crate::{
    driver::{CudaDeviceReport, CudaDriver},
    error::CudaDriverError,
};
