//! PNG, WebP, GIF, TIFF and BMP, through the decoders of the `image` crate: the header is read and
//! checked first, then the samples are decoded into the buffer that becomes the picture.

use std::{error::Error, io};

use image::{
    ColorType, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, metadata::Orientation,
};

use super::{
    Still, StillFormat, StillOptions,
    header::{self, Header, RGB},
    samples,
};
use crate::FrameError;

/// What reading a header may take, so that its size can be told however small the limit is.
const HEADER_BYTES: u64 = 16 << 20;

type Decoder<'a> = Box<dyn ImageDecoder + 'a>;

/// Reads the header and checks it.
pub(super) fn probe(
    format: StillFormat,
    bytes: &[u8],
    options: &StillOptions,
) -> Result<Header, FrameError> {
    open(format, bytes, options).map(|(_, header)| header)
}

/// Decodes the picture.
pub(super) fn decode(
    format: StillFormat,
    bytes: &[u8],
    options: &StillOptions,
) -> Result<Still, FrameError> {
    let (decoder, header) = open(format, bytes, options)?;
    let color = decoder.color_type();
    let pixels = samples::decode(color, header.pixels(), |buffer| decoder.read_image(buffer))
        .map_err(|error| refused(format, error))?;
    header.finish(format, pixels, options.exif)
}

/// A decoder behind the header of a picture that is within the limits.
fn open<'a>(
    format: StillFormat,
    bytes: &'a [u8],
    options: &StillOptions,
) -> Result<(Decoder<'a>, Header), FrameError> {
    if format == StillFormat::WebP && is_cut_riff(bytes) {
        return Err(FrameError::Truncated { format });
    }
    let mut reader = ImageReader::with_format(io::Cursor::new(bytes), image_format(format));
    reader.limits(decoder_limits(options.limits.max_memory_bytes.max(HEADER_BYTES)));
    let decoder = reader.into_decoder().map_err(|error| refused(format, error))?;
    let mut decoder: Decoder<'a> = Box::new(decoder);
    let (width, height) = decoder.dimensions();
    options.limits.check_size(format, width, height)?;
    let orientation = orientation(format, &mut decoder)?;
    let header = Header { width, height, orientation };
    let own = decoder_bytes(format, &header, decoder.color_type(), bytes.len());
    header.check(format, own, options)?;
    let left = options.limits.max_memory_bytes - RGB * header.pixels();
    decoder.set_limits(decoder_limits(left)).map_err(|error| refused(format, error))?;
    Ok((decoder, header))
}

fn orientation(format: StillFormat, decoder: &mut Decoder<'_>) -> Result<Orientation, FrameError> {
    if format == StillFormat::Tiff {
        return decoder.orientation().map_err(|error| refused(format, error));
    }
    let exif = decoder.exif_metadata().map_err(|error| refused(format, error))?;
    Ok(header::orientation(exif.as_deref()))
}

/// Whether a RIFF file is shorter than its header says: WebP's decoder calls that many things.
fn is_cut_riff(bytes: &[u8]) -> bool {
    let size = bytes.get(4..8).and_then(|size| size.try_into().ok()).map(u32::from_le_bytes);
    size.is_none_or(|size| u64::from(size) + 8 > bytes.len() as u64)
}

const fn image_format(format: StillFormat) -> ImageFormat {
    match format {
        StillFormat::Jpeg => ImageFormat::Jpeg,
        StillFormat::Png => ImageFormat::Png,
        StillFormat::WebP => ImageFormat::WebP,
        StillFormat::Gif => ImageFormat::Gif,
        StillFormat::Tiff => ImageFormat::Tiff,
        StillFormat::Bmp => ImageFormat::Bmp,
    }
}

/// The decoders' own limits, against what the header does not tell.
fn decoder_limits(max_alloc: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(max_alloc);
    limits
}

/// What a decoder takes beside the RGB pixels: samples wider than theirs, and buffers of its own.
fn decoder_bytes(format: StillFormat, header: &Header, color: ColorType, encoded: usize) -> u64 {
    let samples = u64::from(color.bytes_per_pixel());
    let own = match format {
        // A row or two.
        StillFormat::Jpeg | StillFormat::Png | StillFormat::Bmp | StillFormat::Gif => 0,
        // A canvas, or planes and their chroma.
        StillFormat::WebP => 8,
        // The picture as stored, which for CMYK has a sample more than RGB.
        StillFormat::Tiff => samples + samples / 3,
    };
    (samples.saturating_sub(RGB) + own) * header.pixels() + encoded as u64
}

fn refused(format: StillFormat, error: ImageError) -> FrameError {
    match error {
        ImageError::IoError(error) if ends_early(&error) => FrameError::Truncated { format },
        ImageError::Decoding(error) if ends_early(&error) => FrameError::Truncated { format },
        ImageError::Unsupported(_) => FrameError::Unsupported { format, source: error.into() },
        ImageError::Limits(_) => FrameError::DecoderMemory { format, source: error.into() },
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::IoError(_) => FrameError::Undecodable { format, source: error.into() },
    }
}

/// Whether the bytes ended too early, however deep the decoder hides it.
fn ends_early(error: &(dyn Error + 'static)) -> bool {
    let eof = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
    error.downcast_ref::<io::Error>().is_some_and(eof) || error.source().is_some_and(ends_early)
}
