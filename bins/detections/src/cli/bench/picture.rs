//! The picture that is measured with: one from a file, or one of shapes and noise that is always the same.

use std::path::Path;

use detections_frames::{StillOptions, decode_still};
use detections_types::{ErrorKind, Image};

use crate::{
    cli::{
        exit::{Exit, Failure, explain},
        inputs::read_picture,
    },
    config::Config,
    engine::still_limits,
};

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;

/// Decodes the picture at `path`, upright.
pub(super) fn open(path: &Path, config: &Config) -> Result<Image, Failure> {
    let name = path.display();
    let bytes = read_picture(path)
        .map_err(|error| Failure { exit: Exit::BadInput, message: format!("{name}: {error}") })?;
    let options = StillOptions { limits: still_limits(&config.limits), ..StillOptions::default() };
    let still = decode_still(&bytes, &options).map_err(|error| Failure {
        exit: error.kind().into(),
        message: format!("{name}: {}", explain(&error)),
    })?;
    Ok(still.image)
}

/// 1280x720 pixels of coloured tiles with noise on them.
pub(super) fn synthetic() -> Result<Image, Failure> {
    let mut noise = 1_u32;
    let mut byte = move || {
        // Marsaglia, "Xorshift RNGs", 2003.
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        noise.to_le_bytes()[0] / 8
    };
    let places = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x / 80, y / 80)));
    let pixels = places.flat_map(|(x, y)| {
        [x * 31 + y * 7, x * 11 + y * 43, x * 5 + y * 19].map(|tile| tile.to_le_bytes()[0] / 8 * 7)
    });
    let data = pixels.map(|tile| tile + byte()).collect();
    Image::rgb8(WIDTH, HEIGHT, data).map_err(|error| Failure::new(ErrorKind::Internal, &error))
}

#[cfg(test)]
mod tests {
    use super::synthetic;

    #[test]
    fn the_synthetic_picture_is_always_the_same_and_not_flat() {
        let (first, second) = (synthetic().unwrap(), synthetic().unwrap());
        assert_eq!(first, second);
        let data = first.into_data();
        assert!(data.iter().max() > Some(&200) && data.iter().min() < Some(&20));
    }
}
