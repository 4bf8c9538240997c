//! Digest and fingerprint of the same bytes while they stream by, in bounded memory.

use crate::{Fingerprint, MediaError, MediaHasher, Sha256Digest, fingerprint::Sampler};

/// What identifies media that streamed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamIdentity {
    /// SHA-256 of all bytes.
    pub sha256: Sha256Digest,
    /// What [`fingerprint_file`](crate::fingerprint_file) gives for a file of these bytes.
    pub fingerprint: Fingerprint,
    /// How many bytes there are.
    pub length: u64,
}

/// Hashes and samples bytes as they arrive, and holds 80 KiB of them however many come.
///
/// ```
/// use detections_media::{StreamHasher, fingerprint_reader, hash_bytes};
///
/// let mut hasher = StreamHasher::with_limit(16);
/// hasher.update(b"ab")?;
/// hasher.update(b"c")?;
/// let identity = hasher.finish();
/// assert_eq!(identity.sha256, hash_bytes(b"abc").sha256);
/// assert_eq!(identity.fingerprint, fingerprint_reader(std::io::Cursor::new(b"abc"))?);
/// # Ok::<(), detections_media::MediaError>(())
/// ```
#[derive(Debug, Clone)]
pub struct StreamHasher {
    hasher: MediaHasher,
    sampler: Sampler,
}

impl StreamHasher {
    /// A hasher for any number of bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(u64::MAX)
    }

    /// A hasher that refuses more than `max_bytes` bytes.
    #[must_use]
    pub fn with_limit(max_bytes: u64) -> Self {
        Self { hasher: MediaHasher::with_limit(max_bytes), sampler: Sampler::new() }
    }

    /// Adds the next bytes.
    ///
    /// # Errors
    /// [`MediaError::TooLarge`] when they exceed the limit; nothing of them is hashed then.
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), MediaError> {
        self.hasher.update(bytes)?;
        self.sampler.update(bytes);
        Ok(())
    }

    /// The identity of all bytes so far.
    #[must_use]
    pub fn finish(self) -> StreamIdentity {
        let whole = self.hasher.finish();
        let fingerprint = self.sampler.finish(whole.length);
        StreamIdentity { sha256: whole.sha256, fingerprint, length: whole.length }
    }
}

impl Default for StreamHasher {
    fn default() -> Self {
        Self::new()
    }
}
