//! Whether an MP4 or QuickTime file says what is in it before it is over.
//!
//! Only the sizes and names of its outermost boxes are read (ISO/IEC 14496-12, section 4.2).

use std::{ops::Range, time::Duration};

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

/// Where the file's header states its length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Length {
    /// The bytes that state it.
    pub(super) at: Range<usize>,
    /// The same number of bytes for a length that is up to a minute longer.
    pub(super) later: Vec<u8>,
    pub(super) duration: Duration,
}

/// The length that the header box, `mvhd`, states; `None` where it is not in `bytes` or says nothing.
pub(super) fn length(bytes: &[u8]) -> Option<Length> {
    let moov = find(bytes, 0, b"moov")?;
    let mvhd = find(bytes, moov + 8, b"mvhd")?;
    let wide = *bytes.get(mvhd + 8)? == 1;
    let (scale_at, len) = if wide { (mvhd + 28, 8) } else { (mvhd + 20, 4) };
    let at = scale_at + 4..scale_at + 4 + len;
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let (scale, units) =
        (number(bytes.get(scale_at..scale_at + 4)?), number(bytes.get(at.clone())?));
    let nanos = (u128::from(units) * 1_000_000_000).checked_div(u128::from(scale))?;
    let duration = Duration::from_nanos(u64::try_from(nanos).ok()?);
    // No more than that: a track far shorter than its file is taken for a preview.
    let later = units.saturating_add((scale * 60).min(units.saturating_mul(3))).to_be_bytes();
    // What would not fit is left as it is: it is a day or more.
    let fits = later[..8 - len].iter().all(|byte| *byte == 0) && !duration.is_zero();
    fits.then(|| Length { at, later: later[8 - len..].to_vec(), duration })
}

/// Where the box of this name begins, among those from `start` on.
fn find(bytes: &[u8], start: usize, wanted: &[u8; 4]) -> Option<usize> {
    let mut at = start;
    loop {
        let (name, len) = header(bytes.get(at..)?)?;
        if name == *wanted {
            return Some(at);
        }
        at = at.checked_add(usize::try_from(len).ok().filter(|len| *len >= 8)?)?;
    }
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
    use std::time::Duration;

    use super::{Length, Order, length, order};

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
    fn the_length_is_read_from_the_header_box() {
        let mut bytes = boxes(&[(b"ftyp", 16), (b"moov", 8)]);
        bytes.extend(boxes(&[(b"free", 12), (b"mvhd", 108)]));
        bytes[16 + 8 + 12 + 20..][..8].copy_from_slice(&[0, 0, 2, 88, 0, 0, 2, 248]);
        let duration = Duration::from_nanos(760 * 1_000_000_000 / 600);
        let later = (760_u32 * 4).to_be_bytes().to_vec();
        assert_eq!(length(&bytes), Some(Length { at: 60..64, later, duration }));
        bytes[60..64].fill(0);
        assert_eq!(length(&bytes), None);
        assert_eq!(length(&bytes[..50]), None);
    }

    #[test]
    fn a_long_size_is_followed() {
        let mut long = b"\0\0\0\x01uuid\0\0\0\0\0\0\0\x18\0\0\0\0\0\0\0\0".to_vec();
        assert_eq!(order(&long), Order::Unknown);
        long.extend(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x18");
        assert_eq!(order(&long), Order::MediaFirst);
    }

    #[test]
    fn a_box_without_end_hides_what_may_follow() {
        assert_eq!(order(b"\0\0\0\0free\0\0\0\x08moov"), Order::Unknown);
        assert_eq!(order(b"\0\0\0\x07free\0\0\0\x08moov"), Order::Unknown);
        assert_eq!(order(b""), Order::Unknown);
    }
}
