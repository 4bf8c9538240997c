//! What is written can be played, with the times that it was given.

use std::{path::Path, time::Duration};

use detections_frames::{FrameError, VideoOptions, VideoSource, VideoWriter, to_rgb8};
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
        let mut writer =
            VideoWriter::create(&path, (width, height), Some(25.0), CancelToken::new()).unwrap();
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
    let error = VideoWriter::create(&path, (64, 48), None, CancelToken::new()).err().unwrap();
    assert!(error.to_string().contains("no/such/folder.mp4"), "{error}");
}

#[test]
fn a_full_disk_is_told_when_the_file_is_finished() {
    let path = Path::new("/dev/full");
    if !path.exists() {
        return;
    }
    let mut writer = VideoWriter::create(path, (64, 48), None, CancelToken::new()).unwrap();
    writer.write(make::ours(&make::rgb(64, 48)).view(), Duration::ZERO).unwrap();
    let error = writer.finish().unwrap_err();
    assert!(matches!(error, FrameError::WriteVideo { .. }), "{error:?}");
    assert!(error.to_string().contains("/dev/full"), "{error}");
}

#[test]
fn frames_of_another_size_are_fitted_into_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("written.mp4");
    let mut writer = VideoWriter::create(&path, (96, 48), None, CancelToken::new()).unwrap();
    for (at, (width, height)) in [(96, 48), (32, 32), (200, 100), (96, 48)].into_iter().enumerate()
    {
        let white = Image::rgb8(width, height, vec![255; (width * height * 3) as usize]).unwrap();
        writer.write(white.view(), Duration::from_millis(at as u64 * 40)).unwrap();
    }
    writer.finish().unwrap();
    let decoded = decode(std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(decoded.frames.len(), 4);
    for (at, frame) in decoded.frames.iter().enumerate() {
        let picture = to_rgb8(frame.image.view()).unwrap();
        assert_eq!((picture.width(), picture.height()), (96, 48));
        let row = picture.view().row(24).to_vec();
        let (edge, middle) = (row[4 * 3], row[48 * 3]);
        assert!(middle > 200, "frame {at}: {middle}");
        // A square picture leaves a border at the sides.
        assert_eq!(edge < 60, at == 1, "frame {at}: {edge}");
    }
}

#[test]
fn pictures_of_the_same_time_are_shown_one_behind_the_other() {
    for fps in [None, Some(1.0), Some(25.0), Some(29.97)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("written.mp4");
        let mut writer = VideoWriter::create(&path, (64, 48), fps, CancelToken::new()).unwrap();
        let picture = make::ours(&make::rgb(64, 48));
        for time in [0, 40, 40, 40, 30, 80, 80] {
            writer.write(picture.view(), Duration::from_millis(time)).unwrap();
        }
        writer.finish().unwrap();
        let decoded = decode(std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(decoded.millis(), [0, 40, 41, 42, 43, 80, 81], "{fps:?}");
    }
}

#[test]
fn what_is_smaller_than_an_encoder_takes_is_enlarged() {
    for (size, written) in [((3, 2), (16, 16)), ((64, 4), (64, 16)), ((15, 40), (16, 40))] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("written.mp4");
        let mut writer = VideoWriter::create(&path, size, None, CancelToken::new()).unwrap();
        for time in [0, 40] {
            let picture = make::ours(&make::rgb(size.0, size.1));
            writer.write(picture.view(), Duration::from_millis(time)).unwrap();
        }
        writer.finish().unwrap();
        let decoded = decode(std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(decoded.frames.len(), 2);
        assert_eq!((decoded.info.width, decoded.info.height), written, "{size:?}");
    }
}
