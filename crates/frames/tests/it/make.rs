//! Pictures for the tests, made with the `image` crate's encoders.

use std::io::Cursor;

use detections_types::Image;
use image::{DynamicImage, ImageFormat, RgbImage};

/// A colourful picture with edges and gradients.
pub(crate) fn rgb(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let edge = if (x / 9 + y / 7) % 2 == 0 { 60 } else { 0 };
        let scale = |value: u32, of: u32| (value * 180 / of.max(1)) as u8 + edge;
        image::Rgb([scale(x, width), scale(y, height), scale(x + y, width + height)])
    })
}

/// The same as one of our pictures.
pub(crate) fn ours(picture: &RgbImage) -> Image {
    Image::rgb8(picture.width(), picture.height(), picture.as_raw().clone()).unwrap()
}

/// A file.
pub(crate) fn file(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A file of each format, of a picture of 61x47 pixels.
pub(crate) fn each() -> Vec<(&'static str, Vec<u8>)> {
    let picture = DynamicImage::ImageRgb8(rgb(61, 47));
    let formats = [
        ("JPEG", ImageFormat::Jpeg),
        ("PNG", ImageFormat::Png),
        ("WebP", ImageFormat::WebP),
        ("GIF", ImageFormat::Gif),
        ("TIFF", ImageFormat::Tiff),
        ("BMP", ImageFormat::Bmp),
    ];
    formats.map(|(name, format)| (name, file(&picture, format))).to_vec()
}

/// A JPEG with the orientation in an EXIF segment behind its start.
pub(crate) fn oriented_jpeg(picture: &RgbImage, orientation: u8) -> Vec<u8> {
    let jpeg = file(&DynamicImage::ImageRgb8(picture.clone()), ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], b"\xff\xe1", &length, &exif, &jpeg[2..]].concat()
}

/// The mean absolute difference of two pictures of the same size.
pub(crate) fn difference(a: &Image, b: &Image) -> f64 {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let (a, b) = (a.clone().into_data(), b.clone().into_data());
    let sum: u64 = a.iter().zip(&b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.len() as f64
}
