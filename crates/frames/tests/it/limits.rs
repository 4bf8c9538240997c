//! Limits are enforced from the header: what is refused was never decoded.

use detections_frames::{FrameError, StillLimits, StillOptions, decode_still, probe_still};
use detections_types::ErrorKind;
use image::{DynamicImage, ImageFormat};

use crate::make;

fn decode(bytes: &[u8], limits: StillLimits) -> Result<(), FrameError> {
    let options = StillOptions { limits, ..StillOptions::default() };
    decode_still(bytes, &options).map(drop)
}

fn tight() -> StillLimits {
    StillLimits { max_width: 61, max_height: 47, max_pixels: 61 * 47, ..StillLimits::default() }
}

/// A PNG's CRC-32.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let named = [name, content].concat();
    let length = u32::try_from(content.len()).unwrap();
    [&length.to_be_bytes()[..], &named, &crc(&named).to_be_bytes()].concat()
}

/// A PNG of 4 KB whose header states `side` squared pixels.
fn png_bomb(side: u32) -> Vec<u8> {
    let header = [&side.to_be_bytes()[..], &side.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let parts = [chunk(b"IHDR", &header), chunk(b"IDAT", &[0x78; 4_000]), chunk(b"IEND", &[])];
    [&b"\x89PNG\r\n\x1a\n"[..], &parts.concat()].concat()
}

#[test]
fn the_exact_size_is_allowed_and_less_is_not() {
    for (name, bytes) in make::each() {
        decode(&bytes, tight()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let narrower = StillLimits { max_width: 60, ..tight() };
        let lower = StillLimits { max_height: 46, ..tight() };
        let fewer = StillLimits { max_pixels: 61 * 47 - 1, ..tight() };
        for limits in [narrower, lower, fewer] {
            let error = decode(&bytes, limits).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TooLarge, "{name}: {error}");
            assert_eq!(probe_still(&bytes, &limits).unwrap_err().kind(), ErrorKind::TooLarge);
        }
    }
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    let error = decode(&png_bomb(65_535), StillLimits::default()).unwrap_err();
    assert!(matches!(error, FrameError::Pixels { width: 65_535, height: 65_535, .. }), "{error}");
    let error = decode(&png_bomb(70_000), StillLimits::default()).unwrap_err();
    assert!(matches!(error, FrameError::Sides { .. }), "{error:?}");
}

/// With all other limits off, the memory estimate alone stops the bomb: 12.9 GB of pixels.
#[test]
fn the_memory_limit_alone_stops_a_bomb() {
    let limits = StillLimits { max_pixels: u64::MAX, ..StillLimits::default() };
    let error = decode(&png_bomb(65_535), limits).unwrap_err();
    assert!(
        matches!(error, FrameError::Memory { needed, .. } if needed > 12_000_000_000),
        "{error}"
    );
}

#[test]
fn memory_counts_the_decoder_and_the_turned_copy() {
    let picture = make::rgb(64, 64);
    let pixels = 64 * 64 * 3;
    let needed = |bytes: &[u8]| {
        let limits = StillLimits { max_memory_bytes: 1, ..StillLimits::default() };
        match decode(bytes, limits).unwrap_err() {
            FrameError::Memory { needed, .. } => needed,
            other => panic!("{other}"),
        }
    };
    let rgb = DynamicImage::ImageRgb8(picture.clone());
    let png = make::file(&rgb, ImageFormat::Png);
    assert_eq!(needed(&png), pixels + png.len() as u64);
    let deep = make::file(&rgb.to_rgba16().into(), ImageFormat::Png);
    assert_eq!(needed(&deep), 64 * 64 * 8 + deep.len() as u64, "samples are wider than RGB");
    let webp = make::file(&rgb, ImageFormat::WebP);
    assert!(needed(&webp) >= pixels + 64 * 64 * 4, "a canvas of its own");
    let jpeg = make::oriented_jpeg(&picture, 1);
    assert!(needed(&jpeg) > pixels, "rows of blocks");
}

/// Just enough memory is enough, so the decoders' own limits do not refuse what ours allow.
#[test]
fn what_the_estimate_allows_is_decoded() {
    for (name, bytes) in make::each() {
        let refused = StillLimits { max_memory_bytes: 1, ..StillLimits::default() };
        let Err(FrameError::Memory { needed, .. }) = decode(&bytes, refused) else {
            panic!("{name} needs memory");
        };
        let enough = StillLimits { max_memory_bytes: needed, ..StillLimits::default() };
        decode(&bytes, enough).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let short = StillLimits { max_memory_bytes: needed - 1, ..StillLimits::default() };
        assert_eq!(decode(&bytes, short).unwrap_err().kind(), ErrorKind::TooLarge, "{name}");
    }
}
