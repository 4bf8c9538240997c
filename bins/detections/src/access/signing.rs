//! Tokens and keys for tests.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jsonwebtoken::Algorithm;
use ring::{
    hmac,
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
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

fn der(name: &str) -> Vec<u8> {
    let text = String::from_utf8(pem(name)).unwrap();
    let lines: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    BASE64_STANDARD.decode(lines).unwrap()
}

fn rsa_key() -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(&der("rsa.pem")).unwrap()
}

fn ec_key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der("ec.pem"), &random).unwrap()
}

/// A signature of HMAC with any secret.
pub(crate) fn mac(secret: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec()
}

fn signature(algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
    let random = SystemRandom::new();
    if algorithm == Algorithm::RS256 {
        let key = rsa_key();
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
        return signature;
    }
    if algorithm == Algorithm::ES256 {
        return ec_key().sign(&random, message).unwrap().as_ref().to_vec();
    }
    mac(SECRET, message)
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
    let mut header = json!({ "alg": algorithm, "typ": "JWT" });
    if let Some(kid) = kid {
        header["kid"] = kid.into();
    }
    signed_by(&header, claims, |message| signature(algorithm, message))
}

/// A token with any header, signed in any way.
pub(crate) fn signed_by(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let message =
        format!("{}.{}", part(header.to_string().as_bytes()), part(claims.to_string().as_bytes()));
    let signature = part(&sign(message.as_bytes()));
    format!("{message}.{signature}")
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
    let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let mut jwk = if algorithm == Algorithm::RS256 {
        let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(rsa_key().public());
        json!({ "kty": "RSA", "alg": "RS256", "n": text(&n), "e": text(&e) })
    } else {
        let key = ec_key();
        let (x, y) = key.public_key().as_ref()[1..].split_at(32);
        json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "x": text(x), "y": text(y) })
    };
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
