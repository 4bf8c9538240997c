//! A fingerprint that costs the same for a film of an hour and for a picture: the length and three
//! blocks, one each from the start, the middle and the end.

use std::{
    fmt,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use sha2::{Digest, Sha256};

use crate::{MediaError, digest::write_hex};

/// Bytes of one block.
const BLOCK_LEN: usize = 64 * 1024;

/// The same, to count offsets with.
const BLOCK: u64 = BLOCK_LEN as u64;

/// Media up to this length is read whole.
const WHOLE: u64 = 3 * BLOCK;

/// Separates fingerprints from every other use of SHA-256, and this layout from a later one.
const DOMAIN: &[u8] = b"detections/fingerprint/1\0";

/// A sampled identity of media: cheap to compute, good to find what was probably seen before.
///
/// **Layout.** SHA-256 over, in this order: the 25 bytes `detections/fingerprint/1` and a zero
/// byte; the length in bytes as 8 bytes little-endian; then, up to 196,608 bytes of length, all
/// bytes, and above that three blocks of 65,536 bytes each, at the offsets `0`,
/// `(length - 65536) / 2` rounded down, and `length - 65536`. The blocks never overlap.
///
/// **Collisions.** Equal bytes have equal fingerprints. Up to 196,608 bytes, different bytes have
/// different fingerprints, as surely as SHA-256 has no collisions. Above that, two media of the
/// same length that differ *only outside the three blocks* have the same fingerprint: a film whose
/// samples were patched in place, for example. A fingerprint therefore never proves that two
/// media are equal; [`MediaIdentity`](crate::MediaIdentity) does. It is no protection against
/// somebody who wants a collision.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Fingerprint([u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The fingerprint of a file, with at most 3 reads and 192 KiB whatever its size.
///
/// # Errors
/// [`MediaError::File`] when it cannot be opened or read.
pub fn fingerprint_file(path: &Path) -> Result<Fingerprint, MediaError> {
    let file = File::open(path).map_err(|source| MediaError::file(path, source))?;
    fingerprint_reader(file).map_err(|error| error.in_file(path))
}

/// The fingerprint of anything that can be read at any place, from its first byte to its last.
///
/// Each block is one read of exactly its length; a reader that gives less at a time is asked for
/// the rest of the block.
///
/// # Errors
/// [`MediaError::Stream`] when it cannot be read, or gets shorter meanwhile.
pub fn fingerprint_reader(mut reader: impl Read + Seek) -> Result<Fingerprint, MediaError> {
    let length = reader.seek(SeekFrom::End(0)).map_err(MediaError::Stream)?;
    let mut sha = Sha256::new();
    sha.update(DOMAIN);
    sha.update(length.to_le_bytes());
    let mut buffer = Vec::new();
    for (offset, len) in blocks(length).into_iter().flatten() {
        buffer.resize(len, 0);
        reader.seek(SeekFrom::Start(offset)).map_err(MediaError::Stream)?;
        reader.read_exact(&mut buffer).map_err(MediaError::Stream)?;
        sha.update(&buffer);
    }
    Ok(Fingerprint(sha.finalize().into()))
}

/// Offset and length of what is read of media of `length` bytes.
fn blocks(length: u64) -> [Option<(u64, usize)>; 3] {
    match usize::try_from(length) {
        Ok(0) => [None; 3],
        Ok(whole) if length <= WHOLE => [Some((0, whole)), None, None],
        Ok(_) | Err(_) => {
            [0, (length - BLOCK) / 2, length - BLOCK].map(|offset| Some((offset, BLOCK_LEN)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, WHOLE, blocks};

    #[test]
    fn blocks_never_overlap_and_stay_inside() {
        for length in [WHOLE + 1, WHOLE + 2, WHOLE + 3, 1 << 30, u64::MAX] {
            let [first, middle, last] = blocks(length).map(Option::unwrap);
            assert_eq!(first.0, 0);
            assert!(middle.0 >= BLOCK, "{length}");
            assert!(middle.0 + BLOCK <= last.0, "{length}");
            assert_eq!(last.0 + BLOCK, length);
        }
    }

    #[test]
    fn short_media_is_read_whole_and_empty_media_not_at_all() {
        assert_eq!(blocks(0), [None; 3]);
        assert_eq!(blocks(1), [Some((0, 1)), None, None]);
        assert_eq!(blocks(WHOLE), [Some((0, 3 * 65_536)), None, None]);
    }
}
