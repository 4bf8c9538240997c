//! A picture that is searched in tiles.

use std::sync::Arc;

use detections_infer::{DetectParams, InferError, Lane, TileMerge, TileSize, Tiling};
use detections_types::{CancelToken, ErrorKind, Image, Interrupt};

use crate::double::{FAIL, WAIT, grey, spawn};

/// A picture of 96 x 64 pixels, cut into six tiles without overlap.
const TILES: Tiling = Tiling {
    overlap: 0.0,
    merge: TileMerge::Nms,
    ..Tiling::of(TileSize::Fixed { width: 32, height: 32 })
};

/// A picture whose six tiles are of these greys, row by row.
fn picture(greys: [u8; 6]) -> Arc<Image> {
    let grey = |at: usize| greys[at / 96 / 32 * 3 + at % 96 / 32];
    let pixels = (0..96 * 64).flat_map(|at| [grey(at); 3]).collect();
    Arc::new(Image::rgb8(96, 64, pixels).unwrap())
}

#[test]
fn every_tile_and_the_whole_are_searched_and_boxes_lie_where_their_tile_lies() {
    // Fewer places than tiles.
    let (detector, control) = spawn(2, 1, 2);
    let image = picture([250, 240, 230, 220, 210, 200]);
    let (params, cancel) = (DetectParams::default(), CancelToken::new());
    let found =
        detector.detect_tiled(detector.open_lane(), image, &params, &TILES, &cancel).unwrap();
    let places: Vec<_> = found
        .detections
        .iter()
        .map(|found| [found.rect.x0, found.rect.y0, found.rect.x1])
        .collect();
    // The model sees an object from 4 to 12 in its input of 32 x 32; the whole is three times as large.
    let expected = [
        [4.0, 4.0, 12.0],
        [12.0, 12.0, 36.0],
        [36.0, 4.0, 44.0],
        [68.0, 4.0, 76.0],
        [4.0, 36.0, 12.0],
        [36.0, 36.0, 44.0],
        [68.0, 36.0, 76.0],
    ];
    assert_eq!(places, expected);
    assert_eq!(control.order(), [250, 250, 240, 230, 220, 210, 200]);
    assert!(control.runs().contains(&2), "tiles fill batches: {:?}", control.runs());
}

#[test]
fn a_picture_no_larger_than_a_tile_is_searched_once() {
    let (detector, control) = spawn(1, 1, 4);
    let tiling = Tiling::of(TileSize::Fixed { width: 640, height: 640 });
    let (params, cancel) = (DetectParams::default(), CancelToken::new());
    detector.detect_tiled(Lane::default(), grey(200), &params, &tiling, &cancel).unwrap();
    assert_eq!(control.runs(), [1]);
}

#[test]
fn the_fault_of_one_tile_is_that_of_the_picture() {
    let (detector, _control) = spawn(1, 1, 4);
    let (params, cancel) = (DetectParams::default(), CancelToken::new());
    let image = picture([250, 240, FAIL, 220, 210, 200]);
    let lane = detector.open_lane();
    let error = detector.detect_tiled(lane, image, &params, &TILES, &cancel).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    detector.detect_tiled(lane, picture([250; 6]), &params, &TILES, &cancel).unwrap();
}

#[test]
fn a_search_that_is_given_up_ends_between_tiles() {
    let (detector, control) = spawn(1, 1, 8);
    let (params, cancel) = (DetectParams::default(), CancelToken::new());
    let image = picture([250, WAIT, 230, 220, 210, 200]);
    let search = {
        let cancel = cancel.clone();
        std::thread::spawn(move || {
            let lane = detector.open_lane();
            detector.detect_tiled(lane, image, &params, &TILES, &cancel).unwrap_err()
        })
    };
    control.entered.recv().unwrap();
    cancel.cancel();
    control.let_go.send(()).unwrap();
    let error = search.join().unwrap();
    assert!(matches!(error, InferError::Interrupted(Interrupt::Cancelled)), "{error}");
    assert_eq!(control.order(), [250, 250, WAIT]);
}

#[test]
fn a_picture_that_finds_no_place_is_refused_before_it_begins() {
    let (detector, control) = spawn(1, 1, 1);
    let (params, cancel) = (DetectParams::default(), CancelToken::new());
    let occupied = detector.submit(grey(WAIT), params.clone(), &cancel).unwrap();
    control.entered.recv().unwrap();
    let waiting = detector.submit(grey(200), params.clone(), &cancel).unwrap();
    let lane = detector.open_lane();
    let full = detector.detect_tiled(lane, picture([250; 6]), &params, &TILES, &cancel);
    assert!(matches!(full.unwrap_err(), InferError::QueueFull { capacity: 1 }));
    control.let_go.send(()).unwrap();
    occupied.wait().unwrap();
    waiting.wait().unwrap();
}
