//! Pictures of planes to interleaved red, green and blue, for drawing and for encoders.
//!
//! The conversion is that of ITU-R BT.601, BT.709 and BT.2020 in full precision, rounded once; a
//! difference sample counts for the whole square of pixels that share it.

use detections_types::{Image, ImageView, PixelFormat, YuvColor, YuvRange};

use crate::FrameError;

/// Bits behind the point of the factors.
const SHIFT: u32 = 20;

/// The same picture as interleaved 8-bit red, green and blue.
///
/// # Errors
/// [`FrameError::Encode`] for a format that has no such conversion.
pub fn to_rgb8(view: ImageView<'_>) -> Result<Image, FrameError> {
    let rows = 0..view.height();
    let data = match view.format() {
        PixelFormat::Rgb8 => rows.map(|y| view.row(y)).collect::<Vec<_>>().concat(),
        PixelFormat::I420(color) => convert(view, color, |y| {
            view.plane_row(1, y).iter().copied().zip(view.plane_row(2, y).iter().copied())
        }),
        PixelFormat::Nv12(color) => convert(view, color, |y| {
            let (pairs, _) = view.plane_row(1, y).as_chunks::<2>();
            pairs.iter().map(|&[blue, red]| (blue, red))
        }),
        _ => return Err(FrameError::Encode(format!("{:?} pixels", view.format()).into())),
    };
    Image::rgb8(view.width(), view.height(), data).map_err(|error| FrameError::Encode(error.into()))
}

/// All rows, with the differences of blue and red that `differences` gives for each pair of rows.
fn convert<I: Iterator<Item = (u8, u8)>>(
    view: ImageView<'_>,
    color: YuvColor,
    differences: impl Fn(u32) -> I,
) -> Vec<u8> {
    let factors = Factors::of(color);
    let mut data = Vec::with_capacity(view.width() as usize * view.height() as usize * 3);
    for y in 0..view.height() {
        for (luma, (blue, red)) in view.row(y).chunks(2).zip(differences(y / 2)) {
            for &luma in luma {
                data.extend(factors.rgb(luma, blue, red));
            }
        }
    }
    data
}

/// The factors of one matrix and range, with [`SHIFT`] bits behind the point.
struct Factors {
    black: i32,
    luma: i32,
    red_to_red: i32,
    red_to_green: i32,
    blue_to_green: i32,
    blue_to_blue: i32,
}

impl Factors {
    fn of(color: YuvColor) -> Self {
        let (kr, kb) = color.matrix.weights();
        let kg = 1.0 - kr - kb;
        let (black, luma, difference) = match color.range {
            YuvRange::Limited => (16, 255.0 / 219.0, 255.0 / 224.0),
            YuvRange::Full => (0, 1.0, 1.0),
        };
        Self {
            black,
            luma: fixed(luma),
            red_to_red: fixed(difference * 2.0 * (1.0 - kr)),
            red_to_green: fixed(-difference * 2.0 * (1.0 - kr) * kr / kg),
            blue_to_green: fixed(-difference * 2.0 * (1.0 - kb) * kb / kg),
            blue_to_blue: fixed(difference * 2.0 * (1.0 - kb)),
        }
    }

    fn rgb(&self, luma: u8, blue: u8, red: u8) -> [u8; 3] {
        let base = (i32::from(luma) - self.black) * self.luma + (1 << (SHIFT - 1));
        let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
        let byte = |sum: i32| u8::try_from((sum >> SHIFT).clamp(0, 255)).unwrap_or(u8::MAX);
        [
            byte(base + red * self.red_to_red),
            byte(base + red * self.red_to_green + blue * self.blue_to_green),
            byte(base + blue * self.blue_to_blue),
        ]
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "factors are below 3 and the point is at 20 bits"
)]
fn fixed(factor: f64) -> i32 {
    (factor * f64::from(1 << SHIFT)).round() as i32
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use detections_types::{Image, PixelFormat, PlaneLayout, YuvColor, YuvMatrix, YuvRange};

    use super::to_rgb8;

    /// The definition: what luma and differences stand for, then the matrix solved for red, green and blue.
    fn defined(luma: u8, blue: u8, red: u8, color: YuvColor) -> [f64; 3] {
        let (kr, kb) = color.matrix.weights();
        let [luma, blue, red] = [luma, blue, red].map(f64::from);
        let (y, pb, pr) = match color.range {
            YuvRange::Limited => {
                ((luma - 16.0) / 219.0, (blue - 128.0) / 224.0, (red - 128.0) / 224.0)
            }
            YuvRange::Full => (luma / 255.0, (blue - 128.0) / 255.0, (red - 128.0) / 255.0),
        };
        let (r, b) = (y + 2.0 * (1.0 - kr) * pr, y + 2.0 * (1.0 - kb) * pb);
        let g = (y - kr * r - kb * b) / (1.0 - kr - kb);
        [r, g, b].map(|value| (value * 255.0).clamp(0.0, 255.0))
    }

    fn colors() -> impl Iterator<Item = YuvColor> {
        [YuvMatrix::Bt601, YuvMatrix::Bt709, YuvMatrix::Bt2020].into_iter().flat_map(|matrix| {
            [YuvRange::Limited, YuvRange::Full].map(|range| YuvColor { matrix, range })
        })
    }

    fn image(format: PixelFormat, planes: [(usize, usize); 3], data: Vec<u8>) -> Image {
        let planes = planes.map(|(offset, stride)| PlaneLayout { offset, stride });
        Image::shared(3, 3, format, planes, Arc::new(data)).unwrap()
    }

    #[test]
    fn every_byte_is_the_defined_one_rounded() {
        for color in colors() {
            for step in 0..=255_u8 {
                let (luma, blue, red) =
                    (step, step.wrapping_mul(7).wrapping_add(3), step.wrapping_mul(13));
                let mut data = vec![luma; 16];
                data.extend([blue; 4]);
                data.extend([red; 4]);
                let i420 = image(PixelFormat::I420(color), [(0, 4), (16, 2), (20, 2)], data);
                let rgb = to_rgb8(i420.view()).unwrap();
                let wanted = defined(luma, blue, red, color);
                for (byte, wanted) in rgb.view().row(2)[6..].iter().zip(wanted) {
                    assert!(
                        (f64::from(*byte) - wanted).abs() <= 0.501,
                        "{byte} {wanted} {color:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn odd_sides_share_their_last_differences_and_both_layouts_agree() {
        let luma: Vec<u8> = (0..12).map(|index| index * 20).collect();
        let i420 = [&luma[..], &[90, 100, 110, 120], &[200, 190, 180, 170]].concat();
        let nv12 = [&luma[..], &[90, 200, 100, 190, 110, 180, 120, 170]].concat();
        let color = YuvColor::default();
        let i420 = image(PixelFormat::I420(color), [(0, 4), (12, 2), (16, 2)], i420);
        let nv12 = image(PixelFormat::Nv12(color), [(0, 4), (12, 4), (0, 0)], nv12);
        let rgb = to_rgb8(i420.view()).unwrap();
        assert_eq!(rgb, to_rgb8(nv12.view()).unwrap());
        let last = defined(luma[10], 120, 170, color);
        for (byte, wanted) in rgb.view().row(2)[6..].iter().zip(last) {
            assert!((f64::from(*byte) - wanted).abs() <= 0.501, "{byte} {wanted}");
        }
    }
}
