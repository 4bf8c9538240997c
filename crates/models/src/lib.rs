//! Where a model file comes from: compiled into the program, or a path. Its bytes, their digest and
//! their origin are all that is known here; what the bytes mean is not.
#![doc = include_str!("../README.md")]

mod artifact;
mod error;
mod file;
mod source;

pub use crate::{
    artifact::{ModelArtifact, ModelOrigin},
    error::ModelsError,
    file::MAX_MODEL_BYTES,
    source::ModelSource,
};
