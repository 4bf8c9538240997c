//! Every format decodes to the pixels that went in.

use detections_frames::{
    Exif, StillEncoding, StillLimits, StillOptions, decode_still, encode_still, probe_still,
};
use detections_types::{Image, ImageView, PixelFormat};
use image::{DynamicImage, ImageFormat};

use crate::make;

fn decode(bytes: &[u8]) -> Image {
    decode_still(bytes, &StillOptions::default()).unwrap().image
}

#[test]
fn lossless_formats_give_the_pixels_back_and_jpeg_nearly() {
    let expected = make::ours(&make::rgb(61, 47));
    for (name, bytes) in make::each() {
        let still = decode_still(&bytes, &StillOptions::default()).unwrap();
        assert_eq!(still.format.to_string(), name);
        // JPEG is lossy, and a GIF has 256 colours.
        let allowed = match name {
            "JPEG" | "GIF" => 6.0,
            _ => 0.0,
        };
        let difference = make::difference(&still.image, &expected);
        assert!(difference <= allowed, "{name}: {difference}");
    }
}

#[test]
fn a_probe_says_what_a_decode_gives() {
    for (name, bytes) in make::each() {
        let info = probe_still(&bytes, &StillLimits::default()).unwrap();
        assert_eq!((info.width, info.height, info.orientation), (61, 47, 1), "{name}");
    }
}

/// The same samples in 16 bits, the lower byte of which must not matter.
fn deep<P>(width: u32, samples: &[u8]) -> image::ImageBuffer<P, Vec<u16>>
where
    P: image::Pixel<Subpixel = u16>,
{
    let deep: Vec<u16> = samples.iter().map(|sample| u16::from(*sample) << 8 | 0xfe).collect();
    let height = deep.len() as u32 / u32::from(P::CHANNEL_COUNT) / width;
    image::ImageBuffer::from_raw(width, height, deep).unwrap()
}

#[test]
fn other_colour_types_become_rgb() {
    let rgb = DynamicImage::ImageRgb8(make::rgb(33, 20));
    let grey = DynamicImage::ImageLuma8(rgb.to_luma8());
    let pictures = [
        (&grey, grey.clone()),
        (&grey, DynamicImage::ImageLuma16(deep(33, grey.as_bytes()))),
        (&rgb, DynamicImage::ImageRgb16(deep(33, rgb.as_bytes()))),
        (&rgb, DynamicImage::ImageRgba8(rgb.to_rgba8())),
        (&rgb, DynamicImage::ImageRgba16(deep(33, rgb.to_rgba8().as_raw()))),
    ];
    for format in [ImageFormat::Png, ImageFormat::Tiff] {
        for (expected, picture) in &pictures {
            let decoded = decode(&make::file(picture, format));
            let difference = make::difference(&decoded, &make::ours(&expected.to_rgb8()));
            assert!(difference == 0.0, "{format:?} {:?}: {difference}", picture.color());
        }
    }
}

#[test]
fn alpha_is_dropped_and_not_composited() {
    let clear = image::RgbaImage::from_pixel(4, 4, image::Rgba([200, 100, 50, 0]));
    for format in [ImageFormat::Png, ImageFormat::Tiff] {
        let decoded = decode(&make::file(&DynamicImage::ImageRgba8(clear.clone()), format));
        assert_eq!(decoded.view().row(0)[..3], [200, 100, 50], "{format:?}");
    }
}

#[test]
fn a_grey_jpeg_has_three_equal_channels() {
    let grey = DynamicImage::ImageLuma8(DynamicImage::ImageRgb8(make::rgb(40, 24)).to_luma8());
    let decoded = decode(&make::file(&grey, ImageFormat::Jpeg));
    assert!(
        decoded.into_data().chunks(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2])
    );
}

#[test]
fn all_orientations_are_applied_or_ignored_and_always_told() {
    let picture = make::rgb(48, 32);
    let stored = decode(&make::oriented_jpeg(&picture, 1));
    for orientation in 1..=8 {
        let bytes = make::oriented_jpeg(&picture, orientation);
        let ignored = StillOptions { exif: Exif::Ignore, ..StillOptions::default() };
        let still = decode_still(&bytes, &ignored).unwrap();
        assert!(still.image == stored, "{orientation} ignored");
        assert_eq!(still.orientation, orientation);

        let upright = decode_still(&bytes, &StillOptions::default()).unwrap();
        let info = probe_still(&bytes, &StillLimits::default()).unwrap();
        let expected = if orientation > 4 { (32, 48) } else { (48, 32) };
        assert_eq!((upright.image.width(), upright.image.height()), expected, "{orientation}");
        assert_eq!(
            (info.width, info.height, info.orientation),
            (expected.0, expected.1, orientation)
        );
    }
}

#[test]
fn an_orientation_out_of_range_is_none() {
    for orientation in [0, 9, 255] {
        let bytes = make::oriented_jpeg(&make::rgb(16, 8), orientation);
        assert_eq!(decode_still(&bytes, &StillOptions::default()).unwrap().orientation, 1);
    }
}

#[test]
fn encoded_pictures_decode_again() {
    let picture = make::ours(&make::rgb(50, 30));
    let png = encode_still(picture.view(), StillEncoding::Png).unwrap();
    assert!(decode(&png) == picture);
    let jpeg = encode_still(picture.view(), StillEncoding::Jpeg { quality: 95 }).unwrap();
    assert!(make::difference(&decode(&jpeg), &picture) < 4.0);
}

#[test]
fn padding_behind_the_rows_is_not_encoded() {
    let mut padded = vec![9; 8 * 2];
    padded[6..8].fill(255);
    let view = ImageView::new(2, 2, PixelFormat::Rgb8, 8, &padded).unwrap();
    let decoded = decode(&encode_still(view, StillEncoding::Png).unwrap());
    assert_eq!(decoded.into_data(), [9; 12]);
}
