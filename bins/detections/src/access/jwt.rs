//! Signed tokens (RFC 7519): a signature by a known key, and claims that are for this service and for now.

use std::time::{Duration, SystemTime};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Header, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Caller, Refusal, Scopes, Subject,
    keys::{Key, choose},
};

/// The longest name of a subject or an issuer.
const MAX_NAME: usize = 512;

/// What a claim has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Whatever it is.
    Any,
    /// One of these.
    OneOf(Vec<String>),
}

impl Expected {
    fn is_met(&self, mut found: impl Iterator<Item = impl AsRef<str>>) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(words) => found.any(|one| words.iter().any(|word| word == one.as_ref())),
        }
    }
}

/// What the claims of a token have to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRules {
    /// Who may issue tokens.
    pub issuer: Expected,
    /// For whom they have to be.
    pub audience: Expected,
    /// How far the issuer's clock may be from ours.
    pub leeway: Duration,
    /// The claim that holds the scopes, as words between spaces or as a list.
    pub scope_claim: String,
}

/// The claims that are looked at; numbers are seconds since 1970 (RFC 7519, section 2).
#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    iss: Option<String>,
    aud: Option<Words>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// One word, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    One(String),
    Many(Vec<String>),
}

impl Words {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(word) => std::slice::from_ref(word),
            Self::Many(words) => words,
        }
    }
}

/// Who holds `token`, if it was signed by one of `keys` and fits `rules` at the time `now`.
pub(super) fn verify<'a>(
    token: &str,
    keys: impl Iterator<Item = &'a Key> + Clone,
    rules: &ClaimRules,
    now: SystemTime,
) -> Result<Caller, Refusal> {
    if token.bytes().filter(|byte| *byte == b'.').count() != 2 {
        return Err(Refusal::Unknown);
    }
    let header = decode_header(token).map_err(|_not_a_header| Refusal::Header)?;
    let key = choose(keys, header.kid.as_deref(), supported(&header)?)?;
    let claims = signed_claims(token, key)?;
    check(&claims, rules, now)?;
    Ok(caller(claims, rules))
}

/// The algorithm, if it is one of the three; what a token says is critical is not understood here, and has to
/// be refused therefore (RFC 7515, section 4.1.11).
fn supported(header: &Header) -> Result<Algorithm, Refusal> {
    let plain = header.crit.is_none() && header.enc.is_none() && header.zip.is_none();
    let known = [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256].contains(&header.alg);
    match (plain, known) {
        (true, true) => Ok(header.alg),
        (true, false) => Err(Refusal::Algorithm),
        (false, _) => Err(Refusal::Header),
    }
}

/// The claims, once the signature is known to be of `key`, by the one algorithm that the key is for
/// (RFC 7515, section 5.2).
fn signed_claims(token: &str, key: &Key) -> Result<Claims, Refusal> {
    let (message, signature) = token.rsplit_once('.').ok_or(Refusal::Unknown)?;
    let (_, payload) = message.split_once('.').ok_or(Refusal::Unknown)?;
    let bytes = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part);
    let signature = bytes(signature).map_err(|_not_base64| Refusal::Signature)?;
    if !key.verifies(message.as_bytes(), &signature) {
        return Err(Refusal::Signature);
    }
    let payload = bytes(payload).map_err(|_not_base64| Refusal::Claims)?;
    serde_json::from_slice(&payload).map_err(|_other_shape| Refusal::Claims)
}

fn check(claims: &Claims, rules: &ClaimRules, now: SystemTime) -> Result<(), Refusal> {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (now, leeway) = (since.as_secs_f64(), rules.leeway.as_secs_f64());
    if now >= claims.exp + leeway {
        return Err(Refusal::Expired);
    }
    let starts = [claims.nbf, claims.iat];
    if starts.into_iter().flatten().any(|start| now + leeway < start) {
        return Err(Refusal::NotYetValid);
    }
    if !rules.issuer.is_met(claims.iss.iter()) {
        return Err(Refusal::Issuer);
    }
    if !rules.audience.is_met(claims.aud.iter().flat_map(Words::as_slice)) {
        return Err(Refusal::Audience);
    }
    let sane = |name: &String| (1..=MAX_NAME).contains(&name.len());
    let named = sane(&claims.sub) && claims.iss.as_ref().is_none_or(sane);
    if named { Ok(()) } else { Err(Refusal::Claims) }
}

fn caller(claims: Claims, rules: &ClaimRules) -> Caller {
    let scopes = match claims.others.get(&rules.scope_claim) {
        Some(Value::String(words)) => Scopes::among(words.split_ascii_whitespace()),
        Some(Value::Array(words)) => Scopes::among(words.iter().filter_map(Value::as_str)),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
            Scopes::default()
        }
    };
    Caller::new(Subject::Signed { issuer: claims.iss, subject: claims.sub }, scopes)
}

#[cfg(test)]
mod tests;
