//! Broken files: cut anywhere, damaged anywhere, or not pictures at all. Never a panic, never a
//! picture that is only half there.

use detections_frames::{FrameError, StillLimits, StillOptions, decode_still, probe_still};
use detections_types::ErrorKind;
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};

use crate::make;

fn decode(bytes: &[u8]) -> Result<(), FrameError> {
    decode_still(bytes, &StillOptions::default()).map(drop)
}

/// Bytes at the end of each format that hold no pixel: PNG's end chunk with the checksums before
/// it, GIF's trailer, TIFF's directory is before or behind the pixels and always needed.
fn trailer(name: &str) -> usize {
    match name {
        "PNG" => 12 + 4 + 4,
        "GIF" => 3,
        _ => 0,
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error_that_says_so() {
    for (name, bytes) in make::each() {
        for len in 0..bytes.len() - trailer(name) {
            let error = decode(&bytes[..len]).expect_err(&format!("{name} cut at {len}"));
            let kind = error.kind();
            let sniffed = len >= 18;
            assert!(
                kind == ErrorKind::InvalidInput || (!sniffed && kind == ErrorKind::Unsupported),
                "{name} cut at {len}: {kind:?} {error}"
            );
        }
    }
}

#[test]
fn a_cut_picture_is_called_truncated() {
    for (name, bytes) in make::each() {
        let error = decode(&bytes[..bytes.len() * 2 / 3]).unwrap_err();
        match &error {
            FrameError::Truncated { .. } => {
                assert_eq!(error.to_string(), format!("the {name} picture is truncated"));
            }
            // GIF's decoder says so in words only.
            FrameError::Undecodable { source, .. } if name == "GIF" => {
                assert!(source.to_string().ends_with("Unexpected End of File"), "{source}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn what_is_no_picture_is_unsupported() {
    for bytes in
        [&b"<html>"[..], b"BM is no bitmap, this is a sentence", b"RIFF\0\0\0\0WAVE", b"\0"]
    {
        assert_eq!(decode(bytes).unwrap_err().kind(), ErrorKind::Unsupported);
    }
    let empty = decode(b"").unwrap_err();
    assert_eq!(
        (empty.kind(), empty.to_string().as_str()),
        (ErrorKind::InvalidInput, "the picture is empty")
    );
}

#[test]
fn a_name_is_not_believed_only_magic_bytes_are() {
    let [(_, jpeg), ..] = make::each().try_into().map(|all: [_; 6]| all).unwrap();
    assert!(decode(&[&b"\x89PNG\r\n\x1a\n"[..], &jpeg[8..]].concat()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_bytes_behind_magic_never_panic(
        magic in proptest::sample::select(vec![
            &b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"[..],
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            b"RIFF\xff\0\0\0WEBPVP8L",
            b"RIFF\xff\0\0\0WEBPVP8X\x0a\0\0\0",
            b"GIF89a",
            b"II\x2a\0\x08\0\0\0",
            b"MM\0\x2a\0\0\0\x08",
            b"BM\x80\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
        ]),
        tail in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let bytes = [magic, &tail].concat();
        let limits = StillLimits { max_pixels: 1 << 20, ..StillLimits::default() };
        let options = StillOptions { limits, ..StillOptions::default() };
        for error in [decode_still(&bytes, &options).err(), probe_still(&bytes, &limits).err()] {
            let panicked = matches!(error, Some(FrameError::DecoderPanicked { .. }));
            prop_assert!(!panicked, "{:02x?}", bytes);
        }
    }

    /// Damage may leave a picture, but never ends a thread or takes more than is allowed.
    #[test]
    fn flipped_bits_never_panic(
        which in 0_usize..6,
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (_, mut bytes) = make::each().swap_remove(which);
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= value;
        }
        let limits = StillLimits { max_pixels: 1 << 20, ..StillLimits::default() };
        let result = decode_still(&bytes, &StillOptions { limits, ..StillOptions::default() });
        let panicked = matches!(result, Err(FrameError::DecoderPanicked { .. }));
        prop_assert!(!panicked, "{:02x?}", bytes);
    }
}
