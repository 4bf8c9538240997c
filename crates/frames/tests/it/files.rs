//! The project's fixture pictures, each stored in a way that its name says, against what OpenCV
//! makes of them.

use std::io::Write as _;
use std::{fs, path::PathBuf};

use detections_frames::{StillOptions, decode_still};
use detections_types::Image;

/// One line a file: its path, width, height, and the mean red, green and blue of the cells of a
/// 3x3 grid in reading order, as `cv2.imread(path)` of OpenCV 5.0 gives them.
const OPENCV: &str = include_str!("opencv.txt");

fn decode(name: &str) -> Option<Image> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/media");
    let Ok(bytes) = fs::read(folder.join(name)) else {
        // Straight to the stream: the test runner hides what a passing test prints otherwise.
        writeln!(std::io::stderr(), "skipped: there is no fixtures/media/{name}").ok();
        return None;
    };
    let still = decode_still(&bytes, &StillOptions::default());
    Some(still.unwrap_or_else(|error| panic!("{name}: {error:?}")).image)
}

/// The mean of each channel over `rows` and `columns`.
fn mean(image: &Image, rows: std::ops::Range<u32>, columns: std::ops::Range<usize>) -> [f64; 3] {
    let pixels = f64::from(rows.end - rows.start) * columns.len() as f64;
    let mut sums = [0_u64; 3];
    for y in rows {
        let row = &image.view().row(y)[columns.start * 3..columns.end * 3];
        row.chunks(3).for_each(|rgb| (0..3).for_each(|c| sums[c] += u64::from(rgb[c])));
    }
    sums.map(|sum| sum as f64 / pixels)
}

fn grid(image: &Image) -> Vec<f64> {
    let cells = (0..9_usize).map(|cell| (cell / 3, cell % 3));
    let means = cells.map(|(row, column)| {
        let (width, height) = (image.width() as usize, image.height());
        let columns = width * column / 3..width * (column + 1) / 3;
        let row = row as u32;
        mean(image, height * row / 3..height * (row + 1) / 3, columns)
    });
    means.flatten().collect()
}

#[test]
fn every_fixture_has_the_colours_that_opencv_sees() {
    for line in OPENCV.lines() {
        let mut words = line.split(' ');
        let name = words.next().unwrap();
        let numbers: Vec<f64> = words.map(|word| word.parse().unwrap()).collect();
        let Some(image) = decode(name) else { continue };
        assert_eq!([image.width(), image.height()].map(f64::from), numbers[..2], "{name}");
        // OpenCV rounds CMYK down where we round to the nearest; JPEG decoders differ in a digit.
        let allowed = if name.contains("cmyk") { 1.2 } else { 0.8 };
        for (ours, theirs) in grid(&image).iter().zip(&numbers[2..]) {
            assert!((ours - theirs).abs() < allowed, "{name}: {ours} for {theirs}");
        }
    }
}

/// All eight show the same scene, upright.
#[test]
fn orientations_look_alike() {
    let Some(upright) = decode("orientation/upright.png") else {
        return;
    };
    for orientation in 1..=8 {
        let name = format!("orientation/orientation_{orientation}.jpg");
        let Some(turned) = decode(&name) else { return };
        let difference = crate::make::difference(&turned, &upright);
        assert!(difference < 4.0, "{name} differs by {difference}");
    }
}

/// Real files of every kind, cut at many places.
#[test]
fn fixtures_cut_short_are_refused() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/media");
    for name in OPENCV.lines().filter_map(|line| line.split(' ').next()) {
        let Ok(bytes) = fs::read(folder.join(name)) else {
            continue;
        };
        // Of a GIF only the first picture is needed.
        let needed = if name.ends_with(".gif") { bytes.len() / 6 } else { bytes.len() - 24 };
        for step in 0..=16 {
            let len = needed * step / 16;
            let result = decode_still(&bytes[..len], &StillOptions::default());
            assert!(result.is_err(), "{name} cut at {len} of {}", bytes.len());
        }
    }
}
