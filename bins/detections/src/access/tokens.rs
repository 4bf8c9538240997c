//! The list of static tokens: only SHA-256 digests of them are kept, and a token is compared with all of
//! them in the same time, whichever it is.

use std::{
    collections::BTreeSet,
    fmt,
    path::Path,
    time::{Duration, SystemTime},
};

use detections_media::{Sha256Digest, hash_bytes};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Caller, Refusal, Scope, Scopes, Subject};

/// Most tokens of a list.
const MAX_TOKENS: u32 = 1024;

/// A digest protects only what cannot be guessed, so shorter words are never taken for a token.
const MIN_TOKEN_CHARS: usize = 32;

/// What a token made here begins with, by which scanners for leaked secrets know it.
const PREFIX: &str = "det_";

/// How a list of tokens is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFormat {
    /// `[[token]]` tables.
    Toml,
    /// An array of objects.
    Json,
}

impl TokenFormat {
    /// The format of a file by its name: JSON when it ends so, else TOML.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let json = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json"));
        if json { Self::Json } else { Self::Toml }
    }
}

/// The known tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenList {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    sha256: [u8; 32],
    expires: Option<SystemTime>,
    caller: Caller,
}

impl TokenList {
    /// Reads a list.
    ///
    /// # Errors
    /// Everything that is wrong with it, by entry.
    pub fn parse(text: &str, format: TokenFormat) -> Result<Self, Vec<String>> {
        let written = match format {
            TokenFormat::Json => serde_json::from_str(text).map_err(|error| error.to_string()),
            TokenFormat::Toml => from_toml(text),
        };
        let written: Vec<Written> = written.map_err(|error| vec![error])?;
        if u32::try_from(written.len()).is_ok_and(|count| count > MAX_TOKENS) {
            return Err(vec![format!("it has more than {MAX_TOKENS} tokens")]);
        }
        if written.is_empty() {
            return Err(vec!["it has no token".to_owned()]);
        }
        let mut faults = doubles(&written);
        let mut entries = Vec::with_capacity(written.len());
        for one in &written {
            match Entry::read(one) {
                Ok(entry) => entries.push(entry),
                Err(problems) => {
                    faults
                        .extend(problems.into_iter().map(|fault| format!("{}: {fault}", one.name)));
                }
            }
        }
        if faults.is_empty() { Ok(Self { entries }) } else { Err(faults) }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The holder of `token`, or why it does not count any more; `None` when it is none of these.
    pub(super) fn find(&self, token: &str, now: SystemTime) -> Option<Result<Caller, Refusal>> {
        if token.len() < MIN_TOKEN_CHARS {
            return None;
        }
        let digest = hash_bytes(token.as_bytes()).sha256.0;
        // Every entry is compared, and the place of a match is kept without a branch on it.
        let (mut place, mut found) = (0_u32, Choice::from(0));
        for (at, entry) in (0_u32..).zip(&self.entries) {
            let same = entry.sha256.ct_eq(&digest);
            place.conditional_assign(&at, same);
            found |= same;
        }
        if !bool::from(found) {
            return None;
        }
        let entry = self.entries.get(usize::try_from(place).unwrap_or(usize::MAX))?;
        let over = entry.expires.is_some_and(|end| now >= end);
        Some(if over { Err(Refusal::Expired) } else { Ok(entry.caller.clone()) })
    }
}

/// An entry as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    sha256: String,
    scopes: Vec<String>,
    expires: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenToml {
    #[serde(default)]
    token: Vec<Written>,
}

fn from_toml(text: &str) -> Result<Vec<Written>, String> {
    let file = ::config::File::from_str(text, ::config::FileFormat::Toml);
    let read = ::config::Config::builder().add_source(file).build();
    let list = read.and_then(::config::Config::try_deserialize::<WrittenToml>);
    list.map(|list| list.token).map_err(|error| error.to_string())
}

fn doubles(written: &[Written]) -> Vec<String> {
    let (mut names, mut digests) = (BTreeSet::new(), BTreeSet::new());
    let mut faults = Vec::new();
    for one in written {
        if !names.insert(&one.name) {
            faults.push(format!("{}: another token has this name", one.name));
        }
        if !digests.insert(one.sha256.to_ascii_lowercase()) {
            faults.push(format!("{}: another token has this sha256", one.name));
        }
    }
    faults
}

impl Entry {
    fn read(written: &Written) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let mut note = |fault: String| faults.push(fault);
        if !is_name(&written.name) {
            note(NAME_RULE.to_owned());
        }
        let sha256 = written.sha256.parse::<Sha256Digest>();
        if sha256.is_err() {
            note("sha256 must be 64 hexadecimal digits".to_owned());
        }
        if written.scopes.is_empty() {
            note("it has no scope, so it would allow nothing".to_owned());
        }
        let unknown = written.scopes.iter().filter(|word| Scope::from_word(word).is_none());
        unknown.for_each(|word| note(format!("there is no scope `{word}`")));
        let expires = written.expires.as_deref().map(moment).transpose();
        if let Err(fault) = &expires {
            note(fault.clone());
        }
        let (Ok(Sha256Digest(sha256)), Ok(expires), true) = (sha256, expires, faults.is_empty())
        else {
            return Err(faults);
        };
        let scopes = Scopes::among(written.scopes.iter().map(String::as_str));
        let subject = Subject::Token { name: written.name.clone() };
        Ok(Self { sha256, expires, caller: Caller::new(subject, scopes) })
    }
}

const NAME_RULE: &str = "a name is 1 to 64 letters, digits, dots, dashes and underscores";

fn is_name(name: &str) -> bool {
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(sane)
}

fn moment(text: &str) -> Result<SystemTime, String> {
    let parsed = OffsetDateTime::parse(text, &Rfc3339);
    let parsed = parsed.map_err(|error| format!("expires is not as in RFC 3339: {error}"))?;
    let seconds = u64::try_from(parsed.unix_timestamp());
    let since = seconds.map_err(|_negative| "expires lies before 1970".to_owned())?;
    Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(since))
}

/// A new token with the entry that admits it.
pub struct FreshToken {
    token: String,
    name: String,
    scopes: Vec<Scope>,
    expires: Option<String>,
}

impl FreshToken {
    /// Makes a token from 256 random bits of the system.
    ///
    /// # Errors
    /// A sentence, when the name or the date cannot stand in a list, or the system has no randomness.
    pub fn make(name: &str, scopes: &[Scope], expires: Option<&str>) -> Result<Self, String> {
        if !is_name(name) {
            return Err(NAME_RULE.to_owned());
        }
        expires.map(moment).transpose()?;
        let mut random = [0; 32];
        let filled = SystemRandom::new().fill(&mut random);
        filled.map_err(|_unspecified| "the system gives no random bytes".to_owned())?;
        // Shown as a digest is: 64 hexadecimal digits.
        let token = format!("{PREFIX}{}", Sha256Digest(random));
        let expires = expires.map(str::to_owned);
        Ok(Self { token, name: name.to_owned(), scopes: scopes.to_vec(), expires })
    }

    /// The token itself, which is nowhere else.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The entry for the list, in TOML.
    #[must_use]
    pub fn entry(&self) -> String {
        let scopes: Vec<_> =
            self.scopes.iter().map(|scope| format!("\"{}\"", scope.word())).collect();
        let expires = self.expires.as_ref().map(|date| format!("expires = \"{date}\"\n"));
        format!(
            "[[token]]\nname = \"{}\"\nsha256 = \"{}\"\nscopes = [{}]\n{}",
            self.name,
            hash_bytes(self.token.as_bytes()).sha256,
            scopes.join(", "),
            expires.unwrap_or_default()
        )
    }
}

impl fmt::Debug for FreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreshToken").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{FreshToken, Refusal, Scope, TokenFormat, TokenList};

    const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_fresh_token_is_admitted_by_its_entry_and_no_other_is() {
        let fresh = FreshToken::make("ci", &[Scope::Detect], None).unwrap();
        let other = FreshToken::make("other", &[Scope::Admin], None).unwrap();
        assert_ne!(fresh.token(), other.token());
        let text = format!("{}\n{}", other.entry(), fresh.entry());
        let list = TokenList::parse(&text, TokenFormat::Toml).unwrap();
        let caller = list.find(fresh.token(), at(0)).unwrap().unwrap();
        assert_eq!(caller.subject().name(), "ci");
        assert_eq!(Scope::ALL.map(|scope| caller.allows(scope)), [true, false, false]);
        let mut flipped = fresh.token().to_owned();
        let last = if flipped.pop() == Some('0') { '1' } else { '0' };
        flipped.push(last);
        for wrong in [flipped.as_str(), &fresh.token()[1..], "", DIGEST] {
            assert_eq!(list.find(wrong, at(0)), None, "{wrong}");
        }
        assert!(!format!("{fresh:?} {list:?}").contains(&fresh.token()[4..]));
    }

    #[test]
    fn a_token_that_could_be_guessed_is_not_taken_though_its_digest_is_listed() {
        let text = format!("[[token]]\nname = \"a\"\nsha256 = \"{DIGEST}\"\nscopes = [\"detect\"]");
        let list = TokenList::parse(&text, TokenFormat::Toml).unwrap();
        assert_eq!(list.find("abc", at(0)), None);
    }

    #[test]
    fn a_token_ends_at_its_moment() {
        let date = "2027-01-01T00:00:00Z";
        let fresh = FreshToken::make("a", &[Scope::Jobs], Some(date)).unwrap();
        let list = TokenList::parse(&fresh.entry(), TokenFormat::Toml).unwrap();
        let end = 1_798_761_600;
        assert!(list.find(fresh.token(), at(end - 1)).unwrap().is_ok());
        assert_eq!(list.find(fresh.token(), at(end)), Some(Err(Refusal::Expired)));
    }

    #[test]
    fn json_is_read_as_well() {
        let text = format!(r#"[{{"name":"a","sha256":"{DIGEST}","scopes":["admin"]}}]"#);
        assert_eq!(TokenList::parse(&text, TokenFormat::Json).unwrap().len(), 1);
        assert_eq!(TokenFormat::of("/x/tokens.JSON".as_ref()), TokenFormat::Json);
        assert_eq!(TokenFormat::of("/x/tokens".as_ref()), TokenFormat::Toml);
    }

    #[test]
    fn every_fault_of_a_list_is_told() {
        let rows = r#"[
            {"name":"a b","sha256":"12","scopes":[],"expires":"tomorrow"},
            {"name":"c","sha256":"34","scopes":["fly"]},
            {"name":"c","sha256":"34","scopes":["jobs"],"expires":"1960-01-01T00:00:00Z"}]"#;
        let faults = TokenList::parse(rows, TokenFormat::Json).unwrap_err().join("\n");
        for part in [
            "a b: a name is",
            "a b: sha256 must be",
            "a b: it has no scope",
            "a b: expires is not",
            "c: there is no scope `fly`",
            "c: another token has this name",
            "c: another token has this sha256",
            "c: expires lies before 1970",
        ] {
            assert!(faults.contains(part), "`{part}` is missing in:\n{faults}");
        }
        for (text, part) in
            [("[]", "no token"), ("[", "EOF"), (r#"[{"token":"x"}]"#, "unknown field")]
        {
            let faults = TokenList::parse(text, TokenFormat::Json).unwrap_err();
            assert!(faults[0].contains(part), "{faults:?}");
        }
        let many = format!("[{}]", vec![r#"{"name":"a","sha256":"","scopes":[]}"#; 1025].join(","));
        assert!(
            TokenList::parse(&many, TokenFormat::Json).unwrap_err()[0].contains("more than 1024")
        );
        assert!(TokenList::parse("[[tokens]]\n", TokenFormat::Toml).is_err());
        assert!(FreshToken::make("a\"b", &[Scope::Jobs], None).is_err());
    }
}
