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
