//! The keys that signed tokens are verified with. Each key is for one algorithm, which its own kind decides
//! and never the token, so that no key can be taken for one of another kind.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use ring::{
    hmac,
    signature::{
        ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
        UnparsedPublicKey,
    },
};
use serde::Deserialize;
use serde_json::Value;

use super::Refusal;

/// A shorter secret could be searched for (RFC 7518, section 3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// Most keys of a set.
const MAX_KEYS: usize = 64;

/// Sizes of RSA keys in bits: smaller ones are broken (RFC 7518, section 3.3), larger ones only cost time.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// An uncompressed point of P-256 (SEC 1, section 2.3.3).
const P256_POINT_BYTES: usize = 65;

/// Why something is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The secret could be searched for.
    #[error("the secret has {bytes} bytes, fewer than {MIN_SECRET_BYTES}")]
    ShortSecret {
        /// How many.
        bytes: usize,
    },
    /// The file has what nobody but the issuer may have.
    #[error("it is a private key; only the public one belongs here")]
    Private,
    /// The file is not a public key in PEM.
    #[error("it is no public RSA or P-256 key in PEM (`-----BEGIN PUBLIC KEY-----`)")]
    Pem,
    /// The key is for no algorithm that is verified here.
    #[error("only RSA and P-256 keys are supported, for RS256 and ES256")]
    Kind,
    /// The key is too small to be safe or too large to be sensible.
    #[error("an RSA key has 2048 to 4096 bits, this one has {bits}")]
    RsaBits {
        /// How many.
        bits: usize,
    },
    /// The text is not a key set.
    #[error("it is not a JSON Web Key Set")]
    Set(#[from] serde_json::Error),
    /// The set has more keys than are kept.
    #[error("it has {keys} keys, more than {MAX_KEYS}")]
    TooMany {
        /// How many.
        keys: usize,
    },
    /// The set has no key that can be used.
    #[error("it has no RSA or P-256 key for verifying RS256 or ES256")]
    Empty,
}

/// A key, and all that it may be used for.
#[derive(Debug, Clone)]
pub(super) struct Key {
    id: Option<String>,
    verifier: Verifier,
}

/// The key itself, of which each kind verifies by one algorithm.
#[derive(Debug, Clone)]
enum Verifier {
    Secret(hmac::Key),
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    P256(Vec<u8>),
}

impl Key {
    /// The one algorithm that it is for.
    pub(super) const fn algorithm(&self) -> Algorithm {
        match self.verifier {
            Verifier::Secret(_) => Algorithm::HS256,
            Verifier::Rsa(_) => Algorithm::RS256,
            Verifier::P256(_) => Algorithm::ES256,
        }
    }

    /// Whether `signature` was made over `message` with this key; a secret is compared in constant time.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.verifier {
            Verifier::Secret(key) => hmac::verify(key, message, signature),
            Verifier::Rsa(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
            Verifier::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
        };
        verified.is_ok()
    }
}

/// Keys of any origin.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: Vec<Key>,
}

impl KeySet {
    /// Adds a shared secret, for HS256.
    ///
    /// # Errors
    /// [`KeyError::ShortSecret`].
    pub fn add_secret(&mut self, secret: &[u8]) -> Result<(), KeyError> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(KeyError::ShortSecret { bytes: secret.len() });
        }
        let verifier = Verifier::Secret(hmac::Key::new(hmac::HMAC_SHA256, secret));
        self.keys.push(Key { id: None, verifier });
        Ok(())
    }

    /// Adds a public key in PEM: RSA for RS256, P-256 for ES256.
    ///
    /// # Errors
    /// [`KeyError`] when it is not one, or too weak.
    pub fn add_pem(&mut self, pem: &[u8]) -> Result<(), KeyError> {
        let text = String::from_utf8_lossy(pem);
        if text.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        if !text.contains("PUBLIC KEY-----") {
            return Err(KeyError::Pem);
        }
        let verifier = match DecodingKey::from_ec_pem(pem) {
            Ok(key) => p256(key.try_get_as_bytes().unwrap_or_default().to_vec())?,
            Err(_no_curve) => {
                let key = DecodingKey::from_rsa_pem(pem).map_err(|_no_rsa_either| KeyError::Pem)?;
                let der = key.try_get_as_bytes().unwrap_or_default();
                let (n, e) = rsa_numbers(der).ok_or(KeyError::Pem)?;
                rsa(n, e)?
            }
        };
        self.keys.push(Key { id: None, verifier });
        Ok(())
    }

    /// Reads a JSON Web Key Set (RFC 7517, section 5). Keys for other purposes and of unknown kinds are passed
    /// over, as the standard asks; shared secrets are never taken from a set.
    ///
    /// # Errors
    /// [`KeyError`] when it is none, too large, or no key of it can be used.
    pub fn from_jwks(text: &[u8]) -> Result<Self, KeyError> {
        #[derive(Deserialize)]
        struct Written {
            keys: Vec<Value>,
        }
        let Written { keys } = serde_json::from_slice(text)?;
        if keys.len() > MAX_KEYS {
            return Err(KeyError::TooMany { keys: keys.len() });
        }
        let keys: Vec<Key> = keys.into_iter().filter_map(usable).collect();
        if keys.is_empty() { Err(KeyError::Empty) } else { Ok(Self { keys }) }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Key> + Clone {
        self.keys.iter()
    }
}

/// The one key for a token that names `id` and `algorithm`: a key of that name, or else one without a name;
/// for a token that names none, the only one of its algorithm.
pub(super) fn choose<'a>(
    keys: impl Iterator<Item = &'a Key> + Clone,
    id: Option<&str>,
    algorithm: Algorithm,
) -> Result<&'a Key, Refusal> {
    let of_that_name = |key: &&Key| id.is_some() && key.id.as_deref() == id;
    let is_named = keys.clone().any(|key| of_that_name(&key));
    let fits = |key: &&Key| match id {
        Some(_) if is_named => of_that_name(key),
        Some(_) => key.id.is_none(),
        None => true,
    };
    let mut fitting = keys.filter(fits).filter(|key| key.algorithm() == algorithm);
    match (fitting.next(), fitting.next()) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => Err(Refusal::UnknownKey),
        (None, _) if id.is_some() && !is_named => Err(Refusal::UnknownKey),
        (None, _) => Err(Refusal::Algorithm),
    }
}

/// A key of a set, if it is for verifying and of a kind and strength that is taken.
fn usable(written: Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(written).ok()?;
    let for_signatures = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let number = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    let verifier = if let AlgorithmParameters::RSA(key) = &jwk.algorithm {
        rsa(&number(&key.n)?, &number(&key.e)?).ok()?
    } else if let AlgorithmParameters::EllipticCurve(key) = &jwk.algorithm
        && key.curve == EllipticCurve::P256
    {
        // An uncompressed point: both coordinates behind a 4.
        p256([vec![4], number(&key.x)?, number(&key.y)?].concat()).ok()?
    } else {
        return None;
    };
    let key = Key { id: jwk.common.key_id, verifier };
    let same = matches!(
        (key.algorithm(), jwk.common.key_algorithm),
        (_, None)
            | (Algorithm::RS256, Some(KeyAlgorithm::RS256))
            | (Algorithm::ES256, Some(KeyAlgorithm::ES256))
    );
    (for_signatures && same).then_some(key)
}

/// A point of P-256, by its length and form.
fn p256(point: Vec<u8>) -> Result<Verifier, KeyError> {
    let sound = point.len() == P256_POINT_BYTES && point.first() == Some(&4);
    if sound { Ok(Verifier::P256(point)) } else { Err(KeyError::Kind) }
}

/// An RSA key of a size that is taken.
fn rsa(n: &[u8], e: &[u8]) -> Result<Verifier, KeyError> {
    let bits = bits(n);
    if !RSA_BITS.contains(&bits) {
        return Err(KeyError::RsaBits { bits });
    }
    let plain = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect();
    Ok(Verifier::Rsa(RsaPublicKeyComponents { n: plain(n), e: plain(e) }))
}

/// Modulus and exponent of an `RSAPublicKey` in DER: a sequence of two integers (RFC 8017, appendix A.1.1).
fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    const SEQUENCE: u8 = 0x30;
    const INTEGER: u8 = 0x02;
    let (numbers, rest) = element(der, SEQUENCE)?;
    let (n, more) = element(numbers, INTEGER)?;
    let (e, end) = element(more, INTEGER)?;
    (rest.is_empty() && end.is_empty()).then_some((n, e))
}

/// The content of the first element, which must have this tag, and what comes behind it (X.690, section 8.1).
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk()?;
    let (length, rest) = match first {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81 => rest.split_first().map(|(byte, rest)| (usize::from(*byte), rest))?,
        0x82 => {
            let (bytes, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*bytes)), rest)
        }
        _ => return None,
    };
    (found == tag).then_some(())?;
    rest.split_at_checked(length)
}

/// The length of a number without its leading zeros.
fn bits(number: &[u8]) -> usize {
    let significant = number.iter().skip_while(|byte| **byte == 0);
    let zeros = significant.clone().next().map_or(0, |byte| byte.leading_zeros());
    (significant.count() * 8).saturating_sub(usize::try_from(zeros).unwrap_or(0))
}

#[cfg(test)]
mod tests;
