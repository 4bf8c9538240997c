//! JPEG, decoded straight into RGB: one pass over the header, no copy of the bytes, no second
//! conversion for grey or CMYK pictures.
//!
//! CMYK and YCCK are taken as Adobe writes them, inverted, whether or not the file has Adobe's
//! marker; so do OpenCV and Pillow.

use zune_jpeg::{
    JpegDecoder,
    errors::DecodeErrors,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::{
    Still, StillFormat, StillOptions,
    header::{self, Header},
    jpeg_end::{self, Scans},
};
use crate::FrameError;

const FORMAT: StillFormat = StillFormat::Jpeg;

type Decoder<'a> = JpegDecoder<ZCursor<&'a [u8]>>;

/// Reads the header and checks it.
pub(super) fn probe(bytes: &[u8], options: &StillOptions) -> Result<Header, FrameError> {
    open(bytes, options).map(|(_, header)| header)
}

/// Decodes the picture.
pub(super) fn decode(bytes: &[u8], options: &StillOptions) -> Result<Still, FrameError> {
    let (mut decoder, header) = open(bytes, options)?;
    let mut pixels = vec![0; decoder.output_buffer_size().unwrap_or_default()];
    decoder.decode_into(&mut pixels).map_err(refused)?;
    drop(decoder);
    header.finish(FORMAT, pixels, options.exif)
}

/// A decoder behind the header of a picture that is within the limits and whole.
fn open<'a>(bytes: &'a [u8], options: &StillOptions) -> Result<(Decoder<'a>, Header), FrameError> {
    let mut decoder = Decoder::new_with_options(ZCursor::new(bytes), decoder_options());
    decoder.decode_headers().map_err(refused)?;
    let header = read_header(&decoder);
    options.limits.check_size(FORMAT, header.width, header.height)?;
    let scans = jpeg_end::walk(bytes).ok_or(FrameError::Truncated { format: FORMAT })?;
    let components = decoder.input_colorspace().map_or(0, |space| space.num_components());
    header.check(FORMAT, decoder_bytes(&header, components, scans), options)?;
    Ok((decoder, header))
}

/// Strict, for otherwise what is damaged becomes grey; the sides are checked against our limits.
fn decoder_options() -> DecoderOptions {
    DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB)
}

fn read_header(decoder: &Decoder<'_>) -> Header {
    let (width, height) = decoder.dimensions().unwrap_or_default();
    // Both fields of a JPEG header have 16 bits.
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let orientation = header::orientation(decoder.exif().map(Vec::as_slice));
    Header { width: side(width), height: side(height), orientation }
}

/// Rows of blocks of all components, before and after upsampling; and where the picture comes in
/// several scans, the 16-bit coefficients of all of it.
fn decoder_bytes(header: &Header, components: usize, scans: Scans) -> u64 {
    const ROWS: u64 = 3 * 8 * 4;
    const COEFFICIENT: u64 = 2;
    let components = components as u64;
    let padded = |side: u32| u64::from(side).next_multiple_of(32);
    let (width, height) = (padded(header.width), padded(header.height));
    let rows = match scans {
        Scans::One => ROWS,
        Scans::Several => ROWS + height,
    };
    rows * width * components * COEFFICIENT
}

fn refused(error: DecodeErrors) -> FrameError {
    match error {
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => {
            FrameError::Truncated { format: FORMAT }
        }
        DecodeErrors::Unsupported(_) => {
            FrameError::Unsupported { format: FORMAT, source: error.into() }
        }
        DecodeErrors::Format(_)
        | DecodeErrors::FormatStatic(_)
        | DecodeErrors::IllegalMagicBytes(_)
        | DecodeErrors::HuffmanDecode(_)
        | DecodeErrors::ZeroError
        | DecodeErrors::DqtError(_)
        | DecodeErrors::SosError(_)
        | DecodeErrors::SofError(_)
        | DecodeErrors::MCUError(_)
        | DecodeErrors::LargeDimensions(_)
        | DecodeErrors::TooSmallOutput(..) => {
            FrameError::Undecodable { format: FORMAT, source: error.into() }
        }
    }
}
