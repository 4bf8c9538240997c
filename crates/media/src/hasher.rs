//! SHA-256 over all bytes, as they come, with a limit that fails at the first byte too many.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use sha2::{Digest, Sha256};

use crate::{MediaError, Sha256Digest};

/// Bytes of one read of a file.
const READ_LEN: usize = 64 * 1024;

/// What identifies media: its digest and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MediaIdentity {
    /// SHA-256 of all bytes.
    pub sha256: Sha256Digest,
    /// How many bytes there are.
    pub length: u64,
}

/// Hashes bytes as they arrive; however they are cut, the identity is the same.
///
/// ```
/// use detections_media::{MediaHasher, hash_bytes};
///
/// let mut hasher = MediaHasher::with_limit(16);
/// hasher.update(b"ab")?;
/// hasher.update(b"c")?;
/// assert_eq!(hasher.finish(), hash_bytes(b"abc"));
/// # Ok::<(), detections_media::MediaError>(())
/// ```
#[derive(Debug, Clone)]
pub struct MediaHasher {
    sha: Sha256,
    length: u64,
    limit: u64,
}

impl MediaHasher {
    /// A hasher for any number of bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(u64::MAX)
    }

    /// A hasher that refuses more than `max_bytes` bytes.
    #[must_use]
    pub fn with_limit(max_bytes: u64) -> Self {
        Self { sha: Sha256::new(), length: 0, limit: max_bytes }
    }

    /// Adds the next bytes.
    ///
    /// # Errors
    /// [`MediaError::TooLarge`] when they exceed the limit; nothing of them is hashed then.
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), MediaError> {
        let length = u64::try_from(bytes.len()).ok().and_then(|len| self.length.checked_add(len));
        self.length = length
            .filter(|length| *length <= self.limit)
            .ok_or(MediaError::TooLarge { limit: self.limit })?;
        self.sha.update(bytes);
        Ok(())
    }

    /// The identity of all bytes so far.
    #[must_use]
    pub fn finish(self) -> MediaIdentity {
        MediaIdentity { sha256: Sha256Digest(self.sha.finalize().into()), length: self.length }
    }
}

impl Default for MediaHasher {
    fn default() -> Self {
        Self::new()
    }
}

/// The identity of bytes in memory.
#[must_use]
pub fn hash_bytes(bytes: &[u8]) -> MediaIdentity {
    MediaIdentity { sha256: Sha256Digest(Sha256::digest(bytes).into()), length: bytes.len() as u64 }
}

/// The identity of a file, read once from start to end in blocks of 64 KiB.
///
/// # Errors
/// [`MediaError::File`] when it cannot be opened or read.
pub fn hash_file(path: &Path) -> Result<MediaIdentity, MediaError> {
    let file = File::open(path).map_err(|source| MediaError::file(path, source))?;
    hash_reader(file).map_err(|error| error.in_file(path))
}

fn hash_reader(mut reader: impl Read) -> Result<MediaIdentity, MediaError> {
    let mut hasher = MediaHasher::new();
    let mut block = vec![0; READ_LEN];
    loop {
        match reader.read(&mut block) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(read) => hasher.update(&block[..read])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(MediaError::Stream(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use detections_types::ErrorKind;

    use super::{MediaHasher, hash_bytes, hash_file, hash_reader};

    /// FIPS 180-4's examples and NIST's "a million a" vector.
    #[test]
    fn published_vectors_agree() {
        let million = vec![b'a'; 1_000_000];
        let two_blocks = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        let vectors: [(&[u8], &str); 4] = [
            (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (two_blocks, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
            (&million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
        ];
        for (bytes, expected) in vectors {
            let identity = hash_bytes(bytes);
            assert_eq!(identity.sha256.to_string(), expected);
            assert_eq!(identity.length, bytes.len() as u64);
        }
    }

    #[test]
    fn the_limit_itself_is_allowed_and_one_byte_more_is_not() {
        let mut hasher = MediaHasher::with_limit(4);
        hasher.update(b"abc").unwrap();
        hasher.update(b"d").unwrap();
        let error = hasher.update(b"e").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert_eq!(error.to_string(), "more than 4 bytes");
        assert_eq!(hasher.finish(), hash_bytes(b"abcd"), "refused bytes leave no trace");
    }

    #[test]
    fn a_reader_hashes_like_the_same_bytes_in_memory() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
        assert_eq!(hash_reader(bytes.as_slice()).unwrap(), hash_bytes(&bytes));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = hash_file(Path::new("no/such/film.mp4")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("no/such/film.mp4"));
    }
}
