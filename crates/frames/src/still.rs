//! Still pictures: what they are, how large, and their pixels, upright.

mod header;
mod jpeg;
mod jpeg_end;
mod orient;
mod raster;
mod samples;

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use detections_types::Image;

use crate::{FrameError, StillLimits};

/// A format of still pictures that can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StillFormat {
    /// JPEG: baseline and progressive; grey, YCbCr, RGB, CMYK and YCCK.
    Jpeg,
    /// PNG: all colour types and depths.
    Png,
    /// WebP: lossy and lossless; the first picture of an animation.
    WebP,
    /// GIF: the first picture.
    Gif,
    /// TIFF: the first picture; grey, RGB and CMYK of 8 and 16 bits.
    Tiff,
    /// Windows bitmap.
    Bmp,
}

impl fmt::Display for StillFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Tiff => "TIFF",
            Self::Bmp => "BMP",
        })
    }
}

/// What to do with the orientation that a file states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Exif {
    /// Turn the picture upright.
    #[default]
    Apply,
    /// Take the pixels as they are stored.
    Ignore,
}

/// How to decode a still picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StillOptions {
    /// What it may cost.
    pub limits: StillLimits,
    /// What to do with its orientation.
    pub exif: Exif,
}

/// What the header of a still picture says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StillInfo {
    /// The format, by its magic bytes.
    pub format: StillFormat,
    /// Width of the upright picture in pixels.
    pub width: u32,
    /// Height of the upright picture in pixels.
    pub height: u32,
    /// The EXIF orientation that the file states, 1..=8; 1 when it states none.
    pub orientation: u8,
}

/// A decoded still picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Still {
    /// The pixels: RGB, 8 bits.
    pub image: Image,
    /// The format, by its magic bytes.
    pub format: StillFormat,
    /// The EXIF orientation that the file states, 1..=8, whether it was applied or not.
    pub orientation: u8,
}

/// Reads the header of a still picture, as far as [`decode_still`] checks it before it decodes.
///
/// ```
/// use detections_frames::{StillEncoding, StillLimits, encode_still, probe_still};
/// use detections_types::Image;
///
/// let grey = Image::rgb8(40, 30, vec![114; 40 * 30 * 3]).unwrap();
/// let png = encode_still(grey.view(), StillEncoding::Png)?;
/// let info = probe_still(&png, &StillLimits::default())?;
/// assert_eq!((info.width, info.height, info.orientation), (40, 30, 1));
/// # Ok::<(), detections_frames::FrameError>(())
/// ```
///
/// # Errors
/// [`FrameError`]: [`UnknownFormat`](FrameError::UnknownFormat), a header that is cut or damaged, or
/// a picture beyond the limits.
pub fn probe_still(bytes: &[u8], limits: &StillLimits) -> Result<StillInfo, FrameError> {
    let format = sniff(bytes)?;
    let options = StillOptions { limits: *limits, exif: Exif::Apply };
    let header = guard(format, || {
        if format == StillFormat::Jpeg {
            jpeg::probe(bytes, &options)
        } else {
            raster::probe(format, bytes, &options)
        }
    })?;
    let (width, height) = orient::upright_size(header.orientation, header.width, header.height);
    Ok(StillInfo { format, width, height, orientation: header.orientation.to_exif() })
}

/// Decodes a still picture: the first one where a file holds several.
///
/// Alpha is dropped and the colours stay as they are stored, nothing is composited; 16-bit samples
/// keep their upper byte; colour profiles are not applied. All of it is what OpenCV's `imread` does.
///
/// # Errors
/// [`FrameError`]: [`UnknownFormat`](FrameError::UnknownFormat), [`Truncated`](FrameError::Truncated)
/// or [`Undecodable`](FrameError::Undecodable) bytes, or a picture beyond the limits, which is told
/// from its header before anything is decoded.
pub fn decode_still(bytes: &[u8], options: &StillOptions) -> Result<Still, FrameError> {
    let format = sniff(bytes)?;
    guard(format, || {
        if format == StillFormat::Jpeg {
            jpeg::decode(bytes, options)
        } else {
            raster::decode(format, bytes, options)
        }
    })
}

/// The format by magic bytes; what a client calls the picture is not looked at.
fn sniff(bytes: &[u8]) -> Result<StillFormat, FrameError> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    if bytes.is_empty() {
        Err(FrameError::Empty)
    } else if starts(b"\xff\xd8\xff") {
        Ok(StillFormat::Jpeg)
    } else if starts(b"\x89PNG\r\n\x1a\n") {
        Ok(StillFormat::Png)
    } else if starts(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Ok(StillFormat::WebP)
    } else if starts(b"GIF87a") || starts(b"GIF89a") {
        Ok(StillFormat::Gif)
    } else if starts(b"II\x2a\0") || starts(b"MM\0\x2a") {
        Ok(StillFormat::Tiff)
    } else if is_bmp(bytes) {
        Ok(StillFormat::Bmp)
    } else {
        Err(FrameError::UnknownFormat)
    }
}

/// Two letters alone would make many a text a bitmap; a header of one of the known sizes follows.
fn is_bmp(bytes: &[u8]) -> bool {
    let header = bytes.get(14..18).and_then(|size| size.try_into().ok()).map(u32::from_le_bytes);
    bytes.starts_with(b"BM") && matches!(header, Some(12 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// Decoders work on hostile bytes; a bug in one must not take a thread of the program with it.
///
/// They are given borrowed bytes and buffers of their own, so that nothing half-done stays behind.
fn guard<T>(
    format: StillFormat,
    work: impl FnOnce() -> Result<T, FrameError>,
) -> Result<T, FrameError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(FrameError::DecoderPanicked { format }))
}
