//! Who may call: the settings, with the keys and tokens that they name already read, so that a start tells
//! everything that is wrong with them.

use std::time::Duration;

use super::{
    AnnotationsConfig, LoaderConfig,
    reader::{Reader, choice, number},
};
use crate::access::{
    Area, ClaimRules, Expected, JwksSource, KeyError, KeySet, PlainHttp, TokenList, TokensFile,
    read_file,
};

/// The word that turns the check of a claim off.
const ANY: &str = "any";

/// Who may call; where none of it is set, everybody may.
#[derive(Debug, Clone)]
pub struct AccessConfig {
    /// The tokens that are known by their digests.
    pub tokens: TokenList,
    /// Where they are listed, to be read again.
    pub tokens_file: Option<TokensFile>,
    /// Signed tokens; none are taken where nothing is said of them.
    pub jwt: Option<JwtConfig>,
    /// What is open to everybody.
    pub open: Vec<Area>,
    /// Which services get the caller's token.
    pub forward: Vec<Forward>,
}

/// How signed tokens are verified.
#[derive(Debug, Clone)]
pub struct JwtConfig {
    /// Keys that stay.
    pub keys: KeySet,
    /// Keys that change.
    pub jwks: Option<JwksConfig>,
    /// What the claims have to be.
    pub rules: ClaimRules,
}

/// A key set that changes.
#[derive(Debug, Clone)]
pub struct JwksConfig {
    /// Where it comes from.
    pub source: JwksSource,
    /// The keys of a file, which are there at once.
    pub at_start: Option<KeySet>,
    /// How often it is fetched.
    pub refresh: Duration,
    /// The least time between two fetches that tokens with unknown keys ask for.
    pub cooldown: Duration,
}

/// A service that may get the caller's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// The one that gives models.
    Loader,
    /// The one that takes results.
    Annotations,
}

impl AccessConfig {
    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let asked_for = reader.has_any("access.");
        let faults = reader.faults();
        let tokens_file = tokens_file(reader);
        let config = Self {
            tokens: tokens(reader, tokens_file.as_ref()),
            tokens_file,
            jwt: JwtConfig::read(reader),
            open: reader.words("access.open", vec![Area::Health], area),
            forward: reader.words("access.forward", Vec::new(), forward),
        };
        let is_closed = !config.tokens.is_empty() || config.jwt.is_some();
        if asked_for && !is_closed && reader.faults() == faults {
            let problem = "is configured, but there is nothing to know a caller by: set tokens_file, \
                           secret_file, public_key_file or jwks";
            reader.fault("access", problem.to_owned());
        }
        asked_for.then_some(config)
    }

    /// What does not fit together with the services that there are.
    pub(super) fn check(
        &self,
        loader: &LoaderConfig,
        annotations: &AnnotationsConfig,
        reader: &mut Reader,
    ) {
        for (target, missing, word, url) in [
            (Forward::Loader, loader.url.is_none(), "loader", "loader.url"),
            (
                Forward::Annotations,
                annotations.endpoint.is_none(),
                "annotations",
                "annotations.url",
            ),
        ] {
            if missing && self.forward.contains(&target) {
                let problem = format!("{word} needs {url}, the service that gets the token");
                reader.fault("access.forward", problem);
            }
        }
    }
}

impl JwtConfig {
    fn read(reader: &mut Reader) -> Option<Self> {
        let is_asked_for = JWT_KEYS.into_iter().any(|key| reader.has(key));
        let mut keys = KeySet::default();
        add_key(reader, "access.secret_file", |secret| keys.add_secret(without_newline(secret)));
        add_key(reader, "access.public_key_file", |pem| keys.add_pem(pem));
        let jwks = JwksConfig::read(reader);
        let rules = ClaimRules {
            issuer: expected(reader, "access.issuer", is_asked_for),
            audience: expected(reader, "access.audience", is_asked_for),
            leeway: Duration::from_millis(reader.get(
                "access.leeway_ms",
                60_000,
                number(0..=600_000),
            )),
            scope_claim: reader.get("access.scope_claim", "scope".to_owned(), claim_name),
        };
        is_asked_for.then_some(Self { keys, jwks, rules })
    }
}

/// Each of these asks for signed tokens.
const JWT_KEYS: [&str; 3] = ["access.secret_file", "access.public_key_file", "access.jwks"];

impl JwksConfig {
    fn read(reader: &mut Reader) -> Option<Self> {
        let plain = [("refused", PlainHttp::Refused), ("private", PlainHttp::Private)];
        let plain = reader.get("access.jwks_http", PlainHttp::Refused, choice(plain));
        let refresh = reader.millis("access.jwks_refresh_ms", 300_000);
        let cooldown = reader.millis("access.jwks_cooldown_ms", 10_000);
        // Told without its value, which may hold a password.
        let text = reader.optional("access.jwks", |text| Ok(text.to_owned()))?;
        let source = match JwksSource::parse(&text, plain) {
            Ok(source) => source,
            Err(fault) => {
                reader.fault("access.jwks", fault.to_string());
                return None;
            }
        };
        let at_start = source.read_file().unwrap_or_else(|error| {
            let error = crate::http::told_with_causes(&error);
            reader.fault("access.jwks", format!("{source}: {error}"));
            None
        });
        Some(Self { source, at_start, refresh, cooldown })
    }
}

const TOKENS_FILE: &str = "access.tokens_file";

fn tokens_file(reader: &mut Reader) -> Option<TokensFile> {
    let refresh = reader.millis("access.tokens_refresh_ms", 10_000);
    reader.path(TOKENS_FILE).map(|path| TokensFile { path, refresh })
}

fn tokens(reader: &mut Reader, file: Option<&TokensFile>) -> TokenList {
    let Some(file) = file else { return TokenList::default() };
    file.read().unwrap_or_else(|faults| {
        for fault in faults {
            reader.fault(TOKENS_FILE, format!("{}: {fault}", file.path.display()));
        }
        TokenList::default()
    })
}

fn add_key(reader: &mut Reader, key: &str, add: impl FnOnce(&[u8]) -> Result<(), KeyError>) {
    let Some(path) = reader.path(key) else { return };
    let outcome = match read_file(&path) {
        Ok(bytes) => add(&bytes).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(problem) = outcome {
        reader.fault(key, format!("{}: {problem}", path.display()));
    }
}

/// Editors end a file with a newline, which is no part of the secret.
fn without_newline(secret: &[u8]) -> &[u8] {
    let secret = secret.strip_suffix(b"\n").unwrap_or(secret);
    secret.strip_suffix(b"\r").unwrap_or(secret)
}

/// What a claim has to be; whoever takes signed tokens has to say so, if only `any`.
fn expected(reader: &mut Reader, key: &str, is_asked_for: bool) -> Expected {
    let is_set = reader.has(key);
    let words = reader.words(key, Vec::new(), |word| Ok(word.to_owned()));
    if is_asked_for && !is_set {
        let problem = format!("must be set where tokens are signed; `{ANY}` turns the check off");
        reader.fault(key, problem);
    }
    if words == [ANY] { Expected::Any } else { Expected::OneOf(words) }
}

fn area(word: &str) -> Result<Area, String> {
    choice([("health", Area::Health), ("metrics", Area::Metrics), ("docs", Area::Docs)])(word)
}

fn forward(word: &str) -> Result<Forward, String> {
    choice([("loader", Forward::Loader), ("annotations", Forward::Annotations)])(word)
}

fn claim_name(text: &str) -> Result<String, String> {
    const TAKEN: [&str; 6] = ["sub", "exp", "nbf", "iat", "iss", "aud"];
    if text.is_empty() || TAKEN.contains(&text) {
        return Err("must be a claim that has no meaning yet".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
