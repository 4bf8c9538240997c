//! A SHA-256 digest as a value: compared, printed and read back in hexadecimal.

use std::{fmt, str::FromStr};

use crate::MediaError;

/// The SHA-256 digest of some bytes (FIPS 180-4).
///
/// ```
/// use detections_media::{Sha256Digest, hash_bytes};
///
/// let digest = hash_bytes(b"abc").sha256;
/// assert!(digest.to_string().starts_with("ba7816bf"));
/// assert_eq!(digest.to_string().parse::<Sha256Digest>().unwrap(), digest);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest(pub [u8; 32]);

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256Digest({self})")
    }
}

impl FromStr for Sha256Digest {
    type Err = MediaError;

    /// Reads 64 hexadecimal digits, upper or lower case.
    fn from_str(text: &str) -> Result<Self, MediaError> {
        parse_hex(text)
            .map(Self)
            .ok_or_else(|| MediaError::BadDigest { text: text.chars().take(80).collect() })
    }
}

/// Writes `bytes` as lower-case hexadecimal digits.
pub(crate) fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = (nibble(pair[0])? << 4) | nibble(pair[1])?;
    }
    Some(bytes)
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use detections_types::ErrorKind;

    use super::Sha256Digest;

    #[test]
    fn upper_case_reads_and_lower_case_is_written() {
        let digest: Sha256Digest = "AB".repeat(32).parse().unwrap();
        assert_eq!(digest, Sha256Digest([0xab; 32]));
        assert_eq!(digest.to_string(), "ab".repeat(32));
    }

    #[test]
    fn anything_but_64_hexadecimal_digits_is_refused() {
        for text in ["", "ab", &"a".repeat(63), &"a".repeat(65), &"g".repeat(64), &"é".repeat(32)]
        {
            let error = text.parse::<Sha256Digest>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
        }
    }

    #[test]
    fn an_error_does_not_repeat_a_whole_novel() {
        let error = "x".repeat(10_000).parse::<Sha256Digest>().unwrap_err();
        assert!(error.to_string().len() < 200);
    }
}
