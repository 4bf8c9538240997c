//! The identity of media whose bytes pass by once.

use crate::{Fingerprint, MediaError, MediaHasher, Sha256Digest, fingerprint_reader};

/// What identifies media that were seen once from start to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamIdentity {
    /// SHA-256 of all bytes.
    pub sha256: Sha256Digest,
    /// The sampled fingerprint of the same bytes.
    pub fingerprint: Fingerprint,
    /// How many bytes there are.
    pub length: u64,
}

/// Computes both identities of bytes as they arrive.
#[derive(Debug)]
pub struct StreamHasher {
    hasher: MediaHasher,
    seen: Vec<u8>,
}

impl StreamHasher {
    /// A hasher that refuses more than `max_bytes` bytes.
    #[must_use]
    pub fn with_limit(max_bytes: u64) -> Self {
        Self { hasher: MediaHasher::with_limit(max_bytes), seen: Vec::new() }
    }

    /// Adds the next bytes.
    ///
    /// # Errors
    /// [`MediaError::TooLarge`] when they exceed the limit.
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), MediaError> {
        self.hasher.update(bytes)?;
        self.seen.extend_from_slice(bytes);
        Ok(())
    }

    /// The identity of all bytes so far.
    ///
    /// # Errors
    /// Never, in memory.
    #[must_use]
    pub fn finish(self) -> StreamIdentity {
        let identity = self.hasher.finish();
        let fingerprint = fingerprint_reader(std::io::Cursor::new(self.seen)).unwrap_or_default();
        StreamIdentity { sha256: identity.sha256, fingerprint, length: identity.length }
    }
}
