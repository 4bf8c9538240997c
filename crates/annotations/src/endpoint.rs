//! Where results are posted to.

use ureq::http::Uri;

use crate::AnnotationsError;

/// The address of the Annotations service.
///
/// ```
/// use detections_annotations::Endpoint;
///
/// let endpoint = Endpoint::new("http://annotations:8000/", "/annotations").unwrap();
/// assert_eq!(endpoint.as_str(), "http://annotations:8000/annotations");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// The resource `path` of the service at `url`.
    ///
    /// # Errors
    /// [`AnnotationsError::Endpoint`] when it is not `http` or `https`, has no host, or has a user, a query or a
    /// fragment. The error does not repeat the address.
    pub fn new(url: &str, path: &str) -> Result<Self, AnnotationsError> {
        let bad = |reason| AnnotationsError::Endpoint { reason };
        if !path.starts_with('/') {
            return Err(bad("the path does not begin with a slash"));
        }
        if url.contains(['?', '#']) || path.contains('#') {
            return Err(bad("it has a query or a fragment"));
        }
        let whole = format!("{}{path}", url.trim_end_matches('/'));
        let uri: Uri = whole.parse().map_err(|_syntax| bad("it is no URL"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(bad("it begins with neither http:// nor https://"));
        }
        match uri.authority() {
            Some(authority) if authority.as_str().contains('@') => {
                Err(bad("it names a user; a token is given apart from it"))
            }
            Some(authority) if !authority.host().is_empty() => Ok(Self(whole)),
            _ => Err(bad("it has no host")),
        }
    }

    /// The whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn what_cannot_be_posted_to_is_refused_without_repeating_it() {
        for url in
            ["ftp://secret", "secret", "http://u:secret@a", "http://", "http://secret?a=1", ""]
        {
            let error = Endpoint::new(url, "/annotations").unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(Endpoint::new("http://a", "annotations").is_err());
        assert_eq!(Endpoint::new("https://a/b", "/c?d=1").unwrap().as_str(), "https://a/b/c?d=1");
    }
}
