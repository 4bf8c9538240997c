//! The ISO base media file format (ISO/IEC 14496-12) and its ancestor QuickTime, by their first box.

use crate::VideoKind;

/// Brands of files without a film: HEIF and AVIF pictures, Canon raw, sound alone.
const NOT_VIDEO: [&[u8; 4]; 16] = [
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2",
    b"msf1", b"avif", b"avis", b"crx ", b"M4A ", b"M4B ",
];

/// First boxes of QuickTime files from before there was `ftyp`.
const OLD_QUICKTIME: [&[u8; 4]; 6] = [b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"];

/// The container whose first box starts `head`.
pub(super) fn sniff(head: &[u8]) -> Option<VideoKind> {
    let size = u32::from_be_bytes(head.get(..4)?.try_into().ok()?);
    let name: &[u8; 4] = head.get(4..8)?.try_into().ok()?;
    if name == b"ftyp" {
        return brand(head.get(8..12)?.try_into().ok()?);
    }
    // 1 says that a 64-bit size follows the name, 0 that the box ends with the file.
    let sane = size >= 8 || size <= 1;
    (sane && OLD_QUICKTIME.contains(&name)).then_some(VideoKind::QuickTime)
}

fn brand(major: &[u8; 4]) -> Option<VideoKind> {
    match major {
        b"qt  " => Some(VideoKind::QuickTime),
        other if NOT_VIDEO.contains(&other) => None,
        _ => Some(VideoKind::Mp4),
    }
}

#[cfg(test)]
mod tests {
    use super::sniff;
    use crate::VideoKind;

    fn check(head: &[u8], expected: Option<VideoKind>) {
        assert_eq!(sniff(head), expected, "{}", head.escape_ascii());
    }

    #[test]
    fn brands() {
        for brand in ["isom", "iso5", "mp42", "avc1", "M4V ", "3gp4", "dash", "MSNV"] {
            let head = [b"\0\0\0\x18ftyp", brand.as_bytes(), b"\0\0\0\0"].concat();
            check(&head, Some(VideoKind::Mp4));
        }
        check(b"\0\0\0\x14ftypqt  \0\0\0\0", Some(VideoKind::QuickTime));
        for brand in ["heic", "mif1", "avif", "crx ", "M4A "] {
            check(&[b"\0\0\0\x18ftyp", brand.as_bytes()].concat(), None);
        }
    }

    #[test]
    fn old_quicktime_starts_with_other_boxes() {
        check(b"\0\0\x10\0moov\0\0\0\0", Some(VideoKind::QuickTime));
        check(b"\0\0\0\x08wide\0\0\0\0mdat", Some(VideoKind::QuickTime));
        check(b"\0\0\0\x01mdat\0\0\0\x01\0\0\0\0", Some(VideoKind::QuickTime));
        check(b"\0\0\0\x05free", None);
        check(b"\0\0\0\x18styp", None);
        check(b"\0\0\0\x18fty", None);
    }
}
