//! Files that were cut out of others or put together: what is shown of them, and when, is what their index says.

use detections_frames::{VideoOptions, VideoSource};
use detections_types::CancelToken;
use tempfile::NamedTempFile;

use super::{Decoded, decode, drain, make};

const SOUND: &str = "-f lavfi -i sine=duration=4";

/// A file of 12 seconds with sound, a keyframe every 2 seconds, and pictures out of order between.
fn long() -> Option<NamedTempFile> {
    let pictures = make::moving("64x48", 300);
    let codecs = "-c:v libx264 -g 50 -bf 2 -pix_fmt yuv420p -c:a aac";
    let arguments = format!("{pictures} -f lavfi -i sine=duration=12 {codecs}");
    make::video("long.mp4", &arguments).map(file)
}

fn file(bytes: Vec<u8>) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

/// The same from a feed and from a file.
fn both(bytes: Vec<u8>) -> [Decoded; 2] {
    let file = file(bytes.clone());
    let (options, cancel) = (VideoOptions::default(), CancelToken::new());
    let opened = VideoSource::open_file(file.path(), &options, cancel);
    [decode(bytes), opened.map(drain)].map(Result::unwrap)
}

fn check(name: &str, bytes: Vec<u8>, count: u64, first: u64) {
    for decoded in both(bytes) {
        assert!(decoded.fault.is_none(), "{name}: {:?}", decoded.fault);
        let expected: Vec<u64> = (0..count).map(|index| first + index * 40).collect();
        assert_eq!(decoded.millis(), expected, "{name}");
        let indices = decoded.frames.iter().map(|frame| frame.index);
        assert!(indices.eq(0..count), "{name}");
    }
}

#[test]
fn a_part_of_a_file_has_all_frames_that_are_shown_and_no_other() {
    let Some(long) = long() else { return };
    let long = long.path().display();
    for (start, length) in [(0, 1000), (1000, 500), (1600, 2000), (3000, 5000), (7400, 3000)] {
        let cut = format!("-ss {start}ms -i {long} -t {length}ms -c copy");
        for more in ["", "-an", "-movflags +faststart", "-movflags +faststart -an"] {
            let name = format!("{length} ms from {start} ms {more}");
            let Some(bytes) = make::video("part.mp4", &format!("{cut} {more}")) else { return };
            check(&name, bytes, length / 40, 0);
        }
    }
}

#[test]
fn pictures_that_are_shorter_than_their_sound_or_begin_later_are_found() {
    let codecs = "-c:v libx264 -pix_fmt yuv420p -c:a aac";
    let pictures = make::moving("64x48", 50);
    for more in ["", "-movflags +faststart"] {
        let shorter = format!("{pictures} {SOUND} {codecs} {more}");
        let Some(bytes) = make::video("shorter.mp4", &shorter) else { return };
        check("shorter", bytes, 50, 0);
        for late in [300, 1000, 7000] {
            let later = format!("-itsoffset {late}ms {pictures} {SOUND} {codecs} {more}");
            let Some(bytes) = make::video("later.mp4", &later) else { return };
            check(&format!("{late} ms later {more}"), bytes, 50, late);
        }
    }
}

#[test]
fn the_length_is_that_of_what_is_shown() {
    let Some(long) = long() else { return };
    let cut = format!("-ss 3 -i {} -t 5 -c copy -an", long.path().display());
    for more in ["", "-movflags +faststart"] {
        let Some(bytes) = make::video("part.mp4", &format!("{cut} {more}")) else { return };
        for decoded in both(bytes) {
            let length = decoded.info.duration.unwrap().as_secs_f64();
            assert!((4.9..5.1).contains(&length), "{length} s {more}");
        }
    }
}
