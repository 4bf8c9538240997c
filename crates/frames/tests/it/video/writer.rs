//! What is written can be played, with the times that it was given.

use std::time::Duration;

use detections_frames::{VideoOptions, VideoSource, VideoWriter, to_rgb8};
use detections_types::{CancelToken, Image};

use super::{decode, drain};
use crate::make;

#[test]
fn frames_come_back_at_their_times() {
    for (width, height) in [(160, 120), (161, 121), (98, 50)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("written.mp4");
        let picture = make::ours(&make::rgb(width, height));
        let times = [0, 40, 80, 500, 520, 900, 1000];
        let mut writer = VideoWriter::create(&path, width, height, Some(25.0)).unwrap();
        for time in times {
            writer.write(picture.view(), Duration::from_millis(time)).unwrap();
        }
        writer.finish().unwrap();
        let decoded = decode(std::fs::read(&path).unwrap()).unwrap();
        assert!(decoded.info.progressive, "the index comes first");
        assert_eq!(decoded.millis(), times);
        let back = to_rgb8(decoded.frames[3].image.view()).unwrap();
        assert_eq!((back.width(), back.height()), (width & !1, height & !1));
        let difference = make::difference(&back, &cropped(&picture, back.width(), back.height()));
        assert!(difference < 12.0, "{difference}");
        let options = VideoOptions::default();
        let source = VideoSource::open_file(&path, &options, CancelToken::new()).unwrap();
        assert_eq!(drain(source).frames.len(), times.len());
    }
}

fn cropped(picture: &Image, width: u32, height: u32) -> Image {
    let row = |y| picture.view().row(y)[..width as usize * 3].to_vec();
    Image::rgb8(width, height, (0..height).flat_map(row).collect()).unwrap()
}

#[test]
fn a_place_that_cannot_be_written_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("no/such/folder.mp4");
    assert!(VideoWriter::create(&path, 64, 48, None).is_err());
}

#[test]
fn a_frame_of_another_size_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("written.mp4");
    let mut writer = VideoWriter::create(&path, 64, 48, None).unwrap();
    let other = make::ours(&make::rgb(32, 32));
    assert!(writer.write(other.view(), Duration::ZERO).is_err());
}
