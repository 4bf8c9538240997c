//! What can go wrong while a model file is fetched, from wherever it comes.

use std::{error::Error, io, path::PathBuf};

use detections_media::Sha256Digest;
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
    /// The Loader's address, its path or a file's name makes no address. It may hold a secret and is not repeated.
    #[error("the Loader's address {problem}")]
    BadAddress {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The Loader cannot be asked.
    #[error("the Loader does not answer at {url}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// Why not.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The Loader took too long to connect, to answer, or between two bytes.
    #[error("the Loader took too long at {url}")]
    TimedOut {
        /// What was asked for.
        url: String,
    },
    /// The Loader has no such file.
    #[error("the Loader has nothing at {url} (404)")]
    NotFound {
        /// What was asked for.
        url: String,
    },
    /// The Loader refused or failed.
    #[error("the Loader answers {status} at {url}")]
    Status {
        /// What was asked for.
        url: String,
        /// The status of its answer.
        status: u16,
    },
    /// The Loader sends its clients to another host.
    #[error("{url} redirects to {to}, which is not the Loader")]
    RedirectedAway {
        /// What was asked for.
        url: String,
        /// Where it leads.
        to: String,
    },
    /// The answer makes no sense.
    #[error("the answer of {url} is refused: {problem}")]
    BadAnswer {
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The connection ended before the file did; what came is kept and continued.
    #[error("the download of {url} ended after {received} bytes")]
    Interrupted {
        /// What was asked for.
        url: String,
        /// How many bytes there are by now.
        received: u64,
        /// What ended it, where that is known.
        #[source]
        source: Option<io::Error>,
    },
    /// The file has more bytes than are allowed.
    #[error("{url} has more than {limit} bytes")]
    DownloadTooLarge {
        /// What was asked for.
        url: String,
        /// How many bytes are allowed.
        limit: u64,
    },
    /// The file has no bytes.
    #[error("{url} is empty")]
    DownloadEmpty {
        /// What was asked for.
        url: String,
    },
    /// The file is not the one that the Loader stated.
    #[error("{url} has the SHA-256 {found}, but the Loader states {stated}")]
    WrongDigest {
        /// What was asked for.
        url: String,
        /// The digest in the answer's head.
        stated: Sha256Digest,
        /// The digest of its body.
        found: Sha256Digest,
    },
    /// The cache cannot be read or written: a full disk, a missing permission.
    #[error("cannot use the cache at {}", path.display())]
    Cache {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another program downloads the same file into the same cache.
    #[error("another program downloads into {}", path.display())]
    CacheBusy {
        /// The folder.
        path: PathBuf,
    },
    /// A file of the cache is not what was put there.
    #[error("{} in the cache is damaged", path.display())]
    CacheDamaged {
        /// Which one.
        path: PathBuf,
    },
}

impl ModelsError {
    /// What kind of failure this is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotBuiltIn => ErrorKind::Unsupported,
            Self::Missing { .. }
            | Self::NotAFile { .. }
            | Self::Empty { .. }
            | Self::BadAddress { .. }
            | Self::NotFound { .. }
            | Self::DownloadEmpty { .. }
            | Self::WrongDigest { .. } => ErrorKind::InvalidInput,
            Self::TooLarge { .. } | Self::DownloadTooLarge { .. } => ErrorKind::TooLarge,
            Self::TimedOut { .. } => ErrorKind::TimedOut,
            Self::Unreadable { .. }
            | Self::Unreachable { .. }
            | Self::Status { .. }
            | Self::RedirectedAway { .. }
            | Self::BadAnswer { .. }
            | Self::Interrupted { .. }
            | Self::Cache { .. }
            | Self::CacheBusy { .. }
            | Self::CacheDamaged { .. } => ErrorKind::Unavailable,
        }
    }

    /// Whether it is the file that is refused, so that the same file would be refused again.
    #[must_use]
    pub const fn refuses_the_file(&self) -> bool {
        matches!(
            self,
            Self::DownloadTooLarge { .. } | Self::DownloadEmpty { .. } | Self::WrongDigest { .. }
        )
    }
}
