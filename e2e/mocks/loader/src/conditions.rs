//! What a request asks for of a file: all, nothing because it is unchanged, or a range (RFC 9110,
//! sections 13 and 14). Pure, so that each rule is a line of a test.

use actix_web::http::header::{HeaderMap, IF_NONE_MATCH, IF_RANGE, RANGE};

/// What is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All bytes: 200.
    All,
    /// Nothing, for the client has this version: 304.
    Unchanged,
    /// Bytes `from` to `to`, both included: 206.
    Part {
        /// The first byte.
        from: u64,
        /// The last byte.
        to: u64,
    },
    /// A range that the file does not reach: 416.
    OutOfReach,
}

/// What a `GET` with these headers is to get of a file with this entity tag and length.
#[must_use]
pub fn wanted(headers: &HeaderMap, etag: &str, length: u64) -> Wanted {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if text(IF_NONE_MATCH).is_some_and(|tags| lists(tags, etag)) {
        return Wanted::Unchanged;
    }
    // A date is none of our tags, and a weak tag is never strong enough: then all of it is sent.
    if text(IF_RANGE).is_some_and(|tag| tag.trim() != etag) {
        return Wanted::All;
    }
    text(RANGE).map_or(Wanted::All, |range| part(range, length))
}

/// Whether a list of tags has this one, compared weakly as `If-None-Match` is.
fn lists(tags: &str, etag: &str) -> bool {
    let mut tags = tags.split(',').map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// One range of bytes; several, or another unit, are answered as if none was asked for.
fn part(range: &str, length: u64) -> Wanted {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-'))
    else {
        return Wanted::All;
    };
    let (first, last) = (first.trim(), last.trim());
    let bounds = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to => (from, to),
        (Ok(from), Err(_)) if last.is_empty() => (from, u64::MAX),
        (Err(_), Ok(0)) if first.is_empty() => return Wanted::OutOfReach,
        (Err(_), Ok(count)) if first.is_empty() => (length.saturating_sub(count), u64::MAX),
        _ => return Wanted::All,
    };
    match bounds {
        (from, to) if from < length => Wanted::Part { from, to: to.min(length - 1) },
        _ => Wanted::OutOfReach,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{
        HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, IF_RANGE, RANGE,
    };

    use super::{Wanted, wanted};

    fn asked(headers: &[(HeaderName, &'static str)]) -> Wanted {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(name.clone(), HeaderValue::from_static(value));
        }
        wanted(&map, "\"v1\"", 100)
    }

    #[test]
    fn an_unchanged_file_is_not_sent() {
        for (tags, expected) in [
            ("\"v1\"", Wanted::Unchanged),
            ("W/\"v1\"", Wanted::Unchanged),
            ("\"v0\", \"v1\"", Wanted::Unchanged),
            ("*", Wanted::Unchanged),
            ("\"v0\"", Wanted::All),
            ("v1", Wanted::All),
        ] {
            assert_eq!(asked(&[(IF_NONE_MATCH, tags)]), expected, "{tags}");
        }
    }

    #[test]
    fn ranges_are_cut_to_the_file() {
        for (range, expected) in [
            ("bytes=0-9", Wanted::Part { from: 0, to: 9 }),
            ("bytes=90-", Wanted::Part { from: 90, to: 99 }),
            ("bytes=90-1000", Wanted::Part { from: 90, to: 99 }),
            ("bytes=-10", Wanted::Part { from: 90, to: 99 }),
            ("bytes=-1000", Wanted::Part { from: 0, to: 99 }),
            ("bytes=100-", Wanted::OutOfReach),
            ("bytes=-0", Wanted::OutOfReach),
            ("bytes=9-0", Wanted::All),
            ("bytes=0-1,3-4", Wanted::All),
            ("lines=0-1", Wanted::All),
            ("bytes=a-b", Wanted::All),
        ] {
            assert_eq!(asked(&[(RANGE, range)]), expected, "{range}");
        }
    }

    #[test]
    fn a_range_of_another_version_gets_all_of_this_one() {
        let range = (RANGE, "bytes=50-");
        let part = Wanted::Part { from: 50, to: 99 };
        assert_eq!(asked(&[range.clone(), (IF_RANGE, "\"v1\"")]), part);
        assert_eq!(asked(&[range.clone(), (IF_RANGE, "\"v0\"")]), Wanted::All);
        assert_eq!(asked(&[range, (IF_RANGE, "Wed, 25 Nov 2026 00:00:00 GMT")]), Wanted::All);
    }
}
