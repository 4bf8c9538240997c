//! Tokens and keys for tests.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use serde_json::{Value, json};

use super::{ClaimRules, Expected, KeySet};

/// The time in these tests, in seconds since 1970.
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

pub(crate) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

pub(crate) fn key_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/access").join(name)
}

pub(crate) fn pem(name: &str) -> Vec<u8> {
    std::fs::read(key_file(name)).unwrap()
}

pub(crate) fn private_key(algorithm: Algorithm) -> EncodingKey {
    if algorithm == Algorithm::RS256 {
        return EncodingKey::from_rsa_pem(&pem("rsa.pem")).unwrap();
    }
    if algorithm == Algorithm::ES256 {
        return EncodingKey::from_ec_pem(&pem("ec.pem")).unwrap();
    }
    EncodingKey::from_secret(SECRET)
}

/// Claims that are good, with `changes` over them; `null` takes a claim away.
pub(crate) fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "sub": "ada", "iss": "https://id.example", "aud": "detections", "scope": "openid detect",
        "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 300,
    });
    let all = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        all.insert(name.clone(), value.clone());
    }
    all.retain(|_, value| !value.is_null());
    claims
}

pub(crate) fn sign(algorithm: Algorithm, kid: Option<&str>, claims: &Value) -> String {
    let header = Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) };
    encode(&header, claims, &private_key(algorithm)).unwrap()
}

/// A token of any three texts.
pub(crate) fn raw(header: &str, claims: &str, signature: &[u8]) -> String {
    let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    format!("{}.{}.{}", part(header.as_bytes()), part(claims.as_bytes()), part(signature))
}

pub(crate) fn rules() -> ClaimRules {
    ClaimRules {
        issuer: Expected::OneOf(vec!["https://id.example".to_owned()]),
        audience: Expected::OneOf(vec!["other".to_owned(), "detections".to_owned()]),
        leeway: Duration::from_secs(60),
        scope_claim: "scope".to_owned(),
    }
}

/// The public half of a test key as a JSON Web Key, with `changes` over it.
pub(crate) fn jwk(algorithm: Algorithm, changes: &Value) -> Value {
    let jwk = Jwk::from_encoding_key(&private_key(algorithm), algorithm).unwrap();
    let mut jwk = serde_json::to_value(jwk).unwrap();
    let all = jwk.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        all.insert(name.clone(), value.clone());
    }
    all.retain(|_, value| !value.is_null());
    jwk
}

pub(crate) fn jwks(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// One key of each kind.
pub(crate) fn all_keys() -> KeySet {
    let mut keys = KeySet::default();
    keys.add_secret(SECRET).unwrap();
    keys.add_pem(&pem("rsa.pub.pem")).unwrap();
    keys.add_pem(&pem("ec.pub.pem")).unwrap();
    keys
}
