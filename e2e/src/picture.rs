//! Pictures to send: the project's fixtures, and PNG files whose header is a lie.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// A file of the project's `fixtures/`, by its path in there.
#[must_use]
pub fn fixture_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("fixtures").join(name)
}

/// The bytes of a fixture.
///
/// # Errors
/// When there is no such file.
pub fn fixture(name: &str) -> Result<Vec<u8>> {
    let path = fixture_path(name);
    fs::read(&path).with_context(|| path.display().to_string())
}

/// A grey PNG of a few kilobytes whose header claims `width` × `height` pixels: what a decoder that
/// trusts it would allocate is not in the file.
#[must_use]
pub fn claiming_png(width: u32, height: u32) -> Vec<u8> {
    let [header_width, header_height] = [width, height].map(u32::to_be_bytes);
    // 8 bits of grey, deflate, the only filter method, not interlaced.
    let header = [&header_width[..], &header_height, &[8, 0, 0, 0, 0]].concat();
    // A zlib stream that says "dynamic" and then goes on as zeros.
    let pixels = [&[0x78, 0x9c][..], &[0; 4096]].concat();
    let signature: &[u8] = b"\x89PNG\r\n\x1a\n";
    [signature, &chunk(*b"IHDR", &header), &chunk(*b"IDAT", &pixels), &chunk(*b"IEND", &[])]
        .concat()
}

fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes();
    let checked = [&kind, data].concat();
    [&length[..], &checked, &crc32(&checked).to_be_bytes()].concat()
}

/// The checksum of PNG (ISO 3309), a bit at a time.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| {
        if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
    };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

#[cfg(test)]
mod tests {
    use super::{claiming_png, crc32};

    #[test]
    fn the_checksum_is_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_decoder_believes_the_header() {
        let bytes = claiming_png(65_535, 65_535);
        assert!(bytes.len() < 5000);
        let reader = image::ImageReader::new(std::io::Cursor::new(bytes));
        let size = reader.with_guessed_format().unwrap().into_dimensions().unwrap();
        assert_eq!(size, (65_535, 65_535));
    }
}
