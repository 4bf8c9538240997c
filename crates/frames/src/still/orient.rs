//! Turning a picture upright, in place where its sides stay, in one pass where they swap.

use image::metadata::Orientation;

/// Bytes of one pixel.
const RGB: usize = 3;

/// Pixels of a side of the squares in which a picture is turned, so that both its rows and its
/// columns stay in the cache.
const TILE: usize = 32;

/// Whether turning the picture upright swaps its width and height.
pub(super) const fn swaps_sides(orientation: Orientation) -> bool {
    match orientation {
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => true,
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => false,
    }
}

/// The size of the picture once it is upright.
pub(super) const fn upright_size(orientation: Orientation, width: u32, height: u32) -> (u32, u32) {
    if swaps_sides(orientation) { (height, width) } else { (width, height) }
}

/// Turns the RGB pixels of a picture of `width` columns and `height` rows upright.
pub(super) fn apply(
    mut pixels: Vec<u8>,
    orientation: Orientation,
    width: usize,
    height: usize,
) -> Vec<u8> {
    let last = |len: usize, at: usize| len - 1 - at;
    match orientation {
        Orientation::NoTransforms => {}
        Orientation::FlipHorizontal => {
            pixels.chunks_exact_mut(width * RGB).for_each(reverse_pixels);
        }
        Orientation::Rotate180 => reverse_pixels(&mut pixels),
        Orientation::FlipVertical => swap_rows(&mut pixels, width * RGB),
        Orientation::Rotate90 => return turn(&pixels, width, |x, y| (y, last(height, x))),
        Orientation::Rotate270 => return turn(&pixels, width, |x, y| (last(width, y), x)),
        Orientation::Rotate90FlipH => return turn(&pixels, width, |x, y| (y, x)),
        Orientation::Rotate270FlipH => {
            return turn(&pixels, width, |x, y| (last(width, y), last(height, x)));
        }
    }
    pixels
}

fn reverse_pixels(pixels: &mut [u8]) {
    let (pixels, _) = pixels.as_chunks_mut::<RGB>();
    pixels.reverse();
}

fn swap_rows(data: &mut [u8], row: usize) {
    let half = data.len() / row / 2 * row;
    let (upper, rest) = data.split_at_mut(half);
    let pairs = upper.chunks_exact_mut(row).zip(rest.rchunks_exact_mut(row));
    pairs.for_each(|(above, below)| above.swap_with_slice(below));
}

/// The pixels of a picture of swapped sides, whose pixel `(x, y)` is the stored one at
/// `source(x, y)`; `stored_width` is what becomes the height.
fn turn(
    stored: &[u8],
    stored_width: usize,
    source: impl Fn(usize, usize) -> (usize, usize),
) -> Vec<u8> {
    let (from, _) = stored.as_chunks::<RGB>();
    let mut turned = vec![0; stored.len()];
    let (to, _) = turned.as_chunks_mut::<RGB>();
    let (width, height) = (from.len() / stored_width, stored_width);
    for (left, top) in tiles(width, height) {
        for y in top..height.min(top + TILE) {
            for x in left..width.min(left + TILE) {
                let (from_x, from_y) = source(x, y);
                to[y * width + x] = from[from_y * stored_width + from_x];
            }
        }
    }
    turned
}

/// The left and top edges of the squares that cover a picture.
fn tiles(width: usize, height: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..height)
        .step_by(TILE)
        .flat_map(move |top| (0..width).step_by(TILE).map(move |left| (left, top)))
}

#[cfg(test)]
mod tests {
    use image::metadata::Orientation;

    use super::{apply, upright_size};

    /// A picture of 3x2 pixels, each three times its letter.
    fn check(exif: u8, expected: &[&str]) {
        let stored: Vec<u8> = b"abcdef".iter().flat_map(|letter| [*letter; 3]).collect();
        let orientation = Orientation::from_exif(exif).unwrap();
        let upright = apply(stored, orientation, 3, 2);
        let (width, _) = upright_size(orientation, 3, 2);
        let letters: Vec<u8> = upright.chunks_exact(3).map(|pixel| pixel[0]).collect();
        let rows: Vec<&str> =
            letters.chunks(width as usize).map(|row| str::from_utf8(row).unwrap()).collect();
        assert_eq!(rows, expected, "orientation {exif}");
    }

    /// By the definitions in EXIF 2.32, table 6: which side of the stored rows and columns is the
    /// top and the left of the upright picture.
    #[test]
    fn all_eight_orientations() {
        check(1, &["abc", "def"]);
        check(2, &["cba", "fed"]);
        check(3, &["fed", "cba"]);
        check(4, &["def", "abc"]);
        check(5, &["ad", "be", "cf"]);
        check(6, &["da", "eb", "fc"]);
        check(7, &["fc", "eb", "da"]);
        check(8, &["cf", "be", "ad"]);
    }

    /// Larger than a tile and no multiple of one, against the `image` crate.
    #[test]
    fn large_pictures_turn_as_in_the_image_crate() {
        let (width, height) = (70_u32, 45_u32);
        let stored: Vec<u8> = (0..width * height * 3).map(|i| (i % 251) as u8).collect();
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).unwrap();
            let picture = image::RgbImage::from_raw(width, height, stored.clone()).unwrap();
            let mut expected = image::DynamicImage::ImageRgb8(picture);
            expected.apply_orientation(orientation);
            let ours = apply(stored.clone(), orientation, width as usize, height as usize);
            assert_eq!(ours, expected.into_bytes(), "orientation {exif}");
        }
    }
}
