//! Scales, pads, reorders and converts a picture in one pass, straight into the model's input tensor.
//!
//! Bilinear with half-pixel centres and no antialiasing, as OpenCV's `INTER_LINEAR`; results are not rounded
//! to bytes. Where rows are merged, two source rows are blended first and the columns picked from the blend;
//! where rows are repeated, each source row is resampled once and the results are blended.

use detections_types::{ImageView, PixelFormat};
use pulp::Arch;

use super::{ChannelOrder, Letterbox, Preprocess};
use crate::{
    InferError, InputShape,
    numeric::{double, single, whole},
};

const CHANNELS: usize = InputShape::CHANNELS;

/// Writes pictures into the model's input, with scratch memory that is kept from picture to picture.
#[derive(Debug)]
pub struct Letterboxer {
    preprocess: Preprocess,
    input: InputShape,
    arch: Arch,
    columns: Columns,
    scratch: Scratch,
}

impl Letterboxer {
    /// A letterboxer for inputs of this shape.
    #[must_use]
    pub fn new(preprocess: Preprocess, input: InputShape) -> Self {
        let (columns, scratch) = (Columns::default(), Scratch::default());
        Self { preprocess, input, arch: Arch::new(), columns, scratch }
    }

    /// Writes `image` into `slot`, the planes of one image of the input, and says where it lies.
    ///
    /// # Errors
    /// [`InferError::InputBuffer`] when `slot` is not [`InputShape::image_len`] long,
    /// [`InferError::PixelFormat`] when the pixels are not interleaved RGB.
    pub fn write(
        &mut self,
        image: ImageView<'_>,
        slot: &mut [f32],
    ) -> Result<Letterbox, InferError> {
        if image.format() != PixelFormat::Rgb8 {
            return Err(InferError::PixelFormat { format: image.format() });
        }
        let expected = self.input.image_len();
        if slot.len() != expected {
            return Err(InferError::InputBuffer { expected, found: slot.len() });
        }
        let fit =
            Letterbox::fit(image.width(), image.height(), self.input, self.preprocess.placement);
        self.columns.settle(fit.source_width, fit.width);
        self.fill(&fit, slot);
        let factor = self.preprocess.scale.factor();
        let mut canvas =
            Canvas { planes: self.planes(slot), stride: self.input.width, fit, factor };
        let (columns, scratch) = (&self.columns, &mut self.scratch);
        self.arch.dispatch(
            #[inline(always)]
            || canvas.draw(image, columns, scratch),
        );
        Ok(fit)
    }

    /// The planes of `slot` in the order red, green, blue.
    fn planes<'s>(&self, slot: &'s mut [f32]) -> [&'s mut [f32]; CHANNELS] {
        let plane = self.input.height * self.input.width;
        let (first, rest) = slot.split_at_mut(plane);
        let (second, third) = rest.split_at_mut(plane);
        match self.preprocess.order {
            ChannelOrder::Rgb => [first, second, third],
            ChannelOrder::Bgr => [third, second, first],
        }
    }

    /// Fills what the picture does not cover.
    fn fill(&self, fit: &Letterbox, slot: &mut [f32]) {
        let pad = f32::from(self.preprocess.pad) * self.preprocess.scale.factor();
        let width = self.input.width;
        for plane in slot.chunks_exact_mut(self.input.height * width) {
            let (above, rest) = plane.split_at_mut(fit.top * width);
            let (beside, below) = rest.split_at_mut(fit.height * width);
            above.fill(pad);
            below.fill(pad);
            if fit.width < width {
                for row in beside.chunks_exact_mut(width) {
                    row[..fit.left].fill(pad);
                    row[fit.left + fit.width..].fill(pad);
                }
            }
        }
    }
}

/// Where each column of the result comes from; kept until the sizes change.
#[derive(Debug, Default)]
struct Columns {
    source: usize,
    taps: Vec<Tap>,
}

/// Two neighbours of a row and the weight of the second.
#[derive(Debug, Clone, Copy)]
struct Tap {
    first: usize,
    weight: f32,
}

impl Tap {
    /// The colours between its pixels, and a lane that means nothing.
    #[inline(always)]
    fn lanes(self, row: &[f32]) -> [f32; CHANNELS + 1] {
        let Some(near) = row.get(self.first..).and_then(<[f32]>::first_chunk::<7>) else {
            return [0.0; CHANNELS + 1];
        };
        std::array::from_fn(
            #[inline(always)]
            |lane| near[lane] + self.weight * (near[lane + CHANNELS] - near[lane]),
        )
    }
}

impl Columns {
    /// Makes the table for rows of `source` pixels that become `result` pixels.
    fn settle(&mut self, source: usize, result: usize) {
        if (self.source, self.taps.len()) == (source, result) {
            return;
        }
        self.source = source;
        self.taps.clear();
        self.taps.extend((0..result).map(|position| {
            let Tap { first, weight } = tap(position, source, result);
            Tap { first: first * CHANNELS, weight }
        }));
    }
}

/// The source pixels of `position`, of `source` pixels that become `result`: half-pixel centres, edges repeated.
#[inline(always)]
fn tap(position: usize, source: usize, result: usize) -> Tap {
    let scale = double(source) / double(result);
    let center = (double(position) + 0.5) * scale - 0.5;
    let first = whole(center);
    if center <= 0.0 {
        Tap { first: 0, weight: 0.0 }
    } else if first + 1 >= source {
        Tap { first: source - 1, weight: 0.0 }
    } else {
        Tap { first, weight: single(center - double(first)) }
    }
}

/// Rows between source and result.
#[derive(Debug, Default)]
struct Scratch {
    /// A source row in floats, two pixels of zeros behind it for taps of weight 0 and the lane to spare.
    row: Vec<f32>,
    /// Two resampled rows, plane after plane, and the source rows they come from.
    resampled: [Resampled; 2],
}

#[derive(Debug, Default)]
struct Resampled {
    source: Option<usize>,
    planes: Vec<f32>,
}

/// The part of the input that the picture covers.
struct Canvas<'a> {
    planes: [&'a mut [f32]; CHANNELS],
    stride: usize,
    fit: Letterbox,
    factor: f32,
}

impl Canvas<'_> {
    #[inline(always)]
    fn draw(&mut self, image: ImageView<'_>, columns: &Columns, scratch: &mut Scratch) {
        scratch.row.clear();
        scratch.row.resize((self.fit.source_width + 2) * CHANNELS, 0.0);
        if self.fit.height <= self.fit.source_height {
            self.blend_then_pick(image, columns, &mut scratch.row);
        } else {
            self.pick_then_blend(image, columns, scratch);
        }
    }

    /// For rows that are merged: every source row is read about once.
    #[inline(always)]
    fn blend_then_pick(&mut self, image: ImageView<'_>, columns: &Columns, blended: &mut [f32]) {
        for y in 0..self.fit.height {
            let (upper, lower, weights) = self.rows(y);
            let (upper, lower) = (row(image, upper), row(image, lower));
            for ((out, &a), &b) in blended.iter_mut().zip(upper).zip(lower) {
                *out = f32::from(a) * weights[0] + f32::from(b) * weights[1];
            }
            pick(blended, &columns.taps, self.line(y));
        }
    }

    /// For rows that are repeated: every source row is resampled once.
    #[inline(always)]
    fn pick_then_blend(&mut self, image: ImageView<'_>, columns: &Columns, scratch: &mut Scratch) {
        let width = self.fit.width;
        for resampled in &mut scratch.resampled {
            resampled.source = None;
            resampled.planes.resize(width * CHANNELS, 0.0);
        }
        for y in 0..self.fit.height {
            let (upper, lower, weights) = self.rows(y);
            for source in [upper, lower] {
                let resampled = &mut scratch.resampled[source % 2];
                if resampled.source != Some(source) {
                    resampled.source = Some(source);
                    for (out, &byte) in scratch.row.iter_mut().zip(row(image, source)) {
                        *out = f32::from(byte);
                    }
                    pick(&scratch.row, &columns.taps, split(&mut resampled.planes, width));
                }
            }
            let upper = scratch.resampled[upper % 2].planes.chunks_exact(width);
            let lower = scratch.resampled[lower % 2].planes.chunks_exact(width);
            for ((line, upper), lower) in self.line(y).into_iter().zip(upper).zip(lower) {
                for ((out, &a), &b) in line.iter_mut().zip(upper).zip(lower) {
                    *out = a * weights[0] + b * weights[1];
                }
            }
        }
    }

    /// The two source rows of row `y` and what they count, the pixel scale included.
    #[inline(always)]
    fn rows(&self, y: usize) -> (usize, usize, [f32; 2]) {
        let Tap { first, weight } = tap(y, self.fit.source_height, self.fit.height);
        let second = (first + 1).min(self.fit.source_height - 1);
        (first, second, [(1.0 - weight) * self.factor, weight * self.factor])
    }

    /// The places of row `y` of the picture in the planes.
    #[inline(always)]
    fn line(&mut self, y: usize) -> [&mut [f32]; CHANNELS] {
        let start = (self.fit.top + y) * self.stride + self.fit.left;
        let width = self.fit.width;
        self.planes.each_mut().map(|plane| &mut plane[start..start + width])
    }
}

#[inline(always)]
fn row(image: ImageView<'_>, y: usize) -> &[u8] {
    // Rows are counted in u32 by the image itself, so the number always fits.
    u32::try_from(y).map_or(&[], |y| image.row(y))
}

#[inline(always)]
fn split(planes: &mut [f32], width: usize) -> [&mut [f32]; CHANNELS] {
    let (red, rest) = planes.split_at_mut(width);
    let (green, blue) = rest.split_at_mut(width);
    [red, green, blue]
}

/// Picks the columns of an interleaved row and parts the colours, a few pixels at a time: each pixel is one
/// vector with a lane to spare, and the vectors are transposed into the planes.
#[inline(always)]
fn pick(row: &[f32], taps: &[Tap], planes: [&mut [f32]; CHANNELS]) {
    const GROUP: usize = 4;
    let [red, green, blue] = planes;
    let (groups, rest) = taps.as_chunks::<GROUP>();
    let (reds, red_rest) = red.as_chunks_mut::<GROUP>();
    let (greens, green_rest) = green.as_chunks_mut::<GROUP>();
    let (blues, blue_rest) = blue.as_chunks_mut::<GROUP>();
    let places = reds.iter_mut().zip(greens).zip(blues);
    for (taps, ((red, green), blue)) in groups.iter().zip(places) {
        let pixels = taps.map(|tap| tap.lanes(row));
        *red = pixels.map(|pixel| pixel[0]);
        *green = pixels.map(|pixel| pixel[1]);
        *blue = pixels.map(|pixel| pixel[2]);
    }
    let places = red_rest.iter_mut().zip(green_rest).zip(blue_rest);
    for (tap, ((red, green), blue)) in rest.iter().zip(places) {
        [*red, *green, *blue, _] = tap.lanes(row);
    }
}

#[cfg(test)]
mod tests {
    use detections_types::{ImageView, PixelFormat};
    use proptest::prelude::{any, prop_assert, proptest};

    use super::{Letterboxer, row, tap};
    use crate::{
        ChannelOrder, InferError, InputShape, Letterbox, PixelScale, Placement, Preprocess,
        numeric::single,
    };

    const PLAIN: Preprocess = Preprocess {
        order: ChannelOrder::Rgb,
        scale: PixelScale::Bytes,
        placement: Placement::TopLeft,
        pad: 114,
    };

    const fn input(height: usize, width: usize) -> InputShape {
        InputShape { max_batch: 1, height, width }
    }

    fn write(preprocess: Preprocess, input: InputShape, image: ImageView<'_>) -> Vec<f32> {
        let mut slot = vec![f32::NAN; input.image_len()];
        Letterboxer::new(preprocess, input).write(image, &mut slot).unwrap();
        slot
    }

    fn pixels(stride: usize, height: u32) -> Vec<u8> {
        let mixed = |i: usize| i.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()[5];
        (0..stride * height as usize).map(mixed).collect()
    }

    fn close(found: &[f32], expected: &[f32]) -> bool {
        found.len() == expected.len()
            && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3)
    }

    /// The definition in f64, pixel by pixel.
    fn plain(preprocess: Preprocess, input: InputShape, image: ImageView<'_>) -> Vec<f32> {
        let fit = Letterbox::fit(image.width(), image.height(), input, preprocess.placement);
        let factor = preprocess.scale.factor();
        let mut result = vec![f32::from(preprocess.pad) * factor; input.image_len()];
        for (y, x, channel) in (0..fit.height)
            .flat_map(|y| (0..fit.width).flat_map(move |x| (0..3).map(move |c| (y, x, c))))
        {
            let (tx, ty) =
                (tap(x, fit.source_width, fit.width), tap(y, fit.source_height, fit.height));
            let at = |x: usize, y: usize| {
                let (x, y) = (x.min(fit.source_width - 1), y.min(fit.source_height - 1));
                f64::from(row(image, y)[x * 3 + channel])
            };
            let (wx, wy) = (f64::from(tx.weight), f64::from(ty.weight));
            let upper = at(tx.first, ty.first) * (1.0 - wx) + at(tx.first + 1, ty.first) * wx;
            let lower =
                at(tx.first, ty.first + 1) * (1.0 - wx) + at(tx.first + 1, ty.first + 1) * wx;
            let plane = match preprocess.order {
                ChannelOrder::Rgb => channel,
                ChannelOrder::Bgr => 2 - channel,
            };
            let place = (plane * input.height + fit.top + y) * input.width + fit.left + x;
            result[place] = single(upper * (1.0 - wy) + lower * wy) * factor;
        }
        result
    }

    #[test]
    fn the_same_size_is_copied_into_planes() {
        let bytes: Vec<u8> = (0..12).collect();
        let image = ImageView::new(2, 2, PixelFormat::Rgb8, 6, &bytes).unwrap();
        let expected = [0., 3., 6., 9., 1., 4., 7., 10., 2., 5., 8., 11.];
        assert_eq!(write(PLAIN, input(2, 2), image), expected);
        let blue_first = Preprocess { order: ChannelOrder::Bgr, ..PLAIN };
        let expected = [2., 5., 8., 11., 1., 4., 7., 10., 0., 3., 6., 9.];
        assert_eq!(write(blue_first, input(2, 2), image), expected);
    }

    /// OpenCV gives 0, 64, 191, 255 for 0, 255 stretched to four pixels: 0, 63.75, 191.25, 255.
    #[test]
    fn stretching_has_half_pixel_centres_and_repeats_edges() {
        let bytes = [0, 0, 0, 255, 255, 255];
        let image = ImageView::new(2, 1, PixelFormat::Rgb8, 6, &bytes).unwrap();
        let found = write(PLAIN, input(2, 4), image);
        assert!(close(&found[..4], &[0.0, 63.75, 191.25, 255.0]), "{found:?}");
        assert!(close(&found[4..8], &found[..4]), "{found:?}");
    }

    #[test]
    fn shrinking_by_two_averages_two_by_two() {
        let bytes: Vec<u8> = [10, 20, 30, 40].into_iter().flat_map(|v| [v, 0, 255]).collect();
        let image = ImageView::new(2, 2, PixelFormat::Rgb8, 6, &bytes).unwrap();
        assert!(close(&write(PLAIN, input(1, 1), image), &[25.0, 0.0, 255.0]));
    }

    #[test]
    fn the_space_around_is_grey_and_the_scale_is_applied() {
        let centred = Preprocess { placement: Placement::Centre, scale: PixelScale::Unit, ..PLAIN };
        let image = ImageView::new(1, 2, PixelFormat::Rgb8, 3, &[255; 6]).unwrap();
        let found = write(centred, input(2, 4), image);
        let grey = 114.0 / 255.0;
        assert!(close(&found[..4], &[grey, 1.0, grey, grey]), "{found:?}");
    }

    #[test]
    fn scratch_of_one_size_does_not_leak_into_the_next() {
        let mut boxer = Letterboxer::new(PLAIN, input(32, 64));
        for (width, height) in [(100, 40), (7, 9), (100, 40), (1, 500), (500, 1), (7, 9)] {
            let bytes = pixels(width as usize * 3, height);
            let image =
                ImageView::new(width, height, PixelFormat::Rgb8, width as usize * 3, &bytes)
                    .unwrap();
            let mut slot = vec![f32::NAN; input(32, 64).image_len()];
            boxer.write(image, &mut slot).unwrap();
            assert!(close(&slot, &plain(PLAIN, input(32, 64), image)), "{width}x{height}");
        }
    }

    #[test]
    fn a_slot_of_another_length_is_an_error() {
        let image = ImageView::new(1, 1, PixelFormat::Rgb8, 3, &[0; 3]).unwrap();
        let found = Letterboxer::new(PLAIN, input(4, 4)).write(image, &mut [0.0; 47]);
        assert!(matches!(found, Err(InferError::InputBuffer { expected: 48, found: 47 })));
    }

    proptest! {
        #[test]
        fn every_size_agrees_with_the_definition(
            width in 1_u32..80, height in 1_u32..80, padding in 0_usize..7, bgr in any::<bool>(), top_left in any::<bool>(),
        ) {
            let stride = width as usize * 3 + padding;
            let bytes = pixels(stride, height);
            let image = ImageView::new(width, height, PixelFormat::Rgb8, stride, &bytes).unwrap();
            let preprocess = Preprocess {
                order: if bgr { ChannelOrder::Bgr } else { ChannelOrder::Rgb },
                placement: if top_left { Placement::TopLeft } else { Placement::Centre },
                ..PLAIN
            };
            let shape = input(24, 40);
            prop_assert!(close(&write(preprocess, shape, image), &plain(preprocess, shape, image)));
        }
    }
}
