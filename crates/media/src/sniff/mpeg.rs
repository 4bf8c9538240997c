//! MPEG streams (ISO/IEC 13818-1): transport streams by their sync bytes, program streams by their
//! first pack header.

use crate::VideoKind;

/// Packets whose sync bytes must all be there.
const PACKETS: usize = 3;

/// The stream that starts `head`.
pub(super) fn sniff(head: &[u8]) -> Option<VideoKind> {
    // Blu-ray's variant has a time stamp of 4 bytes before each packet.
    if in_sync(head, 0, 188) || in_sync(head, 4, 192) {
        return Some(VideoKind::MpegTs);
    }
    is_pack_header(head).then_some(VideoKind::MpegPs)
}

fn in_sync(head: &[u8], first: usize, stride: usize) -> bool {
    (0..PACKETS).all(|packet| head.get(first + packet * stride) == Some(&0x47))
}

/// The bits after the start code are `01` with a marker in MPEG-2 and `0010` with one in MPEG-1.
fn is_pack_header(head: &[u8]) -> bool {
    head.strip_prefix(b"\0\0\x01\xba")
        .and_then(|rest| rest.first())
        .is_some_and(|byte| byte & 0xc4 == 0x44 || byte & 0xf1 == 0x21)
}

#[cfg(test)]
mod tests {
    use super::sniff;
    use crate::VideoKind;

    fn packets(first: usize, stride: usize, count: usize) -> Vec<u8> {
        let mut head = vec![0; first + stride * count];
        (0..count).for_each(|packet| head[first + packet * stride] = 0x47);
        head
    }

    #[test]
    fn transport_streams_need_three_sync_bytes() {
        assert_eq!(sniff(&packets(0, 188, 3)), Some(VideoKind::MpegTs));
        assert_eq!(sniff(&packets(4, 192, 3)), Some(VideoKind::MpegTs));
        assert_eq!(sniff(&packets(0, 188, 2)), None);
        assert_eq!(sniff(&packets(0, 187, 4)), None);
        assert_eq!(sniff(b"GET / HTTP/1.1"), None);
    }

    #[test]
    fn program_streams_start_with_a_pack_header() {
        assert_eq!(sniff(b"\0\0\x01\xba\x44\0"), Some(VideoKind::MpegPs));
        assert_eq!(sniff(b"\0\0\x01\xba\x21\0"), Some(VideoKind::MpegPs));
        assert_eq!(sniff(b"\0\0\x01\xba\x00"), None);
        assert_eq!(sniff(b"\0\0\x01\xba"), None);
    }
}
