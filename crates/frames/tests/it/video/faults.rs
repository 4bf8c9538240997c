//! What is broken, cut or not there is said, and never hangs.

use std::{
    thread,
    time::{Duration, Instant},
};

use detections_frames::{FrameError, FrameSource, Spool, VideoOptions, VideoSource, feed};
use detections_types::{CancelToken, ErrorKind};

use super::{decode, decode_with, drain, fed, garble, make};

fn moving(name: &str, arguments: &str) -> Option<Vec<u8>> {
    make::video(name, &format!("{} {arguments}", make::moving("160x120", 30)))
}

fn error(bytes: Vec<u8>) -> FrameError {
    match decode(bytes) {
        Ok(decoded) => decoded.fault.unwrap(),
        Err(error) => error,
    }
}

#[test]
fn what_is_no_video_is_told_apart() {
    assert!(matches!(error(Vec::new()), FrameError::EmptyVideo));
    assert!(matches!(error(b"<html>no video</html>".repeat(9)), FrameError::UnknownVideo));
    assert!(matches!(error(vec![0; 300_000]), FrameError::UnknownVideo));
    for name in ["a.mp4", "a.ts", "a.mkv", "a.avi"] {
        let sound = "-f lavfi -i sine=duration=1 -c:a mp2";
        let Some(bytes) = make::video(name, sound) else { continue };
        let error = error(bytes);
        assert!(matches!(error, FrameError::NoVideoStream { .. }), "{name}: {error:?}");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn a_playlist_is_no_video_and_fetches_nothing() {
    for list in [
        "#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n",
        "rtsp://127.0.0.1:9/a",
        "v=0\r\no=- 0 0",
    ] {
        assert!(matches!(error(list.repeat(3).into_bytes()), FrameError::UnknownVideo), "{list}");
    }
}

#[test]
fn a_video_without_a_frame_says_so() {
    let Some(bytes) = moving("a.mp4", "-c:v libx264 -movflags +faststart") else { return };
    let media = bytes.windows(4).position(|name| name == b"mdat").unwrap();
    let error = error(bytes[..media + 4].to_vec());
    assert!(!matches!(error, FrameError::Stalled { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn too_many_pixels_are_refused_by_the_header() {
    let Some(bytes) = moving("a.mp4", "-c:v libx264 -movflags +faststart") else { return };
    let options = VideoOptions { max_pixels: 160 * 120 - 1, ..VideoOptions::default() };
    let error = decode_with(fed(bytes.clone(), 4096), &options).err().unwrap();
    assert!(matches!(error, FrameError::FramePixels { width: 160, height: 120, .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    let enough = VideoOptions { max_pixels: 160 * 120, ..VideoOptions::default() };
    assert_eq!(decode_with(fed(bytes, 4096), &enough).unwrap().frames.len(), 30);
}

#[test]
fn frames_that_need_too_much_memory_at_once_are_refused_by_the_header() {
    let Some(bytes) = moving("a.mp4", "-c:v libx264 -movflags +faststart") else { return };
    let needed = 160 * 120 * 3 / 2 * 6;
    let options = VideoOptions { max_decoded_bytes: needed - 1, ..VideoOptions::default() };
    let error = decode_with(fed(bytes.clone(), 4096), &options).err().unwrap();
    assert!(matches!(error, FrameError::FrameMemory { needed: told, .. } if told == needed));
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    let enough = VideoOptions { max_decoded_bytes: needed, ..VideoOptions::default() };
    assert_eq!(decode_with(fed(bytes, 4096), &enough).unwrap().frames.len(), 30);
}

#[test]
fn a_stretched_frame_counts_stretched() {
    let Some(bytes) = moving("a.mp4", "-vf setsar=10/1 -c:v libx264 -movflags +faststart") else {
        return;
    };
    let options = VideoOptions { max_pixels: 160 * 120 * 2, ..VideoOptions::default() };
    let error = decode_with(fed(bytes, 4096), &options).err().unwrap();
    assert!(matches!(error, FrameError::FramePixels { .. }), "{error:?}");
}

#[test]
fn a_spool_has_a_limit() {
    let Some(bytes) = moving("a.mp4", "-c:v libx264") else { return };
    let spool = Spool { dir: None, max_bytes: 5000 };
    let options = VideoOptions { spool, ..VideoOptions::default() };
    let error = decode_with(fed(bytes, 1000), &options).err().unwrap();
    assert!(matches!(error, FrameError::SpoolFull { max_bytes: 5000 }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn a_picture_that_never_ends_is_given_up() {
    for (name, packet) in [("a.ts", 188), ("a.h264", 188)] {
        let Some(bytes) = moving(name, "-c:v libx264") else { continue };
        let mut endless = bytes.clone();
        for count in 0..20_000_usize {
            let mut more = vec![b'U'; packet];
            if name == "a.ts" {
                // The same stream (0x100 is what ffmpeg takes for the first), no start of a unit.
                more[..4].copy_from_slice(&[0x47, 0x01, 0x00, 0x10 | (count % 16) as u8]);
            }
            endless.extend(more);
        }
        let options = VideoOptions { max_pending_bytes: 1 << 20, ..VideoOptions::default() };
        let decoded = decode_with(fed(endless, 4096), &options).unwrap();
        let fault = decoded.fault.unwrap();
        assert!(matches!(fault, FrameError::NoPictureWithin { max_bytes: 1_048_576 }), "{fault:?}");
        assert_eq!(fault.kind(), ErrorKind::TooLarge);
        assert!(decoded.frames.len() >= 25, "{name}: {} frames before it", decoded.frames.len());
        assert!(decode_with(fed(bytes, 4096), &options).unwrap().fault.is_none(), "{name}");
    }
}

#[test]
fn an_abort_is_told_behind_the_frames_that_are_there() {
    for (name, arguments) in [("a.mkv", "-c:v libx264"), ("last.mp4", "-c:v libx264")] {
        let Some(bytes) = moving(name, arguments) else { continue };
        let (mut sender, receiver) = feed(1 << 20);
        sender.send_blocking(Box::new(bytes[..bytes.len() / 2].to_vec())).unwrap();
        drop(sender);
        match decode_with(receiver, &VideoOptions::default()) {
            Ok(decoded) => {
                assert!(!decoded.frames.is_empty(), "{name}");
                assert!(matches!(decoded.fault, Some(FrameError::UploadAborted)), "{name}");
            }
            Err(error) => {
                assert!(matches!(error, FrameError::UploadAborted), "{name}: {error:?}");
                assert_eq!(name, "last.mp4", "a stream gives what came");
            }
        }
    }
}

#[test]
fn a_cut_file_gives_the_frames_before_the_cut() {
    for (name, arguments) in [
        ("a.mp4", "-c:v libx264 -g 5 -movflags +faststart"),
        ("a.mkv", "-c:v libx264 -g 5"),
        ("a.ts", "-c:v libx264 -g 5"),
        ("a.h264", "-c:v libx264 -g 5"),
        ("a.avi", "-c:v mpeg4 -g 5"),
    ] {
        let Some(bytes) = moving(name, arguments) else { continue };
        let decoded = decode(bytes[..bytes.len() * 3 / 4].to_vec())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let count = decoded.frames.len();
        assert!((12..=29).contains(&count), "{name}: {count} frames");
    }
}

#[test]
fn a_cut_file_says_so_where_its_container_states_a_length() {
    for (name, arguments, states) in [
        ("a.mp4", "-c:v libx264 -g 5 -movflags +faststart", true),
        ("b.mp4", "-c:v libx264 -g 5 -movflags frag_keyframe+empty_moov", true),
        ("a.mkv", "-c:v libx264 -g 5", true),
        ("live.mkv", "-c:v libx264 -g 5 -live 1", true),
        ("a.webm", "-c:v libvpx -deadline realtime -cpu-used 8", true),
        ("a.avi", "-c:v mpeg4 -g 5", true),
        ("a.ts", "-c:v libx264 -g 5", true),
        ("a.h264", "-c:v libx264 -g 5", false),
    ] {
        let Some(bytes) = moving(name, arguments) else { continue };
        let whole = decode(bytes.clone()).unwrap();
        assert!(whole.damage.is_empty(), "{name}: {:?}", whole.damage);
        // A place where no packet of a transport stream ends.
        let cut = bytes[..bytes.len() * 3 / 4 / 188 * 188 + 50].to_vec();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &cut).unwrap();
        let opened =
            VideoSource::open_file(file.path(), &VideoOptions::default(), CancelToken::new());
        for decoded in [decode(cut).unwrap(), drain(opened.unwrap())] {
            assert!(decoded.fault.is_none(), "{name}: {:?}", decoded.fault);
            assert!(decoded.frames.len() >= 12, "{name}: {} frames", decoded.frames.len());
            let missing = bytes.len() - bytes.len() * 3 / 4;
            let told = decoded.damage.iter().filter(|error| match error {
                FrameError::CutShort { missing: told } => {
                    *told > 0 && *told <= missing as u64 + 188
                }
                _ => false,
            });
            assert_eq!(told.count(), usize::from(states), "{name}: {:?}", decoded.damage);
        }
    }
}

#[test]
fn damage_is_told_and_decoding_goes_on() {
    let Some(sound) = moving("a.ts", "-c:v mpeg2video -g 5") else { return };
    let middle = sound.len() / 2 / 188 * 188;
    let (mut flipped, mut lost) = (sound.clone(), sound);
    for (index, byte) in flipped[middle..middle + 1500].iter_mut().enumerate() {
        // The headers count the packets, and no two in a row have the same number.
        if index % 188 > 20 || index % 188 == 3 {
            *byte ^= (index * 37) as u8 | 1;
        }
    }
    lost.drain(middle..middle + 188 * 5);
    for (name, bytes) in [("flipped", flipped), ("lost", lost)] {
        let decoded = decode(bytes).unwrap();
        assert!(decoded.fault.is_none(), "{name}: {:?}", decoded.fault);
        assert!(decoded.frames.len() >= 27, "{name}: {} frames", decoded.frames.len());
        let [FrameError::Corrupt { message, .. }, ..] = &decoded.damage[..] else {
            panic!("{name}: {:?}", decoded.damage);
        };
        assert!(!message.is_empty(), "{name}");
        let last = decoded.millis().last().copied();
        assert_eq!(last, Some(29 * 40), "{name}: decoding goes on to the end");
    }
}

#[test]
fn pictures_that_give_no_frame_are_told_and_the_others_are_decoded() {
    let h264 = moving("a.mp4", "-c:v libx264 -g 10 -bf 0 -pix_fmt yuv420p -movflags +faststart");
    let vp8 = moving("a.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -g 10");
    let vp9 = moving("b.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 10");
    let (vp8, vp9) = (vp8.map(garble::matroska), vp9.map(garble::matroska));
    for (name, bytes) in [("h264", h264.map(garble::mp4)), ("vp8", vp8), ("vp9", vp9)] {
        let Some(bytes) = bytes else { continue };
        let decoded = decode(bytes).unwrap();
        assert!(decoded.fault.is_none(), "{name}: {:?}", decoded.fault);
        let count = decoded.frames.len();
        assert!((20..30).contains(&count), "{name}: {count} frames");
        let [FrameError::Corrupt { message, pts: Some(pts) }] = &decoded.damage[..] else {
            panic!("{name}: {:?}", decoded.damage);
        };
        assert!(message.ends_with("could not be decoded"), "{name}: {message}");
        if name == "h264" {
            assert_eq!((count, message.starts_with("3 pictures")), (27, true), "{message}");
        }
        assert!((520..=600).contains(&pts.as_millis()), "{name}: {pts:?}");
        assert_eq!(decoded.millis().last(), Some(&(29 * 40)), "{name}");
    }
}

#[test]
fn pictures_that_are_larger_than_their_container_states_are_refused() {
    let Some(mut bytes) = moving("a.webm", "-c:v libvpx -deadline realtime") else { return };
    // `PixelWidth` and `PixelHeight`, each with a length of one byte.
    let stated = [b"\xb0\x81\xa0", b"\xba\x81\x78"]
        .map(|element| bytes.windows(3).position(|place| place == element).unwrap() + 2);
    stated.into_iter().for_each(|at| bytes[at] /= 2);
    let options = VideoOptions { max_pixels: 80 * 60, ..VideoOptions::default() };
    let error = decode_with(fed(bytes, 4096), &options).err().unwrap();
    let found = matches!(error, FrameError::FramePixels { width: 160, height: 120, .. });
    assert!(found, "{error:?}");
}

#[test]
fn a_slow_sender_never_trips_the_watchdog() {
    let Some(bytes) = moving("a.mkv", "-c:v libx264") else { return };
    let options =
        VideoOptions { stall_timeout: Duration::from_millis(400), ..VideoOptions::default() };
    let (mut sender, receiver) = feed(1 << 20);
    let slow = thread::spawn(move || {
        for part in bytes.chunks(bytes.len() / 3) {
            sender.send_blocking(Box::new(part.to_vec())).unwrap();
            // Slowness itself is tested: twice as long as a stall may be.
            thread::sleep(Duration::from_millis(1000));
        }
        sender.finish();
    });
    let decoded = decode_with(receiver, &options).unwrap();
    slow.join().unwrap();
    assert!(decoded.fault.is_none(), "{:?}", decoded.fault);
    assert_eq!(decoded.frames.len(), 30);
}

#[test]
fn cancelling_ends_the_waiting_at_once() {
    let Some(bytes) = moving("a.mkv", "-c:v libx264") else { return };
    let (mut sender, receiver) = feed(1 << 20);
    sender.send_blocking(Box::new(bytes[..bytes.len() / 2].to_vec())).unwrap();
    let cancel = CancelToken::new();
    let options = VideoOptions::default();
    let mut source = VideoSource::open_feed(receiver, &options, cancel.clone()).unwrap();
    let waiting = thread::spawn(move || {
        loop {
            match source.next_frame() {
                Ok(frame) => assert!(frame.is_some(), "the sender has not ended"),
                Err(error) => return (error, Instant::now()),
            }
        }
    });
    let cancelled = Instant::now();
    cancel.cancel();
    let (error, ended) = waiting.join().unwrap();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(ended - cancelled < Duration::from_secs(2), "{:?}", ended - cancelled);
    assert!(sender.is_closed());
}

#[test]
fn a_deadline_ends_the_opening() {
    let (_sender, receiver) = feed(1000);
    let cancel = CancelToken::with_deadline(Instant::now() + Duration::from_millis(50));
    let error = VideoSource::open_feed(receiver, &VideoOptions::default(), cancel).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[test]
fn flipped_bits_never_hang_or_crash() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    for (name, arguments) in [
        ("a.mp4", "-c:v libx264 -movflags +faststart"),
        ("last.mp4", "-c:v libx264"),
        ("a.mkv", "-c:v libx264"),
        ("a.webm", "-c:v libvpx"),
        ("a.ts", "-c:v mpeg2video"),
        ("a.avi", "-c:v mpeg4"),
    ] {
        let Some(sound) = moving(name, arguments) else { continue };
        for _ in 0..10 {
            let mut bytes = sound.clone();
            for _ in 0..=random(20) {
                let at = random(bytes.len());
                bytes[at] ^= 1 << random(8);
            }
            let started = Instant::now();
            let options =
                VideoOptions { stall_timeout: Duration::from_secs(5), ..VideoOptions::default() };
            let cancel = CancelToken::with_deadline(started + Duration::from_secs(60));
            let source = VideoSource::open_feed(fed(bytes, 4096), &options, cancel);
            let fault = source.map_or_else(Some, |source| drain(source).fault);
            assert!(
                !matches!(fault, Some(FrameError::Interrupted(_))),
                "{name} took {:?}",
                started.elapsed()
            );
        }
    }
}
