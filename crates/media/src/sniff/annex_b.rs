//! Bare H.264 and H.265 streams (annex B of ITU-T H.264 and H.265) by their first NAL units.

use crate::VideoKind;

/// `profile_idc` values of table A-1 and its extensions.
const H264_PROFILES: [u8; 14] = [44, 66, 77, 83, 86, 88, 100, 110, 118, 122, 128, 134, 138, 244];

/// The stream whose start codes and parameter sets are in `head`.
pub(super) fn sniff(head: &[u8]) -> Option<VideoKind> {
    if !(head.starts_with(b"\0\0\x01") || head.starts_with(b"\0\0\0\x01")) {
        return None;
    }
    if h264(head) {
        return Some(VideoKind::H264);
    }
    h265(head).then_some(VideoKind::H265)
}

/// A sequence parameter set, with nothing but delimiters and messages before it.
fn h264(head: &[u8]) -> bool {
    let first = nal_units(head).find(|nal| nal.first().is_none_or(|byte| !matches!(byte, 6 | 9)));
    // Forbidden zero bit, a reference count above zero, type 7, then the profile.
    first.is_some_and(|nal| match nal {
        [header, profile, ..] => {
            header & 0x9f == 7 && header & 0x60 != 0 && H264_PROFILES.contains(profile)
        }
        _ => false,
    })
}

/// A video parameter set and then a sequence parameter set, each of the base layer.
fn h265(head: &[u8]) -> bool {
    const VPS: u8 = 32;
    const SPS: u8 = 33;
    const DELIMITER: u8 = 35;
    const MESSAGE: u8 = 39;
    let mut types =
        nal_units(head).map(h265_type).skip_while(|kind| matches!(kind, Some(DELIMITER | MESSAGE)));
    types.next() == Some(Some(VPS)) && types.next() == Some(Some(SPS))
}

/// The type of a NAL unit of layer 0 and the lowest temporal layer.
fn h265_type(nal: &[u8]) -> Option<u8> {
    match nal {
        [first, 1, ..] if first & 0x81 == 0 => Some(first >> 1),
        _ => None,
    }
}

/// What follows each start code, up to the end of `head`.
fn nal_units(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let starts = head.windows(3).enumerate().filter(|(_, code)| *code == b"\0\0\x01");
    starts.filter_map(|(at, _)| head.get(at + 3..))
}

#[cfg(test)]
mod tests {
    use super::sniff;
    use crate::VideoKind;

    fn check(head: &[u8], expected: Option<VideoKind>) {
        assert_eq!(sniff(head), expected, "{head:02x?}");
    }

    #[test]
    fn h264_starts_with_its_sequence_parameters() {
        check(b"\0\0\0\x01\x67\x64\0\x1f", Some(VideoKind::H264));
        check(b"\0\0\x01\x27\x42\0\x1f", Some(VideoKind::H264));
        check(b"\0\0\0\x01\x09\xf0\0\0\0\x01\x06\x05\0\0\x01\x67\x4d", Some(VideoKind::H264));
    }

    #[test]
    fn h265_starts_with_video_and_sequence_parameters() {
        check(b"\0\0\0\x01\x40\x01\x0c\0\0\0\x01\x42\x01\x01", Some(VideoKind::H265));
        check(b"\0\0\0\x01\x46\x01\x10\0\0\x01\x40\x01\0\0\x01\x42\x01", Some(VideoKind::H265));
    }

    #[test]
    fn other_start_codes_are_neither() {
        check(b"\0\0\x01\xb3\x2d\x01", None);
        check(b"\0\0\0\x01\x65\x88", None);
        check(b"\0\0\0\x01\x67\x01", None);
        check(b"\0\0\0\x01\x07\x42", None);
        check(b"\0\0\0\x01\x40\x01\x0c", None);
        check(b"\0\0\0\x01", None);
    }
}
