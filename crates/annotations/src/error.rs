//! What can go wrong with the outbox and its delivery.

use std::{error::Error, io, path::PathBuf, sync::Arc};

use detections_types::ErrorKind;

/// Why a result was not stored, or the outbox cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AnnotationsError {
    /// The folder or a file in it cannot be made or opened.
    #[error("the outbox {} cannot be opened", path.display())]
    Unusable {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// Another process delivers from this outbox.
    #[error("the outbox {} is in use by another process", path.display())]
    InUse {
        /// The outbox's file.
        path: PathBuf,
    },
    /// There is no outbox at the path.
    #[error("there is no outbox {}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is no outbox, or is damaged. It is left as it is.
    #[error("{} is not an outbox or is damaged ({reason}); move it away to start with an empty one", path.display())]
    Damaged {
        /// The outbox's file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer version of this program made the file.
    #[error("the outbox {} has schema {found}; this program knows {known}", path.display())]
    Newer {
        /// The outbox's file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema that is known.
        known: i64,
    },
    /// There is no room for another result.
    #[error("the outbox is full: {rows} results, {bytes} bytes")]
    Full {
        /// Results in it, dead letters included.
        rows: u64,
        /// Bytes that they count for.
        bytes: u64,
    },
    /// One result alone is more than the outbox may hold.
    #[error("a result of {bytes} bytes never fits into the outbox, which holds {limit}")]
    TooLarge {
        /// Bytes of the result.
        bytes: u64,
        /// Bytes that the outbox holds.
        limit: u64,
    },
    /// The database failed, a full disk included.
    #[error("the outbox {} failed", path.display())]
    Database {
        /// The outbox's file.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The outbox was closed, or its thread has ended.
    #[error("the outbox is closed")]
    Closed,
    /// A result cannot be spelled.
    #[error("a result cannot be spelled as JSON")]
    Payload(#[source] Arc<serde_json::Error>),
    /// The address is not one that can be posted to.
    #[error("not an address of the Annotations service: {reason}")]
    Endpoint {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A header cannot carry the token.
    #[error("the token has characters that no header can carry")]
    Authorization,
    /// The system gives no thread.
    #[error("no thread for the outbox")]
    Thread(#[source] Arc<io::Error>),
}

impl AnnotationsError {
    /// What kind of failure this is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Unusable { .. }
            | Self::InUse { .. }
            | Self::Full { .. }
            | Self::Database { .. }
            | Self::Closed
            | Self::Thread(_) => ErrorKind::Unavailable,
            Self::Missing { .. }
            | Self::Damaged { .. }
            | Self::Endpoint { .. }
            | Self::Authorization => ErrorKind::InvalidInput,
            Self::Newer { .. } => ErrorKind::Unsupported,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::Payload(_) => ErrorKind::Internal,
        }
    }
}
