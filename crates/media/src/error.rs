//! What can go wrong while media is hashed.

use std::{
    io,
    path::{Path, PathBuf},
};

use detections_types::ErrorKind;

/// Why media has no identity.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// A file cannot be opened or read.
    #[error("cannot read {}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A stream cannot be read.
    #[error("cannot read the media")]
    Stream(#[source] io::Error),
    /// More bytes came than are allowed.
    #[error("more than {limit} bytes")]
    TooLarge {
        /// How many are allowed.
        limit: u64,
    },
    /// The text is not the hexadecimal form of a SHA-256 digest.
    #[error("`{text}` is not a SHA-256 digest of 64 hexadecimal digits")]
    BadDigest {
        /// What was given, at most 80 characters of it.
        text: String,
    },
}

impl MediaError {
    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::File { source, .. } | Self::Stream(source) => io_kind(source),
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::BadDigest { .. } => ErrorKind::InvalidInput,
        }
    }

    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    /// The same failure, with the name of the file that was read.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Stream(source) => Self::file(path, source),
            other @ (Self::File { .. } | Self::TooLarge { .. } | Self::BadDigest { .. }) => other,
        }
    }
}

/// A path that names nothing readable is the caller's fault, a disk that fails is not.
fn io_kind(error: &io::Error) -> ErrorKind {
    let callers = [
        io::ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::IsADirectory,
        io::ErrorKind::NotADirectory,
        io::ErrorKind::UnexpectedEof,
    ];
    if callers.contains(&error.kind()) { ErrorKind::InvalidInput } else { ErrorKind::Unavailable }
}
