//! The end of a JPEG file: decoders fill what is missing with grey, so whether all of it is there is
//! decided by walking its markers (ITU-T T.81, annex B).

/// How a picture's coefficients are spread over the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scans {
    /// All in one scan, row after row.
    One,
    /// Over several scans, or refined by later ones: nothing is known before the last.
    Several,
}

/// Walks from marker to marker up to the picture's end (EOI); `None` when the picture is cut.
///
/// What follows the end is not looked at: cameras put previews and films there.
pub(super) fn walk(bytes: &[u8]) -> Option<Scans> {
    const PROGRESSIVE: u8 = 0xc2;
    const END: u8 = 0xd9;
    const SCAN: u8 = 0xda;
    let (mut scans, mut progressive) = (0_usize, false);
    let mut at = 0;
    loop {
        let (marker, after) = next_marker(bytes, at)?;
        match marker {
            END if scans > 1 || (scans > 0 && progressive) => return Some(Scans::Several),
            END if scans > 0 => return Some(Scans::One),
            // Markers without a segment; a restart marker is only a pause within a scan.
            0x01 | 0xd0..=END => at = after,
            _ => {
                scans += usize::from(marker == SCAN);
                progressive |= marker == PROGRESSIVE;
                at = after + segment_len(bytes, after)?;
            }
        }
    }
}

/// The next marker from `at` on and the place after it; zeros behind `0xff` are data.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)? + 1;
        match *bytes.get(at)? {
            0x00 | 0xff => {}
            marker => return Some((marker, at + 1)),
        }
    }
}

/// The length of a segment, which counts its own two bytes.
fn segment_len(bytes: &[u8], at: usize) -> Option<usize> {
    let length: [u8; 2] = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(usize::from(u16::from_be_bytes(length)))
}

#[cfg(test)]
mod tests {
    use super::{Scans, walk};

    const HEAD: &[u8] = b"\xff\xd8\xff\xe1\x00\x06\xff\xd9\xff\xda";
    const SCAN: &[u8] = b"\xff\xda\x00\x03\x01\x12\xff\x00\x34\xff\xd0\x56";

    #[test]
    fn the_end_is_found_behind_scans_and_thumbnails() {
        assert_eq!(walk(&[HEAD, SCAN, b"\xff\xd9"].concat()), Some(Scans::One));
        assert_eq!(walk(&[HEAD, SCAN, SCAN, b"\xff\xff\xd9"].concat()), Some(Scans::Several));
        assert_eq!(walk(&[HEAD, SCAN, b"\xff\xd9", SCAN].concat()), Some(Scans::One));
        let refined = [HEAD, b"\xff\xc2\x00\x02", SCAN, b"\xff\xd9"].concat();
        assert_eq!(walk(&refined), Some(Scans::Several));
    }

    #[test]
    fn nothing_short_of_the_end_is_an_end() {
        let whole = [HEAD, SCAN, SCAN, b"\xff\xd9"].concat();
        for len in 0..whole.len() {
            assert_eq!(walk(&whole[..len]), None, "{len}");
        }
        assert_eq!(walk(b"\xff\xd8\xff\xd9"), None, "no scan");
    }
}
