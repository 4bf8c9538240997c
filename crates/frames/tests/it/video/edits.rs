//! Files that were cut out of others or put together: what is shown of them, and when, is what their index says.

use detections_frames::{Sampling, VideoOptions, VideoSource};
use detections_types::CancelToken;
use tempfile::NamedTempFile;

use super::{decode, decode_with, drain, fed, make};

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
        assert_eq!(decoded.info.fps, Some(25.0), "{name}, {way}");
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
    let whole = [(0, 1000), (1000, 500), (1600, 2000), (3000, 5000), (7400, 3000)];
    // These begin within a picture, which ends before what is shown.
    let within = [(10, 1000), (1030, 500), (3333, 2000)];
    for (start, length) in whole.into_iter().chain(within) {
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
fn keyframes_of_a_part_have_the_numbers_and_times_that_they_have_among_all() {
    let Some(long) = long() else { return };
    let long = long.path().display();
    let keyframes = VideoOptions { sampling: Sampling::Keyframes, ..VideoOptions::default() };
    for start in [0, 10, 1030, 3333, 4000] {
        let arguments = format!("-ss {start}ms -i {long} -t 5000ms -an -c copy");
        let Some(bytes) = make::video("part.mp4", &arguments) else { return };
        let all = decode(bytes.clone()).unwrap();
        let keys = decode_with(fed(bytes, 4096), &keyframes).unwrap();
        assert!((2..=3).contains(&keys.frames.len()), "{start} ms: {} frames", keys.frames.len());
        let mut next = 0;
        for key in &keys.frames {
            assert!(key.index >= next, "{start} ms: {} behind {next}", key.index);
            next = key.index + 1;
            assert_eq!(key.pts, all.frames[key.index as usize].pts, "{start} ms: {}", key.index);
        }
    }
}

#[test]
fn the_rate_is_that_of_the_pictures_whatever_they_say_themselves() {
    for (name, codec) in
        [("a.mp4", "-c:v mpeg4"), ("a.mov", "-c:v mjpeg"), ("b.mp4", "-c:v libx264")]
    {
        for rate in ["25", "30", "12.5"] {
            for more in FAST {
                let source = format!("-f lavfi -i testsrc2=size=64x48:rate={rate} -frames:v 40");
                let arguments = format!("{source} {codec} -pix_fmt yuv420p {more}");
                let Some(bytes) = make::video(name, &arguments) else { return };
                let fps = decode(bytes).unwrap().info.fps;
                assert_eq!(fps, rate.parse().ok(), "{name} {rate} {more}");
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
