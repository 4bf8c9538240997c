//! What can go wrong while a model file is fetched.

use std::{io, path::PathBuf};

use detections_types::ErrorKind;

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelsError {
    /// The built-in model is wanted, but was not compiled in.
    #[error(
        "this program was built without its built-in model (feature `built-in`); name a model file"
    )]
    NotBuiltIn,
    /// There is nothing at the path.
    #[error("there is no model file {}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The path names a folder, a device or the like.
    #[error("{} is not a file", path.display())]
    NotAFile {
        /// Which path.
        path: PathBuf,
    },
    /// The file has no bytes.
    #[error("the model file {} is empty", path.display())]
    Empty {
        /// Which one.
        path: PathBuf,
    },
    /// The file has more bytes than are allowed.
    #[error("the model file {} has more than {limit} bytes", path.display())]
    TooLarge {
        /// Which one.
        path: PathBuf,
        /// How many bytes are allowed.
        limit: u64,
    },
    /// The file cannot be read.
    #[error("cannot read the model file {}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl ModelsError {
    /// What kind of failure this is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotBuiltIn => ErrorKind::Unsupported,
            Self::Missing { .. } | Self::NotAFile { .. } | Self::Empty { .. } => {
                ErrorKind::InvalidInput
            }
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::Unreadable { .. } => ErrorKind::Unavailable,
        }
    }
}
