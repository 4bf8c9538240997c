//! What ends up on the pixels, seen from outside.

use std::sync::Arc;

use detections_classes::Color;
use detections_pipeline::MappedDetection;
use detections_types::{Image, Rect, Score};

use super::draw;

const RED: [u8; 3] = [230, 25, 75];
const GREEN: [u8; 3] = [60, 180, 75];
const GREY: u8 = 114;

fn picture(width: u32, height: u32) -> Image {
    Image::rgb8(width, height, vec![GREY; (width * height * 3) as usize]).unwrap()
}

fn found(name: &str, color: [u8; 3], corners: [f32; 4]) -> MappedDetection {
    let [x0, y0, x1, y1] = corners;
    MappedDetection {
        class_id: 0,
        class: Arc::from(name),
        color: Color(color),
        score: Score::new(0.91).unwrap(),
        rect: Rect::from_corners(x0, y0, x1, y1),
        detail: None,
    }
}

fn pixel(image: &Image, x: u32, y: u32) -> [u8; 3] {
    let row = image.view().row(y);
    let start = x as usize * 3;
    [row[start], row[start + 1], row[start + 2]]
}

/// One character a pixel: `.` untouched, `#` the colour itself, `o` letters and their edges.
fn sketch(image: &Image, color: [u8; 3]) -> String {
    let mark = |rgb: [u8; 3]| match rgb {
        [GREY, GREY, GREY] => '.',
        rgb if rgb == color => '#',
        _ => 'o',
    };
    let row = |y| (0..image.width()).map(move |x| mark(pixel(image, x, y)));
    (0..image.height()).map(|y| row(y).chain(['\n']).collect::<String>()).collect()
}

#[test]
fn a_box_covers_its_edges_and_nothing_inside() {
    let mut image = picture(300, 400);
    draw(&mut image, &[found("car", RED, [100.0, 150.0, 250.0, 300.0])]);
    for (x, y) in [(100, 150), (249, 150), (100, 299), (249, 299), (175, 150), (249, 225)] {
        assert_eq!(pixel(&image, x, y), RED, "{x},{y}");
    }
    for (x, y) in [(99, 200), (250, 200), (175, 300), (102, 200), (175, 225)] {
        assert_eq!(pixel(&image, x, y), [GREY; 3], "{x},{y}");
    }
}

#[test]
fn a_tag_in_the_class_colour_names_the_object() {
    let mut image = picture(70, 32);
    draw(&mut image, &[found("i", RED, [2.0, 22.0, 66.0, 31.0])]);
    assert_eq!(sketch(&image, RED), include_str!("tests/tag.txt"));
}

#[test]
fn the_surest_is_on_top() {
    let mut image = picture(200, 200);
    let corners = [50.0, 50.0, 150.0, 150.0];
    draw(&mut image, &[found("a", RED, corners), found("b", GREEN, corners)]);
    assert_eq!((pixel(&image, 50, 100), pixel(&image, 50, 49)), (RED, RED));
}

#[test]
fn nothing_breaks_whatever_the_box_and_the_name() {
    let boxes = [
        [-50.0, -50.0, 500.0, 500.0],
        [0.0, 0.0, 0.0, 0.0],
        [9.0, 9.0, 3.0, 3.0],
        [-10.0, -10.0, -5.0, -5.0],
        [f32::NAN, 0.0, 5.0, 5.0],
        [f32::MIN, f32::MIN, f32::MAX, f32::MAX],
        [63.9, 47.9, 64.0, 48.0],
    ];
    let names =
        ["", "car", "飛行機 🚗\n\u{1b}", "a very long name that does not fit anywhere at all"];
    for (width, height) in [(1, 1), (64, 48), (3, 500), (500, 3)] {
        for corners in boxes {
            for name in names {
                draw(&mut picture(width, height), &[found(name, RED, corners)]);
            }
        }
    }
}

#[test]
fn what_lies_outside_leaves_the_picture_alone() {
    let mut image = picture(64, 48);
    let outside = [64.0, 0.0, 90.0, 40.0];
    draw(&mut image, &[found("car", RED, outside), found("car", RED, [f32::NAN; 4])]);
    assert_eq!(image, picture(64, 48));
}

#[test]
fn a_box_that_leaves_the_picture_is_closed_at_its_edge() {
    let mut image = picture(300, 300);
    draw(&mut image, &[found("car", RED, [200.0, 200.0, 900.0, 900.0])]);
    assert_eq!((pixel(&image, 299, 250), pixel(&image, 250, 299)), (RED, RED));
}
