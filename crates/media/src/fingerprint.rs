//! A fingerprint that costs nearly the same for a film of an hour and for a picture: the length, the start, the
//! end, and ever sparser blocks between them, the same whether bytes stream by or are read from a file.

mod layout;
mod sampler;

use std::{
    fmt,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use sha2::{Digest, Sha256};

use crate::{MediaError, digest::write_hex};

pub(crate) use self::sampler::Sampler;

/// Separates fingerprints from every other use of SHA-256, and this layout from others.
const DOMAIN: &[u8] = b"detections/fingerprint/2\0";

/// A sampled identity of media: cheap to compute, good to find what was probably seen before.
///
/// **Layout.** SHA-256 over, in this order: the 25 bytes `detections/fingerprint/2` and a zero byte; the first
/// 131,072 bytes; the 16,384 bytes at each of the offsets 262,144, 524,288, 1,048,576 and so on, always doubled,
/// of those blocks that lie wholly before the last 65,536 bytes; the last 65,536 bytes, or those of them that
/// are not among the first; the length in bytes as 8 bytes little-endian. Nothing is sampled twice, and up to
/// 196,608 bytes of length all bytes are sampled.
///
/// **Cost.** At most 192 KiB and 16 KiB for each doubling of the length beyond 256 KiB: 14 reads and 384 KiB of
/// a file of 1 GiB, 24 reads and 544 KiB of 1 TiB. While bytes stream by, 80 KiB are held, whatever their number.
///
/// **Collisions.** Equal bytes have equal fingerprints. Up to 196,608 bytes, different bytes have
/// different fingerprints, as surely as SHA-256 has no collisions. Above that, two media of the
/// same length that differ *only outside the sampled bytes* have the same fingerprint: a film whose
/// samples were patched in place, for example. A fingerprint therefore never proves that two
/// media are equal; [`MediaIdentity`](crate::MediaIdentity) does. It is no protection against
/// somebody who wants a collision.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// The fingerprint of a file, from a few reads of it whatever its size, see [`Fingerprint`].
///
/// # Errors
/// [`MediaError::File`] when it cannot be opened or read.
pub fn fingerprint_file(path: &Path) -> Result<Fingerprint, MediaError> {
    let file = File::open(path).map_err(|source| MediaError::file(path, source))?;
    fingerprint_reader(file).map_err(|error| error.in_file(path))
}

/// The fingerprint of anything that can be read at any place, from its first byte to its last.
///
/// Each sampled part is one read of exactly its length; a reader that gives less at a time is asked for
/// the rest of the part.
///
/// # Errors
/// [`MediaError::Stream`] when it cannot be read, or gets shorter meanwhile.
pub fn fingerprint_reader(mut reader: impl Read + Seek) -> Result<Fingerprint, MediaError> {
    let length = reader.seek(SeekFrom::End(0)).map_err(MediaError::Stream)?;
    let mut samples = Samples::new();
    let mut buffer = Vec::new();
    for (offset, len) in layout::parts(length) {
        buffer.resize(len, 0);
        reader.seek(SeekFrom::Start(offset)).map_err(MediaError::Stream)?;
        reader.read_exact(&mut buffer).map_err(MediaError::Stream)?;
        samples.add(&buffer);
    }
    Ok(samples.finish(length))
}

/// The digest over what is sampled.
#[derive(Debug, Clone)]
struct Samples(Sha256);

impl Samples {
    fn new() -> Self {
        Self(Sha256::new_with_prefix(DOMAIN))
    }

    fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(self, length: u64) -> Fingerprint {
        Fingerprint(self.0.chain_update(length.to_le_bytes()).finalize().into())
    }
}
