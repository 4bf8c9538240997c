//! Scales, pads, reorders and converts a picture in one pass, straight into the model's input tensor.
//!
//! Bilinear with half-pixel centres and no antialiasing, as OpenCV's `INTER_LINEAR`; results are not rounded
//! to bytes.

mod pick;
mod resample;
mod taps;
mod yuv;

use detections_types::{ImageView, PixelFormat};
use pulp::Arch;

use self::{
    resample::Resampler,
    taps::Axis,
    yuv::{Conversion, YuvLines},
};
use super::{ChannelOrder, Letterbox, Preprocess};
use crate::{InferError, InputShape};

const CHANNELS: usize = InputShape::CHANNELS;

/// Writes pictures into the model's input, with scratch memory that is kept from picture to picture.
#[derive(Debug)]
pub struct Letterboxer {
    preprocess: Preprocess,
    input: InputShape,
    arch: Arch,
    rgb: Resampler<CHANNELS>,
    yuv: YuvLines,
}

impl Letterboxer {
    /// A letterboxer for inputs of this shape.
    #[must_use]
    pub fn new(preprocess: Preprocess, input: InputShape) -> Self {
        let (rgb, yuv) = (Resampler::default(), YuvLines::default());
        Self { preprocess, input, arch: Arch::new(), rgb, yuv }
    }

    /// Writes `image` into `slot`, the planes of one image of the input, and says where it lies.
    ///
    /// Luma and colour differences become red, green and blue as their matrix and range say, clamped to what
    /// bytes can be; colour samples are taken to lie at the left one of two columns and between two rows.
    ///
    /// # Errors
    /// [`InferError::InputBuffer`] when `slot` is not [`InputShape::image_len`] long,
    /// [`InferError::PixelFormat`] when the pixels are in none of the formats RGB, I420 and NV12.
    pub fn write(
        &mut self,
        image: ImageView<'_>,
        slot: &mut [f32],
    ) -> Result<Letterbox, InferError> {
        let expected = self.input.image_len();
        if slot.len() != expected {
            return Err(InferError::InputBuffer { expected, found: slot.len() });
        }
        let factor = self.preprocess.scale.factor();
        let conversion = match image.format() {
            PixelFormat::Rgb8 => None,
            PixelFormat::I420(color) | PixelFormat::Nv12(color) => {
                Some(Conversion::new(color, factor))
            }
            format => return Err(InferError::PixelFormat { format }),
        };
        let fit =
            Letterbox::fit(image.width(), image.height(), self.input, self.preprocess.placement);
        self.fill(&fit, slot);
        let canvas = Canvas { planes: self.planes(slot), stride: self.input.width, fit };
        match conversion {
            None => self.draw_rgb(image, factor, canvas),
            Some(conversion) => self.draw_yuv(image, &conversion, canvas),
        }
        self.normalise(slot);
        Ok(fit)
    }

    fn draw_rgb(&mut self, image: ImageView<'_>, factor: f32, mut canvas: Canvas<'_>) {
        let (fit, rgb) = (canvas.fit, &mut self.rgb);
        rgb.settle(
            Axis::of_pixels(fit.source_height, fit.height),
            Axis::of_pixels(fit.source_width, fit.width),
        );
        self.arch.dispatch(
            #[inline(always)]
            || {
                for y in 0..fit.height {
                    rgb.line(y, factor, |y| row(image, 0, y), canvas.line(y));
                }
            },
        );
    }

    fn draw_yuv(&mut self, image: ImageView<'_>, conversion: &Conversion, mut canvas: Canvas<'_>) {
        let yuv = &mut self.yuv;
        yuv.settle(&canvas);
        self.arch.dispatch(
            #[inline(always)]
            || yuv.draw(image, conversion, &mut canvas),
        );
    }

    /// Takes off a mean and divides by a deviation where the family has such; the others pay nothing.
    fn normalise(&self, slot: &mut [f32]) {
        let Some(normal) = self.preprocess.scale.normal() else {
            return;
        };
        for (plane, [mean, deviation]) in self.planes(slot).into_iter().zip(normal) {
            let (gain, added) = (deviation.recip(), -mean / deviation);
            self.arch.dispatch(
                #[inline(always)]
                || plane.iter_mut().for_each(|value| *value = *value * gain + added),
            );
        }
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

/// The part of the input that the picture covers.
struct Canvas<'a> {
    planes: [&'a mut [f32]; CHANNELS],
    stride: usize,
    fit: Letterbox,
}

impl Canvas<'_> {
    /// The places of row `y` of the picture in the planes red, green and blue.
    #[inline(always)]
    fn line(&mut self, y: usize) -> [&mut [f32]; CHANNELS] {
        let start = (self.fit.top + y) * self.stride + self.fit.left;
        let width = self.fit.width;
        self.planes.each_mut().map(|plane| &mut plane[start..start + width])
    }
}

#[inline(always)]
fn row(image: ImageView<'_>, plane: usize, y: usize) -> &[u8] {
    // Rows are counted in u32 by the image itself, so the number always fits.
    u32::try_from(y).map_or(&[], |y| image.plane_row(plane, y))
}

#[cfg(test)]
mod tests;
