//! Whether an MP4 or QuickTime file says what is in it before it is over, and where its boxes lie.
//!
//! Only their sizes and names are read (ISO/IEC 14496-12, section 4.2).

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    iter,
    ops::Range,
};

/// As many outermost boxes of a file are looked at, each of which is a seek.
const MOST_BOXES: usize = 100_000;

/// Bytes that hold any box's header.
const LONGEST_HEADER: u64 = 16;

/// What the first boxes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// The index, `moov`, comes in front of the media.
    IndexFirst,
    /// The media, `mdat`, comes in front of the index.
    MediaFirst,
    /// Neither was seen yet.
    Unknown,
}

/// Tells the order of the boxes that begin in `bytes`, the first ones of a file.
pub(super) fn order(bytes: &[u8]) -> Order {
    let mut rest = bytes;
    while let Some((name, len)) = header(rest) {
        match &name {
            b"moov" | b"moof" => return Order::IndexFirst,
            b"mdat" => return Order::MediaFirst,
            _ => {}
        }
        match usize::try_from(len).ok().and_then(|len| rest.get(len..)) {
            Some(behind) if len >= 8 => rest = behind,
            _ => return Order::Unknown,
        }
    }
    Order::Unknown
}

/// A box among others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    name: [u8; 4],
    start: usize,
    /// Behind its header.
    pub(super) content: Range<usize>,
}

impl Part {
    pub(super) fn is(&self, name: &[u8; 4]) -> bool {
        self.name == *name
    }

    /// Where its name lies.
    pub(super) const fn name_at(&self) -> usize {
        self.start + 4
    }
}

/// The boxes in this range of `bytes`, as far as they are whole.
pub(super) fn within(bytes: &[u8], range: Range<usize>) -> impl Iterator<Item = Part> {
    let mut start = range.start;
    iter::from_fn(move || {
        let (name, len) = header(bytes.get(start..range.end)?)?;
        let len = usize::try_from(len).ok().filter(|len| *len >= 8)?;
        let end = start.checked_add(len).filter(|end| *end <= range.end)?;
        // A length of 64 bits stands behind the name.
        let is_long = bytes.get(start..)?.starts_with(&[0, 0, 0, 1]);
        let header_len = if is_long { 16 } else { 8 };
        let part = Part { name, start, content: (start + header_len).min(end)..end };
        start = end;
        Some(part)
    })
}

/// Where the first box of this name lies that begins in `bytes`, the first ones of a file; it may end behind them.
pub(super) fn place(bytes: &[u8], wanted: &[u8; 4]) -> Option<Range<u64>> {
    let mut at = 0_u64;
    loop {
        let (name, len) = header(bytes.get(usize::try_from(at).ok()?..)?)?;
        let end = at.checked_add(len).filter(|_| len >= 8)?;
        if name == *wanted {
            return Some(at..end);
        }
        at = end;
    }
}

/// The same of a whole file.
pub(super) fn place_in_file(file: &mut File, wanted: &[u8; 4]) -> io::Result<Option<Range<u64>>> {
    let mut at = 0_u64;
    for _ in 0..MOST_BOXES {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(at))?;
        file.take(LONGEST_HEADER).read_to_end(&mut bytes)?;
        let Some((name, len)) = header(&bytes).filter(|(_, len)| *len >= 8) else { break };
        let Some(end) = at.checked_add(len) else { break };
        if name == *wanted {
            return Ok(Some(at..end));
        }
        at = end;
    }
    Ok(None)
}

/// The name of the box at the start of `bytes`, and its length with its header.
fn header(bytes: &[u8]) -> Option<([u8; 4], u64)> {
    let (size, rest) = bytes.split_first_chunk::<4>()?;
    let (name, rest) = rest.split_first_chunk::<4>()?;
    match u32::from_be_bytes(*size) {
        1 => Some((*name, u64::from_be_bytes(*rest.first_chunk()?))),
        len => Some((*name, u64::from(len))),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{Order, order, place, place_in_file, within};

    fn boxes(names: &[(&[u8; 4], usize)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, len) in names {
            bytes.extend(u32::try_from(*len).unwrap().to_be_bytes());
            bytes.extend(*name);
            bytes.resize(bytes.len() + len - 8, 0);
        }
        bytes
    }

    #[test]
    fn the_first_of_index_and_media_counts() {
        let fast = boxes(&[(b"ftyp", 24), (b"free", 8), (b"moov", 90), (b"mdat", 8)]);
        assert_eq!(order(&fast), Order::IndexFirst);
        assert_eq!(order(&fast[..40]), Order::IndexFirst, "the header is enough");
        let slow = boxes(&[(b"ftyp", 24), (b"wide", 8), (b"mdat", 90), (b"moov", 90)]);
        assert_eq!(order(&slow), Order::MediaFirst);
        assert_eq!(order(&slow[..39]), Order::Unknown);
    }

    #[test]
    fn boxes_are_found_among_others_and_in_others() {
        let inner = boxes(&[(b"mvhd", 20), (b"trak", 12)]);
        let outer = boxes(&[(b"ftyp", 16), (b"moov", 8 + inner.len()), (b"mdat", 9)]);
        let mut bytes = outer;
        bytes[24..24 + inner.len()].copy_from_slice(&inner);
        let moov = within(&bytes, 0..bytes.len()).find(|part| part.is(b"moov")).unwrap();
        assert_eq!((moov.name_at(), moov.content.clone()), (20, 24..56));
        let trak = within(&bytes, moov.content).find(|part| part.is(b"trak")).unwrap();
        assert_eq!(trak.content, 52..56);
        assert_eq!(place(&bytes[..32], b"moov"), Some(16..56), "its header is enough");
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        assert_eq!(place_in_file(&mut file, b"mdat").unwrap(), Some(56..65));
        assert_eq!(place_in_file(&mut file, b"free").unwrap(), None);
    }

    #[test]
    fn a_long_size_is_followed() {
        let mut long = b"\0\0\0\x01uuid\0\0\0\0\0\0\0\x18\0\0\0\0\0\0\0\0".to_vec();
        assert_eq!(order(&long), Order::Unknown);
        long.extend(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x18");
        assert_eq!(order(&long), Order::MediaFirst);
    }

    #[test]
    fn what_a_long_box_holds_lies_behind_its_long_header() {
        let bytes = b"\0\0\0\x01moov\0\0\0\0\0\0\0\x18\0\0\0\x08mvhd";
        let moov = within(bytes, 0..bytes.len()).next().unwrap();
        assert_eq!(moov.content, 16..24);
        assert!(within(bytes, moov.content).next().unwrap().is(b"mvhd"));
    }

    #[test]
    fn a_box_without_end_hides_what_may_follow() {
        assert_eq!(order(b"\0\0\0\0free\0\0\0\x08moov"), Order::Unknown);
        assert_eq!(order(b"\0\0\0\x07free\0\0\0\x08moov"), Order::Unknown);
        assert_eq!(order(b""), Order::Unknown);
    }
}
