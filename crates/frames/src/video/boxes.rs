//! Whether an MP4 or QuickTime file says what is in it before it is over.
//!
//! Only the sizes and names of its outermost boxes are read (ISO/IEC 14496-12, section 4.2).

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
    use super::{Order, order};

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
