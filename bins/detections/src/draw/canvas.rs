//! The pixels that are drawn on: filled rectangles and blended dots, both clipped to the picture.

use detections_types::{Image, Rect, Source};

use super::style::Style;

/// Red, green, blue.
pub(super) type Rgb = [u8; 3];

/// Whole pixels of a picture: columns `x0..x1` of rows `y0..y1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x0: u32,
    pub(super) y0: u32,
    pub(super) x1: u32,
    pub(super) y1: u32,
}

/// A picture that is being drawn on.
#[derive(Debug)]
pub(super) struct Canvas<'a> {
    width: u32,
    height: u32,
    data: &'a mut [u8],
}

const BYTES: usize = 3;

impl<'a> Canvas<'a> {
    pub(super) fn new(image: &'a mut Image) -> Self {
        Self { width: image.width(), height: image.height(), data: image.data_mut() }
    }

    /// All pixels.
    pub(super) const fn whole(&self) -> Area {
        Area { x0: 0, y0: 0, x1: self.width, y1: self.height }
    }

    /// Characters of a label that fit side by side.
    pub(super) fn columns_for(&self, style: &Style) -> usize {
        (self.width.saturating_sub(2 * style.padding) / style.glyph_width()) as usize
    }

    /// The pixels that `rect` covers, at least one; `None` when it lies outside the picture.
    pub(super) fn area(&self, rect: &Rect<Source>) -> Option<Area> {
        let outside = rect.x1 < 0.0
            || rect.y1 < 0.0
            || rect.x0 >= side(self.width)
            || rect.y0 >= side(self.height);
        if !rect.is_finite() || outside {
            return None;
        }
        let (x0, x1) = span(rect.x0, rect.x1, self.width);
        let (y0, y1) = span(rect.y0, rect.y1, self.height);
        Some(Area { x0, y0, x1, y1 })
    }

    /// Paints every pixel of `area` that lies inside the picture.
    pub(super) fn fill(&mut self, area: Area, color: Rgb) {
        let (x0, x1) = (area.x0.min(self.width), area.x1.min(self.width));
        for y in area.y0..area.y1.min(self.height) {
            let row = self.offset(x0, y)..self.offset(x0.max(x1), y);
            for pixel in self.data[row].chunks_exact_mut(BYTES) {
                pixel.copy_from_slice(&color);
            }
        }
    }

    /// Mixes `color` into one pixel: 0 leaves it, 255 replaces it. Outside the picture nothing happens.
    pub(super) fn blend(&mut self, x: u32, y: u32, color: Rgb, coverage: u8) {
        if x >= self.width || y >= self.height {
            return;
        }
        let start = self.offset(x, y);
        for (channel, ink) in self.data[start..start + BYTES].iter_mut().zip(color) {
            *channel = mix(*channel, ink, coverage);
        }
    }

    const fn offset(&self, x: u32, y: u32) -> usize {
        (y as usize * self.width as usize + x as usize) * BYTES
    }
}

fn mix(below: u8, ink: u8, coverage: u8) -> u8 {
    let cover = u16::from(coverage);
    let sum = u16::from(ink) * cover + u16::from(below) * (255 - cover) + 127;
    u8::try_from(sum / 255).unwrap_or(u8::MAX)
}

/// The whole pixels nearest to `from..to` within a side of `length` pixels, at least one.
fn span(from: f32, to: f32, length: u32) -> (u32, u32) {
    let start = pixel(from).min(length.saturating_sub(1));
    (start, pixel(to).clamp(start + 1, length))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from float saturates, and the result is clamped to the picture"
)]
fn pixel(edge: f32) -> u32 {
    edge.round() as u32
}

#[expect(clippy::cast_precision_loss, reason = "pictures are far smaller than 2^24 pixels a side")]
fn side(length: u32) -> f32 {
    length as f32
}

#[cfg(test)]
mod tests {
    use detections_types::{Image, Rect};

    use super::{Area, Canvas, mix};

    fn image(width: u32, height: u32) -> Image {
        Image::rgb8(width, height, vec![0; (width * height * 3) as usize]).unwrap()
    }

    #[test]
    fn a_box_covers_the_nearest_whole_pixels() {
        let mut image = image(10, 8);
        let canvas = Canvas::new(&mut image);
        let cases = [
            ((1.0, 2.0, 4.0, 5.0), Some((1, 2, 4, 5))),
            ((1.4, 1.6, 3.4, 3.6), Some((1, 2, 3, 4))),
            ((-5.0, -5.0, 3.0, 3.0), Some((0, 0, 3, 3))),
            ((7.0, 6.0, 50.0, 1e30), Some((7, 6, 10, 8))),
            ((3.0, 3.0, 3.0, 3.0), Some((3, 3, 4, 4))),
            ((5.0, 5.0, 2.0, 2.0), Some((5, 5, 6, 6))),
            ((9.8, 7.9, 9.9, 8.0), Some((9, 7, 10, 8))),
            ((-9.0, 0.0, -1.0, 5.0), None),
            ((10.0, 0.0, 12.0, 5.0), None),
            ((0.0, f32::NAN, 3.0, 3.0), None),
            ((0.0, 0.0, f32::INFINITY, 3.0), None),
        ];
        for ((x0, y0, x1, y1), expected) in cases {
            let expected = expected.map(|(x0, y0, x1, y1)| Area { x0, y0, x1, y1 });
            let rect = Rect::from_corners(x0, y0, x1, y1);
            assert_eq!(canvas.area(&rect), expected, "{rect:?}");
        }
    }

    #[test]
    fn filling_and_blending_stop_at_the_edge() {
        let mut image = image(3, 2);
        let mut canvas = Canvas::new(&mut image);
        canvas.fill(Area { x0: 2, y0: 1, x1: 9, y1: 9 }, [1, 2, 3]);
        canvas.fill(Area { x0: 7, y0: 0, x1: 9, y1: 9 }, [9, 9, 9]);
        canvas.blend(3, 0, [9, 9, 9], 255);
        canvas.blend(0, 2, [9, 9, 9], 255);
        let mut expected = vec![0; 18];
        expected[15..].copy_from_slice(&[1, 2, 3]);
        assert_eq!(image.into_data(), expected);
    }

    #[test]
    fn mixing_reaches_both_ends_exactly() {
        assert_eq!((mix(7, 200, 0), mix(7, 200, 255), mix(0, 255, 128)), (7, 200, 128));
    }
}
