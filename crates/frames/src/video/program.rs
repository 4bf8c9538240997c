//! The codec of the pictures in an MPEG program stream that does not say it.
//!
//! Without a map, a splitter takes all pictures for MPEG-1 or MPEG-2; H.264, H.265 and MPEG-4 in such a stream
//! are told by their first bytes, and the map that is missing is put in front (ISO/IEC 13818-1, section 2.5).

/// What the first bytes of a program stream tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Map {
    /// A splitter knows what the stream holds.
    Needless,
    /// It does with this in front.
    Missing(Vec<u8>),
    /// No picture was seen yet.
    Unknown,
}

/// Looks for the first packet with pictures.
pub(super) fn map(head: &[u8]) -> Map {
    let mut rest = head;
    loop {
        let Some((stream, body, behind)) = packet(rest) else { return Map::Unknown };
        match stream {
            0xbc => return Map::Needless,
            0xe0..=0xef => {
                let Some(payload) = payload(body).filter(|payload| payload.len() >= 8) else {
                    return Map::Unknown;
                };
                return codec(payload).map_or(Map::Needless, |codec| written(stream, codec));
            }
            _ => rest = behind,
        }
    }
}

/// The packet at the start of `bytes`: its stream, what is there of its body, and what lies behind it.
fn packet(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let rest = bytes.strip_prefix(b"\0\0\x01")?;
    let (&stream, rest) = rest.split_first()?;
    if stream == 0xba {
        let behind = match rest.first()? >> 4 {
            0b0010 => rest.get(8..)?,
            _ => rest.get(10 + usize::from(rest.get(9)? & 7)..)?,
        };
        return Some((stream, &[], behind));
    }
    let (len, rest) = rest.split_first_chunk()?;
    let len = usize::from(u16::from_be_bytes(*len));
    // Of the last packet a part may be enough; behind it is nothing to be seen.
    let (body, behind) = rest.split_at_checked(len).unwrap_or((rest, &[]));
    Some((stream, body, behind))
}

/// The pictures in a packet's body, behind its times.
fn payload(body: &[u8]) -> Option<&[u8]> {
    if body.first()? >> 6 == 0b10 {
        return body.get(3 + usize::from(*body.get(2)?)..);
    }
    // MPEG-1: stuffing, the size of a buffer, and one time, two or none.
    let stuffing = body.iter().take_while(|byte| **byte == 0xff).count();
    let mut rest = body.get(stuffing..)?;
    if rest.first()? >> 6 == 0b01 {
        rest = rest.get(2..)?;
    }
    match rest.first()? >> 4 {
        0b0010 => rest.get(5..),
        0b0011 => rest.get(10..),
        _ => rest.get(1..),
    }
}

/// The number by which a map names the codec of pictures; `None` where a splitter is right without.
fn codec(pictures: &[u8]) -> Option<u8> {
    /// Profiles of H.264 (ITU-T H.264, annex A).
    const PROFILES: [u8; 10] = [44, 66, 77, 88, 100, 110, 118, 122, 128, 244];
    let pictures = pictures.strip_prefix(b"\0").unwrap_or(pictures);
    let [first, second, ..] =
        *pictures.strip_prefix(b"\0\0\x01").or_else(|| pictures.strip_prefix(b"\0\x01"))?
    else {
        return None;
    };
    match (first, second) {
        (0xb0, _) => Some(0x10),
        (0x40 | 0x46, 0x01) => Some(0x24),
        (0x27 | 0x47 | 0x67, profile) if PROFILES.contains(&profile) => Some(0x1b),
        // A delimiter says which slices follow in three bits, and ends there.
        (0x09, slices) if slices & 0x1f == 0x10 => Some(0x1b),
        _ => None,
    }
}

/// A map of one stream.
fn written(stream: u8, codec: u8) -> Map {
    let head = [0, 0, 1, 0xbc, 0, 14, 0xe0, 0xff, 0, 0, 0, 4];
    // Its check sum is not looked at.
    Map::Missing([&head[..], &[codec, stream, 0, 0], &[0; 4]].concat())
}

#[cfg(test)]
mod tests {
    use super::{Map, map};

    const PACK_1: &[u8] = b"\0\0\x01\xba\x21\0\x01\0\x01\xc3\x33\x67";
    const PACK_2: &[u8] = b"\0\0\x01\xba\x44\0\x04\0\x04\x01\x86\x66\xcf\xf9x";
    const SOUND: &[u8] = b"\0\0\x01\xc0\0\x03\x0fab";

    fn video(times: &[u8], pictures: &[u8]) -> Vec<u8> {
        [b"\0\0\x01\xe2\x07\xd0", times, pictures].concat()
    }

    #[test]
    fn a_map_is_written_for_pictures_that_are_no_mpeg_video() {
        let times: [(&[u8], &[u8]); 3] = [
            (PACK_1, b"\xff\xff\x60\xe6\x31\0\x03\x97\xd1\x11\0\x03\x5f\x91"),
            (PACK_1, b"\x0f"),
            (PACK_2, b"\x81\x80\x05\x21\0\x03\x97\xd1"),
        ];
        let codecs: [(&[u8], Option<u8>); 7] = [
            (b"\0\0\0\x01\x67\x64\0\x0b\xac", Some(0x1b)),
            (b"\0\0\x01\x09\xf0\0\0\x01\x67", Some(0x1b)),
            (b"\0\0\0\x01\x40\x01\x0c\x01", Some(0x24)),
            (b"\0\0\x01\xb0\x01\0\0\x01", Some(0x10)),
            (b"\0\0\x01\xb3\x0a\0\x78\x13", None),
            (b"\0\0\x01\x09\x13\xf8\0\x01", None),
            (b"no start of any picture", None),
        ];
        for (pack, times) in times {
            for (pictures, codec) in codecs {
                let stream = [pack, SOUND, &video(times, pictures)].concat();
                let expected = codec.map_or(Map::Needless, |codec| {
                    let map = b"\0\0\x01\xbc\0\x0e\xe0\xff\0\0\0\x04";
                    Map::Missing([&map[..], &[codec, 0xe2, 0, 0, 0, 0, 0, 0]].concat())
                });
                assert_eq!(map(&stream), expected, "{pictures:?} behind {times:?}");
            }
        }
    }

    #[test]
    fn a_stream_with_a_map_needs_none_and_sound_says_nothing() {
        assert_eq!(map(&[PACK_2, b"\0\0\x01\xbc\0\x02ab"].concat()), Map::Needless);
        let stream = [PACK_2, SOUND, &video(b"\x81\0\0", b"\0\0\0\x01\x67\x64\0\x0b")].concat();
        for len in 0..stream.len() {
            assert_eq!(map(&stream[..len]), Map::Unknown, "{len} bytes");
        }
        assert!(matches!(map(&stream), Map::Missing(_)));
        assert_eq!(map(b"no stream"), Map::Unknown);
    }
}
