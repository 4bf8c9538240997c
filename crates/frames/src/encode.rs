//! Pixels to encoded bytes, for pictures with boxes drawn on them.

use std::borrow::Cow;

use detections_types::{ImageView, PixelFormat};
use image::{
    ExtendedColorType, ImageEncoder, ImageError,
    codecs::{
        jpeg::JpegEncoder,
        png::{CompressionType, FilterType, PngEncoder},
    },
};

use crate::FrameError;

/// How to encode a still picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StillEncoding {
    /// Baseline JPEG.
    Jpeg {
        /// 1..=100, where 100 is the best; values outside are taken as the nearest within.
        quality: u8,
    },
    /// PNG of 8 bits, without alpha, compressed fast rather than well.
    Png,
}

/// Encodes a picture.
///
/// # Errors
/// [`FrameError::Encode`] when the format cannot hold it: no JPEG has a side over 65,535.
pub fn encode_still(image: ImageView<'_>, encoding: StillEncoding) -> Result<Vec<u8>, FrameError> {
    if image.format() != PixelFormat::Rgb8 {
        return Err(FrameError::Encode(format!("{:?} pixels", image.format()).into()));
    }
    let color = ExtendedColorType::Rgb8;
    let pixels = rows(image);
    let mut bytes = Vec::new();
    let (width, height) = (image.width(), image.height());
    match encoding {
        StillEncoding::Jpeg { quality } => {
            JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100))
                .write_image(&pixels, width, height, color)
        }
        StillEncoding::Png => {
            PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive)
                .write_image(&pixels, width, height, color)
        }
    }
    .map_err(|error: ImageError| FrameError::Encode(error.into()))?;
    Ok(bytes)
}

/// All rows without what is between them; copied only where something is.
fn rows(image: ImageView<'_>) -> Cow<'_, [u8]> {
    image.contiguous().map_or_else(
        || (0..image.height()).map(|y| image.row(y)).collect::<Vec<_>>().concat().into(),
        Cow::Borrowed,
    )
}
