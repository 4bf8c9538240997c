//! The letterbox beside its definition, written plainly in f64.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the tests' numbers are bytes"
)]

use detections_types::{ImageView, PixelFormat, PlaneLayout, YuvColor, YuvMatrix, YuvRange};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_oneof, proptest};

use super::{Letterboxer, row};
use crate::{
    ChannelOrder, InferError, InputShape, Letterbox, PixelScale, Placement, Preprocess,
    numeric::{double, single, whole},
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
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3)
}

/// A sample of `plane`, whose rows have `channels` numbers a place, between its places; edges are repeated.
fn sample(image: ImageView<'_>, plane: [usize; 3], [x, y]: [f64; 2]) -> f64 {
    let [plane, channels, channel] = plane;
    let (bytes, rows) = image.format().plane_size(plane, image.width(), image.height());
    let around = |at: f64, places: usize| {
        let at = at.clamp(0.0, double(places - 1));
        (whole(at), (whole(at) + 1).min(places - 1), at.fract())
    };
    let (left, right, wx) = around(x, bytes / channels);
    let (upper, lower, wy) = around(y, rows);
    let at = |x: usize, y: usize| f64::from(row(image, plane, y)[x * channels + channel]);
    (at(left, upper) * (1.0 - wx) + at(right, upper) * wx) * (1.0 - wy)
        + (at(left, lower) * (1.0 - wx) + at(right, lower) * wx) * wy
}

/// Red, green and blue at a place of the picture, as ITU-R BT.601, BT.709 and BT.2020 have it.
fn colour(image: ImageView<'_>, [x, y]: [f64; 2]) -> [f64; 3] {
    let halved = [x / 2.0, (y - 0.5) / 2.0];
    let (color, planes) = match image.format() {
        PixelFormat::I420(color) => (color, [[1, 1, 0], [2, 1, 0]]),
        PixelFormat::Nv12(color) => (color, [[1, 2, 0], [1, 2, 1]]),
        PixelFormat::Rgb8 => {
            return [0, 1, 2].map(|channel| sample(image, [0, 3, channel], [x, y]));
        }
        other => panic!("{other:?} has no definition here"),
    };
    let (kr, kb) = color.matrix.weights();
    let luma = sample(image, [0, 1, 0], [x, y]);
    let [cb, cr] = planes.map(|plane| sample(image, plane, halved) - 128.0);
    let (luma, cb, cr) = match color.range {
        YuvRange::Limited => ((luma - 16.0) / 219.0, cb / 224.0, cr / 224.0),
        YuvRange::Full => (luma / 255.0, cb / 255.0, cr / 255.0),
    };
    let red = luma + cr * 2.0 * (1.0 - kr);
    let blue = luma + cb * 2.0 * (1.0 - kb);
    let green = (luma - kr * red - kb * blue) / (1.0 - kr - kb);
    [red, green, blue].map(|colour| colour.clamp(0.0, 1.0) * 255.0)
}

/// The definition in f64, pixel by pixel.
fn plain(preprocess: Preprocess, input: InputShape, image: ImageView<'_>) -> Vec<f32> {
    let fit = Letterbox::fit(image.width(), image.height(), input, preprocess.placement);
    let factor = preprocess.scale.factor();
    let mut result = vec![f32::from(preprocess.pad) * factor; input.image_len()];
    let at = |place: usize, source: usize, result: usize| {
        (double(place) + 0.5) * double(source) / double(result) - 0.5
    };
    for (y, x) in (0..fit.height).flat_map(|y| (0..fit.width).map(move |x| (y, x))) {
        let place = [at(x, fit.source_width, fit.width), at(y, fit.source_height, fit.height)];
        for (channel, colour) in colour(image, place).into_iter().enumerate() {
            let plane = match preprocess.order {
                ChannelOrder::Rgb => channel,
                ChannelOrder::Bgr => 2 - channel,
            };
            let place = (plane * input.height + fit.top + y) * input.width + fit.left + x;
            result[place] = single(colour) * factor;
        }
    }
    result
}

/// The bytes of a picture of any format and where its planes lie, with `padding` behind each row.
fn planes(
    format: PixelFormat,
    [width, height]: [u32; 2],
    padding: usize,
) -> ([PlaneLayout; PixelFormat::MAX_PLANES], Vec<u8>) {
    let mut layouts = [PlaneLayout::default(); PixelFormat::MAX_PLANES];
    let mut offset = padding;
    for (plane, layout) in layouts.iter_mut().enumerate().take(format.planes()) {
        let (row, rows) = format.plane_size(plane, width, height);
        *layout = PlaneLayout { offset, stride: row + padding };
        offset += layout.stride * rows;
    }
    (layouts, pixels(offset, 1))
}

fn formats() -> impl Strategy<Value = PixelFormat> {
    let matrix =
        prop_oneof![Just(YuvMatrix::Bt601), Just(YuvMatrix::Bt709), Just(YuvMatrix::Bt2020)];
    let range = prop_oneof![Just(YuvRange::Limited), Just(YuvRange::Full)];
    (matrix, range, 0..3).prop_map(|(matrix, range, format)| match format {
        0 => PixelFormat::Rgb8,
        1 => PixelFormat::I420(YuvColor { matrix, range }),
        _ => PixelFormat::Nv12(YuvColor { matrix, range }),
    })
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
fn scratch_of_one_size_and_format_does_not_leak_into_the_next() {
    let mut boxer = Letterboxer::new(PLAIN, input(32, 64));
    let color = YuvColor::default();
    let formats = [PixelFormat::Rgb8, PixelFormat::I420(color), PixelFormat::Nv12(color)];
    for sides in [[100, 40], [7, 9], [100, 40], [1, 500], [500, 1], [64, 32], [7, 9]] {
        for format in formats {
            let (layouts, bytes) = planes(format, sides, 3);
            let image = ImageView::planar(sides[0], sides[1], format, &layouts, &bytes).unwrap();
            let mut slot = vec![f32::NAN; input(32, 64).image_len()];
            boxer.write(image, &mut slot).unwrap();
            let expected = plain(PLAIN, input(32, 64), image);
            assert!(close(&slot, &expected), "{sides:?} {format:?}");
        }
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
    fn every_size_and_format_agrees_with_the_definition(
        format in formats(),
        sides in [1_u32..80, 1_u32..80],
        padding in 0_usize..7,
        bgr in any::<bool>(),
        top_left in any::<bool>(),
    ) {
        let (layouts, bytes) = planes(format, sides, padding);
        let [width, height] = sides;
        let image = ImageView::planar(width, height, format, &layouts, &bytes).unwrap();
        let preprocess = Preprocess {
            order: if bgr { ChannelOrder::Bgr } else { ChannelOrder::Rgb },
            placement: if top_left { Placement::TopLeft } else { Placement::Centre },
            ..PLAIN
        };
        let shape = input(24, 40);
        prop_assert!(close(&write(preprocess, shape, image), &plain(preprocess, shape, image)));
    }
}

/// White, black, and the three colours at full strength, rounded to bytes: H.273's equations by hand.
#[test]
fn known_colours_of_limited_bt709_are_met() {
    let color = YuvColor { matrix: YuvMatrix::Bt709, range: YuvRange::Limited };
    let known = [
        ([235, 128, 128], [255.0, 255.0, 255.0]),
        ([16, 128, 128], [0.0, 0.0, 0.0]),
        ([63, 102, 240], [255.0, 0.0, 0.0]),
        ([173, 42, 26], [0.0, 255.0, 0.0]),
        ([32, 240, 118], [0.0, 0.0, 255.0]),
        ([255, 128, 128], [255.0, 255.0, 255.0]),
        ([0, 128, 128], [0.0, 0.0, 0.0]),
    ];
    for (bytes, expected) in known {
        let layouts = [0, 1, 2].map(|offset| PlaneLayout { offset, stride: 1 });
        let format = PixelFormat::I420(color);
        let image = ImageView::planar(1, 1, format, &layouts, &bytes).unwrap();
        let found = write(PLAIN, input(1, 1), image);
        let apart = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 2.0, "{bytes:?}: {found:?}");
    }
}

/// Rounding to bytes first moves a colour by half a step; what clamping first changes is not smooth.
#[test]
fn smooth_pictures_look_as_if_they_had_been_converted_first() {
    let (width, height, shape) = (96_u32, 64_u32, input(40, 40));
    let format = PixelFormat::I420(YuvColor::default());
    let (layouts, mut bytes) = planes(format, [width, height], 0);
    for (plane, (base, slope)) in [(60, 1), (118, 1), (134, 2)].into_iter().enumerate() {
        let PlaneLayout { offset, stride } = layouts[plane];
        let (_, rows) = format.plane_size(plane, width, height);
        for (y, x) in (0..rows).flat_map(|y| (0..stride).map(move |x| (y, x))) {
            bytes[offset + y * stride + x] = base + ((x + y) / 8 * slope) as u8;
        }
    }
    let image = ImageView::planar(width, height, format, &layouts, &bytes).unwrap();
    let same = write(PLAIN, input(height as usize, width as usize), image);
    let plane = (width * height) as usize;
    let converted: Vec<u8> =
        (0..plane * 3).map(|i| same[i % 3 * plane + i / 3].round() as u8).collect();
    let converted =
        ImageView::new(width, height, PixelFormat::Rgb8, width as usize * 3, &converted).unwrap();
    let (at_once, after) = (write(PLAIN, shape, image), write(PLAIN, shape, converted));
    let apart = at_once.iter().zip(&after).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart <= 1.0, "{apart}");
}

#[test]
fn imagenet_takes_off_each_colours_mean_whatever_the_order() {
    let (red, green, blue) = (255, 0, 51);
    let data = [red, green, blue].repeat(4);
    let image = ImageView::new(2, 2, PixelFormat::Rgb8, 6, &data).unwrap();
    let placement = Placement::Stretch;
    let standard = Preprocess { scale: PixelScale::ImageNet, placement, ..PLAIN };
    let rgb = write(standard, input(4, 4), image);
    let bgr = write(Preprocess { order: ChannelOrder::Bgr, ..standard }, input(4, 4), image);
    let expected = [(1.0 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225];
    for (plane, value) in expected.into_iter().enumerate() {
        assert!(close(&rgb[plane * 16..(plane + 1) * 16], &[value; 16]), "{rgb:?}");
        assert!(close(&bgr[(2 - plane) * 16..(3 - plane) * 16], &[value; 16]), "{bgr:?}");
    }
}
