//! How thick and how large: lines and letters that stay readable on a thumbnail and on a satellite picture.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster_width};

/// The only weight of the font that is used, and compiled in.
pub(super) const WEIGHT: FontWeight = FontWeight::Bold;

/// Sizes in pixels for one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    /// Width of a box's sides.
    pub(super) line: u32,
    /// Height of the letters as they are stored.
    pub(super) raster: RasterHeight,
    /// How many times the stored letters are enlarged.
    pub(super) scale: u32,
    /// Room around the letters.
    pub(super) padding: u32,
}

impl Style {
    /// Sizes for a picture of `width` × `height` pixels.
    ///
    /// Sides are 3 per mille of the mean side, letters a thirtieth of the shorter one.
    pub(super) fn for_picture(width: u32, height: u32) -> Self {
        let mean = width / 2 + height / 2;
        // One pixel is lost among the details of all but thumbnails.
        let thinnest = if mean < 200 { 1 } else { 2 };
        let line = (mean.saturating_mul(3).saturating_add(500) / 1000).max(thinnest);
        let wanted = width.min(height) / 30;
        let scale = (wanted / 32).max(1);
        let raster = match wanted {
            0..18 => RasterHeight::Size16,
            18..22 => RasterHeight::Size20,
            22..28 => RasterHeight::Size24,
            _ => RasterHeight::Size32,
        };
        Self { line, raster, scale, padding: 2 * scale }
    }

    /// Width of one letter on the picture.
    pub(super) fn glyph_width(&self) -> u32 {
        stored(get_raster_width(WEIGHT, self.raster)) * self.scale
    }

    /// Height of one letter on the picture.
    pub(super) fn glyph_height(&self) -> u32 {
        stored(self.raster.val()) * self.scale
    }
}

/// Sizes of stored letters are at most 32.
fn stored(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use noto_sans_mono_bitmap::RasterHeight::{Size16, Size20, Size32};

    use super::Style;

    #[test]
    fn sizes_grow_with_the_picture() {
        let cases = [
            ((1, 1), (1, Size16, 1)),
            ((64, 64), (1, Size16, 1)),
            ((300, 200), (2, Size16, 1)),
            ((640, 640), (2, Size20, 1)),
            ((1920, 1080), (5, Size32, 1)),
            ((4000, 3000), (11, Size32, 3)),
            ((65_535, 100), (98, Size16, 1)),
        ];
        for ((width, height), expected) in cases {
            let style = Style::for_picture(width, height);
            assert_eq!((style.line, style.raster, style.scale), expected, "{width}x{height}");
        }
    }
}
