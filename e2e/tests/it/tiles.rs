//! Large pictures that are searched in tiles: what a lone part shows is found in the whole, where that part lies.

use std::io::Cursor;

use anyhow::{Context, Result, ensure};
use detections_e2e::{picture::fixture, server::Server};
use image::{GenericImage as _, ImageFormat, RgbImage};
use serde_json::{Value, json};

/// A part, 384 x 288 pixels, and how often it lies beside and below itself.
const PART: &str = "media/harbour.png";
const SIDES: [u32; 2] = [6, 5];

/// The large picture as a PNG, and the size of a part.
fn large() -> Result<(Vec<u8>, [u32; 2])> {
    let part = image::load_from_memory(&fixture(PART)?)?.to_rgb8();
    let (width, height) = part.dimensions();
    let mut large = RgbImage::new(width * SIDES[0], height * SIDES[1]);
    for (row, column) in
        (0..SIDES[1]).flat_map(|row| (0..SIDES[0]).map(move |column| (row, column)))
    {
        large.copy_from(&part, column * width, row * height)?;
    }
    let mut png = Cursor::new(Vec::new());
    large.write_to(&mut png, ImageFormat::Png)?;
    Ok((png.into_inner(), [width, height]))
}

fn found(server: &Server, target: &str, picture: Vec<u8>) -> Result<Vec<Value>> {
    let reply = server.client().post(target, &[], picture)?;
    ensure!(reply.status == 200, "{target}: {} {}", reply.status, reply.text());
    reply.json()?["detections"].as_array().cloned().context("no detections")
}

fn corners(detection: &Value) -> [f64; 4] {
    ["x1", "y1", "x2", "y2"].map(|edge| detection["box"][edge].as_f64().unwrap_or(f64::NAN))
}

/// Whether both are the same object but for a pixel.
fn is_same(one: &Value, other: &Value, [x, y]: [f64; 2]) -> bool {
    let moved = [x, y, x, y];
    let pairs = corners(one).into_iter().zip(moved).zip(corners(other));
    one["class"] == other["class"]
        && pairs.into_iter().all(|((one, moved), other)| (one + moved - other).abs() <= 1.0)
}

#[test]
fn tiles_find_in_a_large_picture_what_each_part_shows_alone() -> Result<()> {
    let server = Server::start(&[])?;
    let (picture, [width, height]) = large()?;
    let alone = found(&server, "/detect?confidence=0.4", fixture(PART)?)?;
    ensure!(alone.len() >= 5, "{} objects", alone.len());
    let target = format!(
        "/detect?confidence=0.4&tile={width}x{height}&tile_overlap=0&tile_merge=nms&max_det=1000"
    );
    let tiled = found(&server, &target, picture.clone())?;

    for (row, column) in
        (0..SIDES[1]).flat_map(|row| (0..SIDES[0]).map(move |column| (row, column)))
    {
        let at = [f64::from(column * width), f64::from(row * height)];
        for one in &alone {
            ensure!(tiled.iter().any(|other| is_same(one, other, at)), "{at:?}: {one} is missing");
        }
    }
    let objects = alone.len() * (SIDES[0] * SIDES[1]) as usize;
    // The whole, shrunk six times, may show what no part shows.
    ensure!(tiled.len() <= objects + objects / 10, "{} of {objects} objects", tiled.len());
    let whole = found(&server, "/detect?confidence=0.4&max_det=1000", picture)?;
    ensure!(whole.len() < objects / 2, "tiles are of no use: {} objects without", whole.len());
    Ok(())
}

#[test]
fn overlapping_tiles_tell_each_object_once() -> Result<()> {
    let server = Server::start(&[])?;
    let (picture, _) = large()?;
    let target = "/detect?confidence=0.4&tile=auto&tile_overlap=0.4&max_det=1000";
    let tiled = found(&server, target, picture)?;
    let share = |one: &Value, other: &Value| {
        let ([ax0, ay0, ax1, ay1], [bx0, by0, bx1, by1]) = (corners(one), corners(other));
        let common =
            (ax1.min(bx1) - ax0.max(bx0)).max(0.0) * (ay1.min(by1) - ay0.max(by0)).max(0.0);
        common / ((ax1 - ax0) * (ay1 - ay0)).min((bx1 - bx0) * (by1 - by0))
    };
    let twice = tiled.iter().enumerate().filter(|(at, one)| {
        let better = tiled.iter().take(*at);
        better.filter(|other| other["class"] == one["class"]).any(|other| share(one, other) > 0.7)
    });
    ensure!(twice.count() == 0 && tiled.len() > 100, "{} objects", tiled.len());
    Ok(())
}

#[test]
fn what_was_asked_of_tiles_is_told_and_what_makes_no_sense_is_refused() -> Result<()> {
    let server = Server::start(&[("DETECTIONS__MODEL__GSD", "0.3")])?;
    let picture = fixture(PART)?;
    let post =
        |query: &str| server.client().post(&format!("/detect?{query}"), &[], picture.clone());
    let params = post("tile=auto&gsd=0.5")?.json()?["params"].clone();
    assert_eq!((&params["tile"], &params["gsd"]), (&json!("auto"), &json!(0.5)));
    assert_eq!((&params["tile_merge"], &params["tile_match"]), (&json!("nmm"), &json!("ios")));
    for (query, part) in [
        ("tile=31x640", "sides of 32 pixels or more"),
        ("tile_merge=nms", "needs tile"),
        ("tile=off&gsd=0.5", "needs tile=auto"),
        ("tile=32x32&tile_overlap=0.9", "at most 4096 tiles of a picture of 384x288 pixels"),
    ] {
        let reply = post(query)?;
        let problem = reply.json()?;
        assert_eq!((reply.status, &problem["code"]), (400, &json!("invalid_parameter")), "{query}");
        assert!(problem["detail"].as_str().is_some_and(|text| text.contains(part)), "{problem}");
    }
    Ok(())
}
