//! Sampling leaves frames out but never renumbers those that stay.

use std::num::NonZeroU64;

use detections_frames::{Sampling, VideoOptions};

use super::{Decoded, decode_with, fed, make};

fn sampled(bytes: &[u8], sampling: Sampling) -> Decoded {
    let options = VideoOptions { sampling, ..VideoOptions::default() };
    decode_with(fed(bytes.to_vec(), 4096), &options).unwrap()
}

fn indices(decoded: &Decoded) -> Vec<u64> {
    decoded.frames.iter().map(|frame| frame.index).collect()
}

#[test]
fn each_rule_takes_its_frames() {
    let arguments = format!(
        "{} -c:v libx264 -g 10 -keyint_min 10 -sc_threshold 0 -bf 2 -pix_fmt yuv420p",
        make::moving("64x48", 50)
    );
    for name in ["a.mkv", "a.h264", "a.ts", "a.mp4"] {
        let Some(bytes) = make::video(name, &arguments) else { continue };
        let every = sampled(&bytes, Sampling::Every(NonZeroU64::new(20).unwrap()));
        assert_eq!(indices(&every), [0, 20, 40], "{name}");
        assert_eq!(every.decoded, 50, "{name}");
        let slow = sampled(&bytes, Sampling::Fps(2.5));
        assert_eq!(indices(&slow), [0, 10, 20, 30, 40], "{name}");
        let keys = sampled(&bytes, Sampling::Keyframes);
        assert_eq!(indices(&keys), [0, 10, 20, 30, 40], "{name}");
        assert_eq!(keys.millis(), [0, 400, 800, 1200, 1600], "{name}");
        assert_eq!(keys.decoded, 5, "{name}: the others are not decoded");
    }
}

#[test]
fn keyframes_have_the_numbers_and_times_that_they_have_among_all_frames() {
    let source = make::moving("160x120", 60);
    let h264 = "-c:v libx264 -g 12 -keyint_min 12 -sc_threshold 0 -pix_fmt yuv420p";
    let (closed, open) = (format!("{h264} -bf 3"), format!("{h264} -bf 3 -x264-params open-gop=1"));
    let h265 = "-c:v libx265 -x265-params log-level=none:keyint=12:min-keyint=12 -pix_fmt yuv420p";
    let (mpeg1, mpeg2) = ("-c:v mpeg1video -g 12 -bf 2", "-c:v mpeg2video -g 12 -bf 2");
    let mpeg4 = "-c:v mpeg4 -g 12";
    let alt_ref = "-c:v libvpx -g 12 -auto-alt-ref 1 -lag-in-frames 10 -deadline good -cpu-used 5";
    for (name, arguments) in [
        ("a.avi", mpeg4),
        ("b.avi", &closed),
        ("a.mpg", "-c:v mpeg2video -g 12"),
        ("b.mpg", mpeg2),
        ("c.mpg", mpeg1),
        ("a.ts", mpeg2),
        ("b.ts", &open),
        ("a.mkv", h265),
        ("b.mkv", &open),
        ("c.mkv", mpeg2),
        ("a.mp4", h265),
        ("a.webm", alt_ref),
    ] {
        let Some(bytes) = make::video(name, &format!("{source} {arguments}")) else { continue };
        let all = sampled(&bytes, Sampling::All);
        let keys = sampled(&bytes, Sampling::Keyframes);
        assert!(keys.fault.is_none() && keys.damage.is_empty(), "{name}: {:?}", keys.damage);
        assert!(keys.frames.len() >= 4, "{name}: {:?}", indices(&keys));
        for key in &keys.frames {
            let same = &all.frames[usize::try_from(key.index).unwrap()];
            assert_eq!(key.pts, same.pts, "{name}: {:?}", indices(&keys));
            assert!(key.image == same.image, "{name}: frame {} is another one", key.index);
        }
    }
}
