//! Where the Loader's files are: a base address, a path with a place for the name, and which redirects are
//! still the same Loader.

use ureq::http::{Uri, uri::Scheme};

use crate::ModelsError;

/// The place of the name in a path.
const NAME: &str = "{name}";

/// The longest name of a file.
const MAX_NAME_BYTES: usize = 200;

/// The checked address of a Loader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    base: String,
    path: String,
}

impl Address {
    /// Checks `url`, such as `http://loader:8080`, and `path`, such as `/models/{name}`.
    pub(crate) fn parse(url: &str, path: &str) -> Result<Self, ModelsError> {
        let bad = |problem| ModelsError::BadAddress { problem };
        let uri: Uri = url.parse().map_err(|_syntax| bad("is not a URL"))?;
        let scheme = uri.scheme().ok_or_else(|| bad("does not start with http:// or https://"))?;
        if *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS {
            return Err(bad("does not start with http:// or https://"));
        }
        let authority = uri.authority().ok_or_else(|| bad("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("must not hold a user or a password; there is a token for that"));
        }
        if uri.query().is_some() || url.contains('#') {
            return Err(bad("must not have a query or a fragment"));
        }
        if !path.starts_with('/') || path.matches(NAME).count() != 1 {
            return Err(bad("needs a path that starts with / and holds {name} once"));
        }
        let address = Self { base: url.trim_end_matches('/').to_owned(), path: path.to_owned() };
        address.of("name").map(|_uri| address)
    }

    /// The address of the file called `name`, which becomes one segment of the path.
    pub(crate) fn of(&self, name: &str) -> Result<Uri, ModelsError> {
        if name.is_empty() || name.len() > MAX_NAME_BYTES || matches!(name, "." | "..") {
            let problem = "names a file by nothing, by dots alone, or by more than 200 bytes";
            return Err(ModelsError::BadAddress { problem });
        }
        let text = format!("{}{}", self.base, self.path.replace(NAME, &encoded(name)));
        let problem = "makes no URL with its path";
        text.parse().map_err(|_syntax| ModelsError::BadAddress { problem })
    }
}

/// Where a redirect leads, if that is still the same host: the same scheme and port, or from HTTP to HTTPS.
pub(crate) fn redirected(from: &Uri, location: &str) -> Result<Uri, ModelsError> {
    let refused = || ModelsError::RedirectedAway { url: from.to_string(), to: printable(location) };
    let to: Uri = joined(from, location).parse().map_err(|_syntax| refused())?;
    let same_host = to.host().is_some() && to.host() == from.host();
    let same_door = to.scheme() == from.scheme() && to.port_u16() == from.port_u16();
    let safer = from.scheme() == Some(&Scheme::HTTP) && to.scheme() == Some(&Scheme::HTTPS);
    let has_user = to.authority().is_some_and(|authority| authority.as_str().contains('@'));
    if same_host && (same_door || safer) && !has_user { Ok(to) } else { Err(refused()) }
}

/// Relative references of the forms that servers send (RFC 3986, 4.2), against the address that was asked.
fn joined(from: &Uri, location: &str) -> String {
    let scheme = from.scheme_str().unwrap_or("http");
    let authority = from.authority().map_or("", |authority| authority.as_str());
    if location.contains("://") {
        return location.to_owned();
    }
    if let Some(rest) = location.strip_prefix("//") {
        return format!("{scheme}://{rest}");
    }
    if location.starts_with('/') {
        return format!("{scheme}://{authority}{location}");
    }
    let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{scheme}://{authority}{folder}/{location}")
}

/// A text of another machine, short and without control characters.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// Everything but the unreserved characters (RFC 3986, 2.3) is spelled `%XX`.
fn encoded(name: &str) -> String {
    let spell = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    name.bytes().map(spell).collect()
}

#[cfg(test)]
mod tests {
    use super::{Address, redirected};

    #[test]
    fn a_name_is_one_segment_whatever_it_holds() {
        let address = Address::parse("http://loader:8080/api/", "/models/{name}/file").unwrap();
        for (name, path) in
            [("yolo.v8", "yolo.v8"), ("../x", "..%2Fx"), ("a b?", "a%20b%3F"), ("ä", "%C3%A4")]
        {
            let expected = format!("http://loader:8080/api/models/{path}/file");
            assert_eq!(address.of(name).unwrap().to_string(), expected);
        }
        for bad in ["", ".", "..", &"x".repeat(201)] {
            assert!(address.of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bad_address_is_refused_without_being_repeated() {
        for (url, path) in [
            ("loader:8080", "/models/{name}"),
            ("ftp://loader", "/models/{name}"),
            ("http://user:secret@loader", "/models/{name}"),
            ("http://loader/?token=secret", "/models/{name}"),
            ("http://loader", "models/{name}"),
            ("http://loader", "/models"),
            ("http://loader", "/{name}/{name}"),
            ("http://lo ader", "/models/{name}"),
        ] {
            let error = Address::parse(url, path).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn redirects_stay_with_the_host() {
        let from = "http://loader:8080/models/a".parse().unwrap();
        for (location, to) in [
            ("/files/1", "http://loader:8080/files/1"),
            ("b", "http://loader:8080/models/b"),
            ("http://loader:8080/x", "http://loader:8080/x"),
            ("https://loader/x", "https://loader/x"),
        ] {
            assert_eq!(redirected(&from, location).unwrap().to_string(), to);
        }
        for away in ["http://other/x", "//other/x", "http://loader:81/x", "http://u@loader:8080/x"]
        {
            assert!(redirected(&from, away).is_err(), "{away}");
        }
        let safe = "https://loader/models/a".parse().unwrap();
        assert!(redirected(&safe, "http://loader/models/a").is_err());
    }
}
