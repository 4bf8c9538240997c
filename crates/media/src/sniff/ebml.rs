//! Matroska and WebM, told apart by the document type in the EBML header (RFC 8794).

use crate::VideoKind;

const EBML: u64 = 0x1a45_dfa3;
const DOC_TYPE: u64 = 0x4282;

/// The container whose EBML header starts `head`.
pub(super) fn sniff(head: &[u8]) -> Option<VideoKind> {
    let (EBML, body, _) = element(head)? else {
        return None;
    };
    match doc_type(body)? {
        b"webm" => Some(VideoKind::WebM),
        b"matroska" => Some(VideoKind::Matroska),
        _ => None,
    }
}

fn doc_type(mut body: &[u8]) -> Option<&[u8]> {
    loop {
        let (id, content, rest) = element(body)?;
        if id == DOC_TYPE {
            // The string may be filled up with zeros.
            return content.split(|byte| *byte == 0).next();
        }
        body = rest;
    }
}

/// The first element's id, its content as far as `bytes` go, and what follows it.
fn element(bytes: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let (id, rest) = number(bytes, 4, KeepMarker::Yes)?;
    let (size, rest) = number(rest, 8, KeepMarker::No)?;
    let end = usize::try_from(size).ok()?.min(rest.len());
    let (content, rest) = rest.split_at(end);
    Some((id, content, rest))
}

/// Whether the bit that tells a number's length is part of it, as it is in ids.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeepMarker {
    Yes,
    No,
}

/// A number of at most `max_len` bytes; its leading zero bits tell how many follow the first.
fn number(bytes: &[u8], max_len: usize, marker: KeepMarker) -> Option<(u64, &[u8])> {
    let first = *bytes.first()?;
    let len = first.leading_zeros() as usize + 1;
    if len > max_len || len > bytes.len() {
        return None;
    }
    let (digits, rest) = bytes.split_at(len);
    let value = digits.iter().fold(0, |value, digit| (value << 8) | u64::from(*digit));
    let mask = if marker == KeepMarker::Yes { u64::MAX } else { (1 << (7 * len)) - 1 };
    Some((value & mask, rest))
}

#[cfg(test)]
mod tests {
    use super::sniff;
    use crate::VideoKind;

    /// A length that fits into seven bits.
    fn short(bytes: &[u8]) -> u8 {
        u8::try_from(bytes.len()).unwrap()
    }

    fn header(doc_type: &[u8]) -> Vec<u8> {
        let mut body = vec![0x42, 0x86, 0x81, 1, 0x42, 0x82, 0x80 | short(doc_type)];
        body.extend(doc_type);
        let mut head = vec![0x1a, 0x45, 0xdf, 0xa3, 0x01, 0, 0, 0, 0, 0, 0, short(&body)];
        head.extend(body);
        head
    }

    #[test]
    fn the_document_type_decides() {
        assert_eq!(sniff(&header(b"webm")), Some(VideoKind::WebM));
        assert_eq!(sniff(&header(b"webm\0\0")), Some(VideoKind::WebM));
        assert_eq!(sniff(&header(b"matroska")), Some(VideoKind::Matroska));
        assert_eq!(sniff(&header(b"other")), None);
    }

    #[test]
    fn a_header_cut_short_or_without_a_type_is_nothing() {
        let whole = header(b"matroska");
        for len in 0..whole.len() {
            assert_eq!(sniff(&whole[..len]), None, "{len}");
        }
        assert_eq!(sniff(&[0x1a, 0x45, 0xdf, 0xa3, 0x84, 0x42, 0x86, 0x81, 1]), None);
        assert_eq!(sniff(&[0x1a, 0x45, 0xdf, 0xa3, 0, 0, 0]), None);
    }
}
