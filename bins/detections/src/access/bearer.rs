//! The caller's token as it came in the `Authorization` header (RFC 6750, section 2.1), bounded before
//! anything is done with it, and hidden wherever it might be shown.

use std::fmt;

use super::Refusal;

/// The longest header that is looked at.
const MAX_BYTES: usize = 8 * 1024;

const SCHEME: &str = "Bearer";

/// The token of a caller.
#[derive(Clone, PartialEq, Eq)]
pub struct CallerToken(String);

impl CallerToken {
    /// Reads the values of all `Authorization` headers of a request, of which there must be one.
    ///
    /// # Errors
    /// [`Refusal`] when there is none, more than one, another scheme, or what cannot be a token.
    pub fn from_headers<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, Refusal> {
        let mut values = values.into_iter();
        let value = values.next().ok_or(Refusal::Missing)?;
        if values.next().is_some() {
            return Err(Refusal::Malformed);
        }
        if value.len() > MAX_BYTES {
            return Err(Refusal::TooLong);
        }
        let header = std::str::from_utf8(value).map_err(|_not_text| Refusal::Malformed)?;
        let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(Refusal::OtherScheme);
        }
        let token = rest.trim_start_matches(' ');
        if !is_token(token) {
            return Err(Refusal::Malformed);
        }
        Ok(Self(token.to_owned()))
    }

    /// The token, which is for services that shall act for the same caller, and for nobody's eyes.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CallerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallerToken(hidden)")
    }
}

/// `b64token` of RFC 6750, section 2.1: letters, digits and `-._~+/`, then any number of `=`.
fn is_token(text: &str) -> bool {
    let core = text.trim_end_matches('=');
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !core.is_empty() && core.bytes().all(sane)
}

#[cfg(test)]
mod tests {
    use super::{CallerToken, MAX_BYTES, Refusal};

    fn read(values: &[&[u8]]) -> Result<CallerToken, Refusal> {
        CallerToken::from_headers(values.iter().copied())
    }

    #[test]
    fn one_bearer_token_is_read_whatever_the_case_of_its_scheme() {
        for header in ["Bearer abc.d-e_f", "bearer abc.d-e_f", "BEARER   abc.d-e_f"] {
            assert_eq!(read(&[header.as_bytes()]).unwrap().token(), "abc.d-e_f", "{header}");
        }
        assert_eq!(read(&[b"Bearer aGk="]).unwrap().token(), "aGk=");
    }

    #[test]
    fn malformed_headers_are_told_apart() {
        let long = format!("Bearer {}", "x".repeat(MAX_BYTES));
        let rows: [(&[&[u8]], Refusal); 19] = [
            (&[], Refusal::Missing),
            (&[b"Bearer a", b"Bearer a"], Refusal::Malformed),
            (&[b"Bearer a", b""], Refusal::Malformed),
            (&[b""], Refusal::OtherScheme),
            (&[b"Basic dTpw"], Refusal::OtherScheme),
            (&[b"a.b.c"], Refusal::OtherScheme),
            (&[b" Bearer a"], Refusal::OtherScheme),
            (&[b"Bearer\ta"], Refusal::OtherScheme),
            (&[b"Bearera a"], Refusal::OtherScheme),
            (&[b"Bearer"], Refusal::Malformed),
            (&[b"Bearer "], Refusal::Malformed),
            (&[b"Bearer ="], Refusal::Malformed),
            (&[b"Bearer a b"], Refusal::Malformed),
            (&[b"Bearer a,Bearer b"], Refusal::Malformed),
            (&[b"Bearer a=b"], Refusal::Malformed),
            (&[b"Bearer \"a\""], Refusal::Malformed),
            (&[b"Bearer a\t"], Refusal::Malformed),
            (&[b"Bearer \xff\xfe"], Refusal::Malformed),
            (&[long.as_bytes()], Refusal::TooLong),
        ];
        for (values, expected) in rows {
            let shown = values.iter().map(|value| String::from_utf8_lossy(value));
            let shown: Vec<_> =
                shown.map(|value| value.chars().take(20).collect::<String>()).collect();
            assert_eq!(read(values).unwrap_err(), expected, "{shown:?}");
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let token = read(&[b"Bearer secret"]).unwrap();
        assert_eq!(format!("{token:?}"), "CallerToken(hidden)");
    }
}
