//! What a Loader's answer states of the file in it: its tag, its length and its digest.

use detections_media::Sha256Digest;
use ureq::http::{HeaderMap, header};

/// The statements of one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stated {
    /// The entity tag as it was sent, weak or strong.
    pub(crate) etag: Option<String>,
    /// The whole file's length.
    pub(crate) total: Option<u64>,
    /// Where the bytes of this answer begin in the file.
    pub(crate) start: u64,
    /// The whole file's digest.
    pub(crate) sha256: Option<Sha256Digest>,
    /// Whether the end of the body can be told from a lost connection.
    pub(crate) framed: bool,
}

impl Stated {
    /// Reads the headers of an answer that brings the whole file.
    ///
    /// Errors say in words which header cannot be understood.
    pub(crate) fn whole(headers: &HeaderMap) -> Result<Self, &'static str> {
        let length = number(headers, header::CONTENT_LENGTH.as_str())?;
        Self::common(headers, length)
    }

    /// Reads the headers of an answer that brings the rest of the file (RFC 9110, 14.4).
    pub(crate) fn rest(headers: &HeaderMap) -> Result<Self, &'static str> {
        let problem = "its Content-Range cannot be understood";
        let range = text(headers, header::CONTENT_RANGE.as_str()).ok_or(problem)?;
        let (span, total) =
            range.strip_prefix("bytes ").and_then(|range| range.split_once('/')).ok_or(problem)?;
        let (start, end) = span.split_once('-').ok_or(problem)?;
        let parse = |text: &str| text.trim().parse::<u64>().map_err(|_not| problem);
        let (start, end) = (parse(start)?, parse(end)?);
        let total = parse(total)?;
        if end.checked_add(1) != Some(total) || start > end {
            return Err("its Content-Range does not reach the end of the file");
        }
        Ok(Self { start, ..Self::common(headers, Some(total))? })
    }

    /// The tag if it may be relied upon byte for byte (RFC 9110, 8.8.1).
    pub(crate) fn strong_etag(&self) -> Option<&str> {
        self.etag.as_deref().filter(|tag| !tag.starts_with("W/"))
    }

    fn common(headers: &HeaderMap, total: Option<u64>) -> Result<Self, &'static str> {
        let encoding = text(headers, header::CONTENT_ENCODING.as_str());
        if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
            return Err("it is compressed, which was not asked for");
        }
        let chunked = text(headers, header::TRANSFER_ENCODING.as_str())
            .is_some_and(|coding| coding.to_ascii_lowercase().contains("chunked"));
        let etag = text(headers, header::ETAG.as_str()).map(str::to_owned);
        let framed = chunked || headers.contains_key(header::CONTENT_LENGTH);
        Ok(Self { etag, total, start: 0, sha256: digest(headers)?, framed })
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn number(headers: &HeaderMap, name: &str) -> Result<Option<u64>, &'static str> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    number.map(Some).ok_or("its Content-Length is not a number")
}

/// The digest by `Repr-Digest` (RFC 9530) or `X-Checksum-SHA256`; where both are there, they must agree.
fn digest(headers: &HeaderMap) -> Result<Option<Sha256Digest>, &'static str> {
    let mut found = Vec::new();
    for value in headers.get_all("repr-digest") {
        let value = value.to_str().map_err(|_bytes| "its Repr-Digest is not a text")?;
        found.extend(repr_digest(value)?);
    }
    if let Some(value) = headers.get("x-checksum-sha256") {
        let hex = value.to_str().ok().and_then(|text| text.trim().parse().ok());
        found.push(hex.ok_or("its X-Checksum-SHA256 is not 64 hexadecimal digits")?);
    }
    match found.as_slice() {
        [] => Ok(None),
        [first, rest @ ..] if rest.iter().all(|other| other == first) => Ok(Some(*first)),
        _ => Err("it states two digests that differ"),
    }
}

/// The member `sha-256=:BASE64:` of a dictionary; other algorithms are passed over.
fn repr_digest(value: &str) -> Result<Option<Sha256Digest>, &'static str> {
    let members = value.split(',').filter_map(|member| member.trim().split_once('='));
    let mut ours = members.filter(|(key, _)| key.trim() == "sha-256");
    let Some((_, value)) = ours.next() else { return Ok(None) };
    let base64 = value.trim().strip_prefix(':').and_then(|value| value.strip_suffix(':'));
    let bytes = base64.and_then(from_base64);
    bytes.map(|bytes| Some(Sha256Digest(bytes))).ok_or("its Repr-Digest is no SHA-256 in base64")
}

/// Exactly 32 bytes from the alphabet of RFC 4648, 4.
fn from_base64(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_suffix('=').filter(|digits| digits.len() == 43)?;
    let mut bytes = [0; 32];
    let (mut pending, mut bits, mut filled) = (0_u32, 0, 0);
    for digit in digits.bytes() {
        pending = (pending << 6) | u32::from(sextet(digit)?);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            *bytes.get_mut(filled)? = (pending >> bits).to_le_bytes()[0];
            pending &= (1 << bits) - 1;
            filled += 1;
        }
    }
    (filled == 32 && pending == 0).then_some(bytes)
}

const fn sextet(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use detections_media::hash_bytes;
    use ureq::http::{HeaderMap, HeaderValue};

    use super::Stated;

    /// SHA-256 of `abc` (FIPS 180-4) in base64.
    const ABC: &str = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    #[test]
    fn both_ways_to_state_a_digest_are_read() {
        let abc = hash_bytes(b"abc").sha256;
        let hex = abc.to_string();
        let repr = format!("sha-512=:AAAA:, sha-256=:{ABC}:");
        for pairs in [
            &[("repr-digest", repr.as_str())][..],
            &[("x-checksum-sha256", &hex)],
            &[("x-checksum-sha256", &hex), ("repr-digest", &repr)],
        ] {
            assert_eq!(Stated::whole(&headers(pairs)).unwrap().sha256, Some(abc));
        }
        let other = headers(&[("repr-digest", "sha-512=:AAAA:")]);
        assert_eq!(Stated::whole(&other).unwrap().sha256, None);
    }

    #[test]
    fn a_statement_that_cannot_be_read_is_not_passed_over() {
        let zeros = "0".repeat(64);
        let repr = format!("sha-256=:{ABC}:");
        for pairs in [
            &[("repr-digest", "sha-256=:AAAA:")][..],
            &[("repr-digest", "sha-256=abc")],
            &[("x-checksum-sha256", "abc")],
            &[("x-checksum-sha256", &zeros), ("repr-digest", &repr)],
            &[("content-length", "many")],
            &[("content-encoding", "gzip")],
        ] {
            assert!(Stated::whole(&headers(pairs)).is_err(), "{pairs:?}");
        }
        for range in ["", "bytes 3-5", "bytes 3-5/*", "bytes 3-4/6", "bytes 7-5/6", "items 3-5/6"] {
            assert!(Stated::rest(&headers(&[("content-range", range)])).is_err(), "{range}");
        }
    }

    #[test]
    fn the_rest_of_a_file_says_where_it_begins() {
        let stated = Stated::rest(&headers(&[("content-range", "bytes 3-5/6")])).unwrap();
        assert_eq!((stated.start, stated.total), (3, Some(6)));
    }
}
