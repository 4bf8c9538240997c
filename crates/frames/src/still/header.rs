//! What every format's header gives, and what decoding the picture will cost.

use detections_types::Image;
use image::metadata::Orientation;

use super::{Exif, Still, StillFormat, StillOptions, orient};
use crate::FrameError;

/// Bytes of one pixel of the result.
pub(super) const RGB: u64 = 3;

/// The stored size of a picture and its orientation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) orientation: Orientation,
}

impl Header {
    /// How many pixels there are.
    pub(super) const fn pixels(&self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// Bytes of a second copy of the picture, when it has to be turned by a quarter.
    pub(super) const fn turned_bytes(&self, exif: Exif) -> u64 {
        match exif {
            Exif::Apply if orient::swaps_sides(self.orientation) => RGB * self.pixels(),
            Exif::Apply | Exif::Ignore => 0,
        }
    }

    /// Checks the picture against the limits: its size, and the memory for its pixels, for
    /// `decoder` bytes that its decoder takes, and for turning it.
    pub(super) fn check(
        &self,
        format: StillFormat,
        decoder: u64,
        options: &StillOptions,
    ) -> Result<(), FrameError> {
        options.limits.check_size(format, self.width, self.height)?;
        let pixels = RGB * self.pixels();
        // The decoder's buffers are gone before the second copy is made.
        let needed = pixels + decoder.max(self.turned_bytes(options.exif));
        options.limits.check_memory(format, needed)
    }

    /// The picture whose stored RGB pixels are `pixels`, turned as it is asked for.
    pub(super) fn finish(
        &self,
        format: StillFormat,
        mut pixels: Vec<u8>,
        exif: Exif,
    ) -> Result<Still, FrameError> {
        let (mut width, mut height) = (self.width, self.height);
        if exif == Exif::Apply {
            pixels = orient::apply(pixels, self.orientation, width as usize, height as usize);
            (width, height) = orient::upright_size(self.orientation, width, height);
        }
        let image = Image::rgb8(width, height, pixels)
            .map_err(|source| FrameError::Undecodable { format, source: source.into() })?;
        Ok(Still { image, format, orientation: self.orientation.to_exif() })
    }
}

/// The orientation in an EXIF block, with or without the name before it; 1 when there is none.
pub(super) fn orientation(exif: Option<&[u8]>) -> Orientation {
    exif.map(|exif| exif.strip_prefix(b"Exif\0\0").unwrap_or(exif))
        .and_then(Orientation::from_exif_chunk)
        .unwrap_or(Orientation::NoTransforms)
}
