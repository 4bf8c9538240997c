//! Every container and every codec gives every frame, at the times that the container states.

use detections_frames::{FrameSource, VideoOptions, VideoSource};
use detections_types::CancelToken;

use super::{Decoded, decode, drain, fed, make};

/// File, container, codec, and how `ffmpeg` makes it of 30 frames.
const CODECS: [(&str, &str, &str, &str); 18] = [
    ("a.mp4", "quicktime", "h264", "-c:v libx264 -bf 3 -pix_fmt yuv420p -movflags +faststart"),
    ("b.mp4", "quicktime", "h265", "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p"),
    ("c.mp4", "quicktime", "mpeg4", "-c:v mpeg4 -bf 2"),
    ("d.mov", "quicktime", "mjpeg", "-c:v mjpeg"),
    ("a.webm", "webm", "vp8", "-c:v libvpx -deadline realtime -cpu-used 8"),
    ("b.webm", "webm", "vp9", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8"),
    ("a.mkv", "matroska", "av1", "-c:v libaom-av1 -cpu-used 8 -usage realtime -pix_fmt yuv420p"),
    ("a.avi", "avi", "mpeg4", "-c:v mpeg4"),
    ("b.avi", "avi", "mjpeg", "-c:v mjpeg"),
    ("a.ts", "mpegts", "mpeg2", "-c:v mpeg2video -bf 2"),
    ("a.mpg", "mpegps", "mpeg2", "-c:v mpeg2video"),
    ("b.mpg", "mpegps", "mpeg1", "-c:v mpeg1video"),
    ("c.mpg", "mpegps", "h264", "-c:v libx264 -bf 2 -pix_fmt yuv420p"),
    ("a.vob", "mpegps", "h264", "-c:v libx264 -pix_fmt yuv420p"),
    ("b.vob", "mpegps", "mpeg2", "-c:v mpeg2video -bf 2"),
    ("a.h264", "h264", "h264", "-c:v libx264 -bf 3 -pix_fmt yuv420p"),
    ("a.h265", "h265", "h265", "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p"),
    ("a.mjpeg", "mjpeg", "mjpeg", "-c:v mjpeg"),
];

#[test]
fn every_codec_gives_every_frame() {
    for (name, container, codec, arguments) in CODECS {
        let arguments = format!("{} {arguments}", make::moving("160x120", 30));
        let Some(bytes) = make::video(name, &arguments) else { continue };
        let decoded = decode(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let info = &decoded.info;
        assert_eq!((info.container.as_str(), info.codec.as_str()), (container, codec), "{name}");
        assert_eq!((info.width, info.height), (160, 120), "{name}");
        check_steps(name, &decoded, 30, 40);
    }
}

#[test]
fn the_street_scene_gives_377_frames_from_every_container() {
    let Some(path) = make::street() else { return };
    let (copy, picture) = (format!("-i {} -c copy", path.display()), "-an");
    let containers = [
        ("fast.mp4", "-movflags +faststart", true),
        ("fragmented.mp4", "-movflags frag_keyframe+empty_moov", true),
        ("last.mp4", "", false),
        ("last.mov", "", false),
        ("a.mkv", "", true),
        ("a.avi", "", true),
        ("a.ts", "", true),
        ("a.h264", picture, true),
    ];
    for (name, arguments, progressive) in containers {
        let Some(bytes) = make::video(name, &format!("{copy} {arguments}")) else { continue };
        let decoded = decode(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((decoded.info.width, decoded.info.height), (768, 432), "{name}");
        assert_eq!(decoded.info.progressive, progressive, "{name}");
        check_steps(name, &decoded, 377, 80);
    }
}

#[test]
fn frames_that_are_reordered_come_in_order_from_every_container() {
    let source = format!("{} -c:v libx264 -bf 3 -pix_fmt yuv420p", make::moving("160x120", 30));
    let containers = [
        ("a.mkv", ""),
        ("a.mov", "-movflags +faststart"),
        ("a.ts", ""),
        ("a.avi", ""),
        ("last.mp4", ""),
        ("a.h264", ""),
    ];
    let mut pictures: Option<Vec<_>> = None;
    for (name, arguments) in containers {
        let Some(bytes) = make::video(name, &format!("{source} {arguments}")) else { continue };
        let decoded = decode(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        check_steps(name, &decoded, 30, 40);
        let images: Vec<_> = decoded.frames.into_iter().map(|frame| frame.image).collect();
        assert!(
            *pictures.get_or_insert_with(|| images.clone()) == images,
            "{name}: other pictures"
        );
    }
}

#[test]
fn a_file_and_a_reader_give_the_same_as_a_feed() {
    for (name, arguments) in
        [("last.mp4", "-c:v libx264"), ("a.mkv", "-c:v mpeg4"), ("short.avi", "-c:v mpeg4")]
    {
        let arguments = format!("{} {arguments}", make::moving("64x48", 5));
        let Some(bytes) = make::video(name, &arguments) else { continue };
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        let (options, cancel) = (VideoOptions::default(), CancelToken::new());
        let opened = VideoSource::open_file(file.path(), &options, cancel.clone()).unwrap();
        assert!(opened.info().progressive, "{name}: a file is there already");
        let reader = std::io::Cursor::new(bytes.clone());
        let read = VideoSource::open_reader(reader, &options, cancel).unwrap();
        for source in [opened, read] {
            check_steps(name, &drain(source), 5, 40);
        }
        check_steps(name, &decode(bytes).unwrap(), 5, 40);
    }
}

#[test]
fn times_are_those_of_the_container_however_they_vary() {
    let vary = format!(
        "{} -vf setpts='if(lt(N,10),N,10+(N-10)*3)/25/TB' -c:v libx264 -bf 2 -fps_mode passthrough",
        make::moving("64x48", 20)
    );
    let expected: Vec<u64> =
        (0..20).map(|n| if n < 10 { n * 40 } else { 400 + (n - 10) * 120 }).collect();
    for name in ["a.mp4", "a.mkv", "a.ts"] {
        let Some(bytes) = make::video(name, &vary) else { continue };
        assert_eq!(decode(bytes).unwrap().millis(), expected, "{name}");
    }
}

#[test]
fn the_first_frame_is_there_before_a_tenth_of_the_bytes() {
    let source = format!("{} -c:v libx264 -g 25 -pix_fmt yuv420p", make::moving("320x240", 250));
    for (name, arguments) in [
        ("a.mp4", "-movflags +faststart"),
        ("b.mp4", "-movflags frag_keyframe+empty_moov"),
        ("a.mkv", ""),
        ("a.ts", ""),
        ("a.h264", ""),
    ] {
        let Some(bytes) = make::video(name, &format!("{source} {arguments}")) else { continue };
        let (mut sender, receiver) = detections_frames::feed(1 << 20);
        let tenth = bytes.len() / 10;
        for chunk in bytes[..tenth].chunks(1000) {
            sender.send_blocking(Box::new(chunk.to_vec())).unwrap();
        }
        // The sender stays and sends nothing: the frame has to come of what is there.
        let options = VideoOptions::default();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        let cancel = CancelToken::with_deadline(deadline);
        let mut source = VideoSource::open_feed(receiver, &options, cancel)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(source.next_frame().unwrap().unwrap().index, 0, "{name}");
        drop(source);
        assert!(sender.is_closed(), "{name}");
    }
}

#[test]
fn large_pictures_come_from_anywhere_in_a_file() {
    let noise = "-vf noise=alls=90:allf=t -c:v libx264 -preset ultrafast -qp 1 -pix_fmt yuv420p";
    let arguments = format!("{} {noise}", make::moving("640x480", 4));
    let Some(bytes) = make::video("last.mp4", &arguments) else { return };
    assert!(bytes.len() > 4 * 200_000, "the pictures are not large");
    check_steps("large", &decode(bytes).unwrap(), 4, 40);
}

#[test]
fn one_byte_at_a_time_is_enough() {
    let arguments = format!("{} -c:v libx264 -movflags +faststart", make::moving("64x48", 3));
    let Some(bytes) = make::video("a.mp4", &arguments) else { return };
    let decoded = super::decode_with(fed(bytes, 1), &VideoOptions::default()).unwrap();
    check_steps("bytes", &decoded, 3, 40);
}

/// That there are `count` frames, numbered from 0 and `step` milliseconds apart, and no fault.
fn check_steps(name: &str, decoded: &Decoded, count: u64, step: u64) {
    assert!(decoded.fault.is_none(), "{name}: {:?}", decoded.fault);
    assert!(decoded.damage.is_empty(), "{name}: {:?}", decoded.damage);
    let indices: Vec<u64> = decoded.frames.iter().map(|frame| frame.index).collect();
    assert_eq!(indices, (0..count).collect::<Vec<_>>(), "{name}");
    let expected: Vec<u64> = (0..count).map(|index| index * step).collect();
    assert_eq!(decoded.millis(), expected, "{name}");
    assert_eq!(decoded.decoded, count, "{name}");
}
