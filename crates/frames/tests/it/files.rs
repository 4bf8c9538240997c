//! The project's fixture pictures, each of which was made under a condition that its name says.

use std::{fs, path::PathBuf};

use detections_frames::{StillOptions, decode_still};
use detections_types::Image;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/media")
}

fn decode(name: &str) -> Option<Image> {
    let Ok(bytes) = fs::read(folder().join(name)) else {
        eprintln!("skipped: there is no fixtures/media/{name}");
        return None;
    };
    let still = decode_still(&bytes, &StillOptions::default());
    Some(
        still
            .unwrap_or_else(|error| panic!("{name}: {error:?}"))
            .image,
    )
}

/// All eight show the same scene, upright.
#[test]
fn orientations_look_alike() {
    let Some(upright) = decode("orientation_1.jpg") else {
        return;
    };
    for orientation in 2..=8 {
        let name = format!("orientation_{orientation}.jpg");
        let Some(turned) = decode(&name) else { return };
        let difference = crate::make::difference(&turned, &upright);
        assert!(difference < 4.0, "{name} differs by {difference}");
    }
}
