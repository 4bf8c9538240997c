//! The letterbox against OpenCV's, on the pictures of `fixtures/golden/letterbox`.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use detections_infer::{ChannelOrder, InputShape, Letterboxer, PixelScale, Placement, Preprocess};
use detections_types::Image;

/// A source and what OpenCV made of it.
#[derive(Debug, serde::Deserialize)]
struct Case {
    source: String,
    expected: String,
    width: usize,
    height: usize,
    placement: String,
    new_w: usize,
    new_h: usize,
    pad_left: usize,
    pad_top: usize,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/letterbox")
}

fn read_png(name: &str) -> Image {
    let file = BufReader::new(File::open(folder().join(name)).unwrap());
    let decoder = image::codecs::png::PngDecoder::new(file).unwrap();
    let pixels = image::DynamicImage::from_decoder(decoder).unwrap().into_rgb8();
    Image::rgb8(pixels.width(), pixels.height(), pixels.into_raw()).unwrap()
}

/// Mean and largest absolute difference in steps of a byte.
fn difference(case: &Case, order: ChannelOrder, scale: PixelScale) -> (f32, f32) {
    let placement = match case.placement.as_str() {
        "centre" => Placement::Centre,
        "top-left" => Placement::TopLeft,
        other => panic!("{other}"),
    };
    let input = InputShape { max_batch: 1, height: case.height, width: case.width };
    let preprocess = Preprocess { order, scale, placement, pad: Preprocess::GREY };
    let mut found = vec![f32::NAN; input.image_len()];
    let source = read_png(&case.source);
    let fit = Letterboxer::new(preprocess, input).write(source.view(), &mut found).unwrap();
    assert_eq!(
        [fit.width, fit.height, fit.left, fit.top],
        [case.new_w, case.new_h, case.pad_left, case.pad_top],
        "{case:?}"
    );
    let expected = read_png(&case.expected).into_data();
    let white = if scale == PixelScale::Unit { 255.0 } else { 1.0 };
    let plane = case.width * case.height;
    let apart = |(i, byte): (usize, &u8)| {
        let channel = if order == ChannelOrder::Bgr { 2 - i % 3 } else { i % 3 };
        (found[channel * plane + i / 3] * white - f32::from(*byte)).abs()
    };
    let all: Vec<f32> = expected.iter().enumerate().map(apart).collect();
    assert_eq!(all.len(), found.len());
    (all.iter().sum::<f32>() / all.len() as f32, all.iter().copied().fold(0.0, f32::max))
}

#[test]
fn it_agrees_with_opencv() {
    let cases = std::fs::read(folder().join("cases.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_slice(&cases).unwrap();
    assert!(cases.len() >= 10, "only {} cases", cases.len());
    for case in &cases {
        for (order, scale) in
            [(ChannelOrder::Rgb, PixelScale::Unit), (ChannelOrder::Bgr, PixelScale::Bytes)]
        {
            let (mean, most) = difference(case, order, scale);
            // OpenCV rounds to bytes: half a step at most, and a quarter on average.
            assert!(mean <= 0.3 && most <= 1.0, "{case:?}: mean {mean}, most {most}");
        }
    }
}
