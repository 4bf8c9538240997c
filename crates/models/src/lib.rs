//! Where a model file comes from: compiled into the program, a path, or a Loader service with a cache. Its
//! bytes, their digest and their origin are all that is known here; what the bytes mean is not.
#![doc = include_str!("../README.md")]

mod address;
mod artifact;
mod cache;
mod download;
mod error;
mod file;
mod loader;
mod remote;
mod schedule;
mod source;
mod stated;
mod token;

pub use crate::{
    artifact::{ModelArtifact, ModelOrigin},
    cache::CacheEntry,
    error::ModelsError,
    file::MAX_MODEL_BYTES,
    loader::{Loader, LoaderOptions},
    remote::{Change, RemoteFile},
    schedule::Schedule,
    source::ModelSource,
    token::BearerToken,
};
