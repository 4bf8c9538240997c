//! What a post is authorised with: it is sent, and shown nowhere.

use std::fmt;

use crate::AnnotationsError;

/// The value of an `Authorization` header. Nothing prints it.
///
/// ```
/// use detections_annotations::Authorization;
///
/// let token = Authorization::bearer("s3cret").unwrap();
/// assert_eq!(format!("{token:?}"), "Authorization(hidden)");
/// assert!(Authorization::new("two\nlines").is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization(String);

impl Authorization {
    /// The whole value of the header.
    ///
    /// # Errors
    /// [`AnnotationsError::Authorization`] for what no header can carry; the error does not repeat it.
    pub fn new(value: impl Into<String>) -> Result<Self, AnnotationsError> {
        let value = value.into();
        let carried = !value.is_empty() && value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if carried { Ok(Self(value)) } else { Err(AnnotationsError::Authorization) }
    }

    /// `Bearer` and a token.
    ///
    /// # Errors
    /// [`AnnotationsError::Authorization`] for what no header can carry.
    pub fn bearer(token: &str) -> Result<Self, AnnotationsError> {
        if token.is_empty() {
            return Err(AnnotationsError::Authorization);
        }
        Self::new(format!("Bearer {token}"))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// `text`, unless it repeats the secret.
    pub(crate) fn redact(&self, text: String) -> String {
        let secret = self.0.split(' ').next_back().unwrap_or_default();
        if text.contains(secret) { "(the answer repeats the token)".to_owned() } else { text }
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization(hidden)")
    }
}
