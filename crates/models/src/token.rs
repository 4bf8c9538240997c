//! A bearer token: sent to another service, and shown to nobody.

use std::fmt;

/// A token that opens a door (RFC 6750); neither logs nor errors ever show it.
///
/// ```
/// use detections_models::BearerToken;
///
/// let token = BearerToken::new("s3cret").unwrap();
/// assert_eq!(format!("{token:?}"), "BearerToken(hidden)");
/// assert!(BearerToken::new("two words").is_none());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken(String);

impl BearerToken {
    /// A token; `None` when the text is empty or holds what a header's token may not (RFC 6750, 2.1).
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        (!text.is_empty() && text.bytes().all(fits)).then(|| Self(text.to_owned()))
    }

    /// The value of the header `Authorization`.
    pub(crate) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(hidden)")
    }
}
