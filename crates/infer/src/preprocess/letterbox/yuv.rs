//! Luma and colour differences on their way to red, green and blue.
//!
//! The conversion is linear up to its clamp, so it comes after the resampling, for the pixels of the result alone.

use detections_types::{ImageView, YuvColor, YuvRange};

use super::{Canvas, resample::Resampler, row, taps::Axis};
use crate::{InputShape, numeric::single};

/// Rows of luma, of blue and of red difference.
type Lines<L> = [L; InputShape::CHANNELS];

/// Draws pictures of two or three planes, with scratch memory that is kept from picture to picture.
///
/// Colour samples are sited as in MPEG-2 and, unless said otherwise, in H.264 and H.265: at the left one of two
/// columns and between two rows.
#[derive(Debug, Default)]
pub(super) struct YuvLines {
    luma: Resampler<1>,
    /// Blue and red difference, each in a plane of its own.
    blue: Resampler<1>,
    red: Resampler<1>,
    /// Both in one plane.
    differences: Resampler<2>,
    lines: Lines<Vec<f32>>,
}

impl YuvLines {
    /// Gets ready for a picture that is drawn on `canvas`.
    pub(super) fn settle(&mut self, canvas: &Canvas<'_>) {
        let fit = canvas.fit;
        let columns = Axis::of_pixels(fit.source_width, fit.width);
        self.luma.settle(Axis::of_pixels(fit.source_height, fit.height), columns);
        let rows = Axis::of_pairs_centred(fit.source_height, fit.height);
        let columns = Axis::of_pairs_at_first(fit.source_width, fit.width);
        self.blue.settle(rows, columns);
        self.red.settle(rows, columns);
        self.differences.settle(rows, columns);
        self.lines.iter_mut().for_each(|line| line.resize(fit.width, 0.0));
    }

    /// Draws `image` after it was [settled](Self::settle) where.
    #[inline(always)]
    pub(super) fn draw(
        &mut self,
        image: ImageView<'_>,
        conversion: &Conversion,
        canvas: &mut Canvas<'_>,
    ) {
        let paired = image.format().planes() == 2;
        for y in 0..canvas.fit.height {
            let [luma, blue, red] = self.lines.each_mut().map(Vec::as_mut_slice);
            self.luma.line(y, 1.0, |y| row(image, 0, y), [luma]);
            if paired {
                self.differences.line(y, 1.0, |y| row(image, 1, y), [blue, red]);
            } else {
                self.blue.line(y, 1.0, |y| row(image, 1, y), [blue]);
                self.red.line(y, 1.0, |y| row(image, 2, y), [red]);
            }
            conversion.convert(self.lines.each_ref().map(Vec::as_slice), canvas.line(y));
        }
    }
}

/// What each of luma, blue and red difference counts in a colour, and what is added.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conversion {
    luma: f32,
    red_in_red: f32,
    blue_in_green: f32,
    red_in_green: f32,
    blue_in_blue: f32,
    added: [f32; InputShape::CHANNELS],
    white: f32,
}

impl Conversion {
    /// From bytes to colours of 0 to 255 times `factor`, as ITU-R BT.601, BT.709 and BT.2020 define it.
    pub(super) fn new(color: YuvColor, factor: f32) -> Self {
        let (red, blue) = color.matrix.weights();
        let green = 1.0 - red - blue;
        let (black, luma, difference) = match color.range {
            YuvRange::Limited => (16.0, 255.0 / 219.0, 255.0 / 224.0),
            YuvRange::Full => (0.0, 1.0, 1.0),
        };
        let (red_span, blue_span) = (2.0 * (1.0 - red), 2.0 * (1.0 - blue));
        let red_in_red = red_span * difference;
        let blue_in_blue = blue_span * difference;
        let red_in_green = -red_in_red * red / green;
        let blue_in_green = -blue_in_blue * blue / green;
        let factor = f64::from(factor);
        let added = |differences: f64| single(-factor * (black * luma + 128.0 * differences));
        Self {
            luma: single(factor * luma),
            red_in_red: single(factor * red_in_red),
            blue_in_green: single(factor * blue_in_green),
            red_in_green: single(factor * red_in_green),
            blue_in_blue: single(factor * blue_in_blue),
            added: [added(red_in_red), added(blue_in_green + red_in_green), added(blue_in_blue)],
            white: single(factor * 255.0),
        }
    }

    /// Writes the red, green and blue of a row, a vector at a time.
    #[inline(always)]
    fn convert(&self, samples: Lines<&[f32]>, colours: Lines<&mut [f32]>) {
        const GROUP: usize = 8;
        let [(luma, luma_rest), (blues, blue_rest), (reds, red_rest)] =
            samples.map(<[f32]>::as_chunks::<GROUP>);
        let [(r, r_rest), (g, g_rest), (b, b_rest)] = colours.map(<[f32]>::as_chunks_mut::<GROUP>);
        let groups = luma.iter().zip(blues).zip(reds);
        for (((luma, blues), reds), ((r, g), b)) in groups.zip(r.iter_mut().zip(g).zip(b)) {
            [*r, *g, *b] = self.colours(*luma, *blues, *reds);
        }
        let rest = luma_rest.iter().zip(blue_rest).zip(red_rest);
        let places = r_rest.iter_mut().zip(g_rest).zip(b_rest);
        for (((luma, blue), red), ((r, g), b)) in rest.zip(places) {
            [[*r], [*g], [*b]] = self.colours([*luma], [*blue], [*red]);
        }
    }

    #[inline(always)]
    fn colours<const N: usize>(
        &self,
        luma: [f32; N],
        blues: [f32; N],
        reds: [f32; N],
    ) -> Lines<[f32; N]> {
        let mut colours = [[0.0; N]; InputShape::CHANNELS];
        for i in 0..N {
            let (grey, blue, red) = (luma[i] * self.luma, blues[i], reds[i]);
            colours[0][i] = self.held(grey + red * self.red_in_red + self.added[0]);
            let differences = blue * self.blue_in_green + red * self.red_in_green;
            colours[1][i] = self.held(grey + differences + self.added[1]);
            colours[2][i] = self.held(grey + blue * self.blue_in_blue + self.added[2]);
        }
        colours
    }

    /// The nearest colour that there is: many differences stand for none.
    #[inline(always)]
    const fn held(&self, colour: f32) -> f32 {
        colour.max(0.0).min(self.white)
    }
}
