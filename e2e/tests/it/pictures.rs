//! Pictures that tests send, and what is known of them.

use std::io::Cursor;

use anyhow::Result;
use detections_e2e::picture::fixture;
use image::{DynamicImage, GenericImageView, ImageFormat, RgbImage};

/// A JPEG with many objects.
pub(crate) const TOWN: &str = "media/town.jpg";
/// Pictures of different sizes and formats.
pub(crate) const MIXED: [&str; 5] =
    [TOWN, "media/harbour.png", "media/road.webp", "media/portrait_beach.jpg", "media/meadow.bmp"];

/// A confidence so low that every picture has something above it.
pub(crate) const NEARLY_EVERYTHING: &str = "/detect?confidence=0.01";

/// The size of an encoded picture, as stored.
pub(crate) fn size(bytes: &[u8]) -> Result<(u32, u32)> {
    Ok(decoded(bytes)?.dimensions())
}

/// The pixels of an encoded picture, as stored.
pub(crate) fn decoded(bytes: &[u8]) -> Result<DynamicImage> {
    Ok(image::load_from_memory(bytes)?)
}

/// The town, as bytes.
pub(crate) fn town() -> Result<Vec<u8>> {
    fixture(TOWN)
}

/// A JPEG of 24 million pixels: decoding it takes a while, sending it does not.
pub(crate) fn laborious() -> Result<Vec<u8>> {
    let blank = RgbImage::from_fn(6000, 4000, |x, y| {
        let [red, green] = [x, y].map(|place| u8::try_from(place / 32 % 256).unwrap_or(0));
        image::Rgb([red, green, 90])
    });
    let mut bytes = Cursor::new(Vec::new());
    blank.write_to(&mut bytes, ImageFormat::Jpeg)?;
    Ok(bytes.into_inner())
}
