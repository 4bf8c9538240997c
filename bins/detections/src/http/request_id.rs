//! The id of a request: the client's `X-Request-ID` where it is sane, a fresh UUID otherwise.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header that carries the id in both directions.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A longer id is replaced by one of ours.
const MAX_LENGTH: usize = 128;

/// At most 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestId(String);

impl RequestId {
    /// The client's id, or a new one.
    pub(super) fn from_headers(headers: &HeaderMap) -> Self {
        let sane = |id: &&str| {
            (1..=MAX_LENGTH).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let given = headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok()).filter(sane);
        Self(given.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned))
    }

    /// The id as text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as the value of its header.
    pub(super) fn header_value(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static("invalid"))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderValue};

    use super::{RequestId, X_REQUEST_ID};

    #[test]
    fn sane_ids_are_kept_and_others_replaced() {
        let long = "x".repeat(129);
        for (given, kept) in [("abc-1", true), ("", false), ("a b", false), (&long, false)] {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, HeaderValue::from_str(given).unwrap());
            let id = RequestId::from_headers(&headers);
            assert_eq!(id.as_str() == given, kept, "{given}");
            assert!(!id.as_str().is_empty());
        }
    }
}
