//! A model file that was fetched: its bytes and what identifies them.

use std::{borrow::Cow, fmt, path::PathBuf};

use detections_media::{Sha256Digest, hash_bytes};

/// Where a model file came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelOrigin {
    /// It is part of the program.
    BuiltIn,
    /// It was read from this path.
    File(PathBuf),
    /// The Loader has it at this address.
    Loader(String),
}

impl fmt::Display for ModelOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Loader(url) => f.write_str(url),
        }
    }
}

/// The bytes of a model file, with its name, digest and origin.
#[derive(Clone, PartialEq, Eq)]
pub struct ModelArtifact {
    /// What to call the model: the file's name without its ending.
    pub name: String,
    /// SHA-256 of the bytes.
    pub sha256: Sha256Digest,
    /// The file, whole; borrowed from the program itself when it is built in.
    pub bytes: Cow<'static, [u8]>,
    /// Where it came from.
    pub origin: ModelOrigin,
}

impl ModelArtifact {
    pub(crate) fn new(name: String, bytes: Cow<'static, [u8]>, origin: ModelOrigin) -> Self {
        Self { name, sha256: hash_bytes(&bytes).sha256, bytes, origin }
    }
}

// The bytes themselves would flood a log.
impl fmt::Debug for ModelArtifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelArtifact")
            .field("name", &self.name)
            .field("sha256", &self.sha256)
            .field("len", &self.bytes.len())
            .field("origin", &self.origin)
            .finish()
    }
}
