//! Files that were cut out of others or put together: what is shown of them, and when, is what their index says.

use detections_frames::{VideoOptions, VideoSource};
use detections_types::CancelToken;
use tempfile::NamedTempFile;

use super::{decode, drain, make};

/// A file of 12 seconds with sound, a keyframe every 2 seconds, and pictures out of order between.
fn long() -> Option<NamedTempFile> {
    let pictures = make::moving("64x48", 300);
    let codecs = "-c:v libx264 -g 50 -bf 2 -pix_fmt yuv420p -c:a aac";
    let arguments = format!("-f lavfi -i sine=duration=12 {pictures} {codecs}");
    make::video("long.mp4", &arguments).map(file)
}

fn file(bytes: Vec<u8>) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

/// That a feed and a file give the pictures that `ffprobe` shows, at its times, and say how long they are shown.
fn check(name: &str, bytes: Vec<u8>) {
    let file = file(bytes.clone());
    let Some(shown) = make::shown(file.path()) else { return };
    let opened = VideoSource::open_file(file.path(), &VideoOptions::default(), CancelToken::new());
    for (way, decoded) in [("fed", decode(bytes)), ("file", opened.map(drain))] {
        let decoded = decoded.unwrap_or_else(|error| panic!("{name}, {way}: {error}"));
        assert!(decoded.fault.is_none(), "{name}, {way}: {:?}", decoded.fault);
        assert_eq!(decoded.millis(), shown, "{name}, {way}");
        let indices = decoded.frames.iter().map(|frame| frame.index);
        assert!(indices.eq(0..shown.len() as u64), "{name}, {way}");
        let length = decoded.info.duration.unwrap().as_millis() as u64;
        let end = shown.last().unwrap() + 40;
        // Sound may last longer, for 4 seconds here.
        assert!(
            length + 100 > end && length < end.max(4000) + 100,
            "{name}, {way}: {length} not {end} ms"
        );
    }
}

const FAST: [&str; 2] = ["", "-movflags +faststart"];

#[test]
fn a_part_of_a_file_has_all_frames_that_are_shown_and_no_other() {
    let Some(long) = long() else { return };
    let long = long.path().display();
    for (start, length) in [(0, 1000), (1000, 500), (1600, 2000), (3000, 5000), (7400, 3000)] {
        let cut = format!("-ss {start}ms -i {long} -t {length}ms -c copy");
        for more in FAST {
            for tracks in ["", "-an"] {
                let name = format!("{length} ms from {start} ms {more} {tracks}");
                let arguments = format!("{cut} {more} {tracks}");
                let Some(bytes) = make::video("part.mp4", &arguments) else { return };
                check(&name, bytes);
            }
        }
    }
}

#[test]
fn pictures_that_are_shorter_than_their_sound_or_begin_later_are_found() {
    let Some(long) = long() else { return };
    let long = long.path().display();
    for more in FAST {
        for (late, length) in [(0, 2), (0, 1), (300, 2), (1000, 2), (7000, 2)] {
            let sound = "-f lavfi -i sine=duration=4 -map 0:v -map 1:a -c:v copy -c:a aac";
            // Its end counts from before the delay.
            let end = late + length * 1000;
            let arguments = format!("-itsoffset {late}ms -t {end}ms -i {long} {sound} {more}");
            let Some(bytes) = make::video("later.mp4", &arguments) else { return };
            check(&format!("{length} s, {late} ms late {more}"), bytes);
        }
    }
}
