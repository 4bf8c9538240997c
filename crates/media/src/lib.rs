//! Media identity: what some bytes are, by content alone. Streaming SHA-256 with a byte limit, a
//! sampled fingerprint read from a file with minimal I/O, and the kind of media by magic bytes.
#![doc = include_str!("../README.md")]

mod digest;
mod error;
mod fingerprint;
mod hasher;
mod kind;
mod sniff;
mod stream;

pub use crate::{
    digest::Sha256Digest,
    error::MediaError,
    fingerprint::{Fingerprint, fingerprint_file, fingerprint_reader},
    hasher::{MediaHasher, MediaIdentity, hash_bytes, hash_file},
    kind::{ImageKind, MediaKind, VideoKind},
    sniff::{SNIFF_LEN, sniff},
    stream::{StreamHasher, StreamIdentity},
};
