//! Samples of any colour type to RGB of 8 bits, within one buffer.

use image::{ColorType, ImageError, ImageResult, error::UnsupportedErrorKind};

/// Bytes of one pixel of the result.
const RGB: usize = 3;

/// Has `read` fill a buffer with the samples of `pixels` pixels, and makes RGB of them in place.
///
/// Alpha is dropped, grey becomes three equal channels, 16 bits keep their upper byte.
pub(super) fn decode(
    color: ColorType,
    pixels: u64,
    read: impl FnOnce(&mut [u8]) -> ImageResult<()>,
) -> ImageResult<Vec<u8>> {
    let layout = Layout::of(color).ok_or_else(|| unsupported(color))?;
    let pixels = usize::try_from(pixels).ok().ok_or_else(|| unsupported(color))?;
    // Samples narrower than RGB go to the end of the buffer, from where they widen to its start;
    // wider ones go to the start. Either way no pixel is written before its samples are read.
    let mut buffer = vec![0; pixels * layout.bytes.max(RGB)];
    let start = buffer.len() - pixels * layout.bytes;
    read(&mut buffer[start..])?;
    if layout != Layout::RGB8 {
        layout.convert(&mut buffer, start, pixels);
        buffer.truncate(pixels * RGB);
    }
    Ok(buffer)
}

/// Where a pixel's red, green and blue are among its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    /// Bytes of one pixel.
    bytes: usize,
    /// Offsets of the bytes that are kept.
    kept: [usize; RGB],
}

impl Layout {
    const RGB8: Self = Self { bytes: 3, kept: [0, 1, 2] };

    fn of(color: ColorType) -> Option<Self> {
        let (bytes, step, sample) = match color {
            ColorType::L8 => (1, 0, 1),
            ColorType::La8 => (2, 0, 1),
            ColorType::Rgb8 => (3, 1, 1),
            ColorType::Rgba8 => (4, 1, 1),
            ColorType::L16 => (2, 0, 2),
            ColorType::La16 => (4, 0, 2),
            ColorType::Rgb16 => (6, 1, 2),
            ColorType::Rgba16 => (8, 1, 2),
            ColorType::Rgb32F | ColorType::Rgba32F | _ => return None,
        };
        // Samples of 16 bits come in the machine's byte order.
        let upper = if cfg!(target_endian = "little") { sample - 1 } else { 0 };
        Some(Self { bytes, kept: [0, 1, 2].map(|channel| channel * step * sample + upper) })
    }

    fn convert(self, buffer: &mut [u8], start: usize, pixels: usize) {
        for pixel in 0..pixels {
            let from = start + pixel * self.bytes;
            let rgb = self.kept.map(|offset| buffer[from + offset]);
            buffer[pixel * RGB..(pixel + 1) * RGB].copy_from_slice(&rgb);
        }
    }
}

fn unsupported(color: ColorType) -> ImageError {
    let kind = UnsupportedErrorKind::Color(color.into());
    ImageError::Unsupported(image::error::UnsupportedError::from_format_and_kind(
        image::error::ImageFormatHint::Unknown,
        kind,
    ))
}

#[cfg(test)]
mod tests {
    use image::{ColorType, ImageError};

    use super::decode;

    fn check(color: ColorType, samples: &[u8], expected: &[u8]) {
        let pixels = (samples.len() / usize::from(color.bytes_per_pixel())) as u64;
        let rgb = decode(color, pixels, |buffer| {
            buffer.copy_from_slice(samples);
            Ok(())
        });
        assert_eq!(rgb.unwrap(), expected, "{color:?}");
    }

    fn native(samples: &[u16]) -> Vec<u8> {
        samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect()
    }

    #[test]
    fn every_colour_type_becomes_rgb() {
        check(ColorType::L8, &[1, 2, 3], &[1, 1, 1, 2, 2, 2, 3, 3, 3]);
        check(ColorType::La8, &[1, 200, 2, 0], &[1, 1, 1, 2, 2, 2]);
        check(ColorType::Rgb8, &[1, 2, 3, 4, 5, 6], &[1, 2, 3, 4, 5, 6]);
        check(ColorType::Rgba8, &[1, 2, 3, 0, 4, 5, 6, 9], &[1, 2, 3, 4, 5, 6]);
        check(ColorType::L16, &native(&[0x01ff, 0xfe00]), &[1, 1, 1, 254, 254, 254]);
        check(ColorType::La16, &native(&[0x01ff, 0, 0x0280, 7]), &[1, 1, 1, 2, 2, 2]);
        check(ColorType::Rgb16, &native(&[0x01ff, 0x0280, 0x0300]), &[1, 2, 3]);
        check(ColorType::Rgba16, &native(&[0x0102, 0x0304, 0x0506, 0x0708]), &[1, 3, 5]);
    }

    #[test]
    fn floating_point_samples_are_refused() {
        let refused = decode(ColorType::Rgb32F, 1, |_| Ok(()));
        assert!(matches!(refused, Err(ImageError::Unsupported(_))));
    }
}
