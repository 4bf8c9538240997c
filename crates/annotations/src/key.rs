//! The key by which the Annotations service knows a post that it has seen before.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// Separates these keys from every other use of SHA-256, and this layout from others.
const DOMAIN: &[u8] = b"detections/annotation/1\0";

/// What a key is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyParts<'a> {
    /// SHA-256 of the media in hex, or else the id of its upload.
    pub(crate) media: Result<&'a str, &'a str>,
    pub(crate) model_sha256: &'a str,
    pub(crate) params: &'a str,
    pub(crate) frame: u64,
}

/// SHA-256 in hex over the domain and then, each behind its length as 8 bytes little-endian: `sha256` or
/// `upload`, the media's digest or the upload's id, the model's digest, the parameters, and the frame's number as 8
/// bytes little-endian.
pub(crate) fn key(parts: &KeyParts<'_>) -> String {
    let (kind, media) = match parts.media {
        Ok(sha256) => ("sha256", sha256),
        Err(upload) => ("upload", upload),
    };
    let frame = parts.frame.to_le_bytes();
    let mut hash = Sha256::new_with_prefix(DOMAIN);
    let fields = [kind.as_bytes(), media.as_bytes(), parts.model_sha256.as_bytes()];
    for field in fields.into_iter().chain([parts.params.as_bytes(), &frame]) {
        hash.update((field.len() as u64).to_le_bytes());
        hash.update(field);
    }
    let mut hex = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::{KeyParts, key};

    const PARTS: KeyParts<'_> =
        KeyParts { media: Ok("ab"), model_sha256: "cd", params: "{}", frame: 7 };

    #[test]
    fn the_key_is_fixed_for_all_time() {
        // From the documented layout by Python's hashlib.
        let expected = "4ee69a3bf3b01246a1432dc507aafca716d0ec6fd86e0442d9263d781b3c0046";
        assert_eq!(key(&PARTS), expected);
    }

    #[test]
    fn every_part_counts_and_no_two_run_together() {
        let others = [
            KeyParts { media: Err("ab"), ..PARTS },
            KeyParts { media: Ok("abc"), model_sha256: "d", ..PARTS },
            KeyParts { model_sha256: "ce", ..PARTS },
            KeyParts { params: "{ }", ..PARTS },
            KeyParts { frame: 8, ..PARTS },
        ];
        let mut keys: Vec<_> = others.iter().map(key).collect();
        keys.push(key(&PARTS));
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 6);
    }
}
