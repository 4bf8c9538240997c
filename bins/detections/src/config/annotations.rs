//! The settings of results that go to the Annotations service.

use std::time::Duration;

use detections_annotations::{Authorization, EmptyFrames, Endpoint, FramePolicy, Limits, WhenFull};

use super::reader::{Reader, choice, number};

const YEAR_MS: u64 = 366 * 24 * 60 * 60 * 1000;
const WEEK_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// Results that go to the Annotations service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnotationsConfig {
    /// Where they are posted to; none posts nothing and keeps no outbox.
    pub endpoint: Option<Endpoint>,
    /// What posts are authorised with.
    pub token: Option<Authorization>,
    /// Which frames of a video are posted.
    pub frames: FramePolicy,
    /// What becomes of pictures and frames in which nothing was found.
    pub empty: EmptyFrames,
    /// Whether the picture goes with its results.
    pub frame_jpeg: bool,
    /// Media that are delivered at the same time.
    pub workers: usize,
    /// After how long a post is given up.
    pub timeout: Duration,
    /// After how many refusals a result is dead.
    pub max_attempts: u32,
    /// How much waits at most, and what happens to more.
    pub limits: Limits,
}

impl AnnotationsConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let frames = [
            ("every", FramePolicy::Every),
            ("changed", FramePolicy::Changed),
            ("tracks", FramePolicy::Tracks),
        ];
        let empty = [("skip", EmptyFrames::Skip), ("post", EmptyFrames::Keep)];
        Self {
            endpoint: endpoint(reader),
            token: token(reader),
            frames: reader.get("annotations.frames", FramePolicy::Every, choice(frames)),
            empty: reader.get("annotations.empty", EmptyFrames::Skip, choice(empty)),
            frame_jpeg: reader.get(
                "annotations.frame_jpeg",
                false,
                choice([("true", true), ("false", false)]),
            ),
            workers: reader.get("annotations.workers", 2, number(1..=64)),
            timeout: reader.millis("annotations.timeout_ms", 10_000),
            max_attempts: reader.get("annotations.max_attempts", 8, number(1..=1000)),
            limits: limits(reader),
        }
    }
}

fn limits(reader: &mut Reader) -> Limits {
    let full = [("refuse", WhenFull::Refuse), ("drop_oldest", WhenFull::DropOldest)];
    let age = reader.get("annotations.max_age_ms", WEEK_MS, number(1000..=YEAR_MS));
    Limits {
        max_rows: reader.get("annotations.max_rows", 1_000_000, number(1..=1_000_000_000)),
        max_bytes: reader.get("annotations.max_bytes", 1 << 30, number(1 << 10..=1 << 40)),
        max_age: Duration::from_millis(age),
        when_full: reader.get("annotations.when_full", WhenFull::Refuse, choice(full)),
    }
}

/// An address may carry a password by mistake, so a wrong one is not repeated.
fn endpoint(reader: &mut Reader) -> Option<Endpoint> {
    let text = |text: &str| Ok(text.to_owned());
    let url = reader.optional("annotations.url", text);
    let path = reader.get("annotations.path", "/annotations".to_owned(), text);
    match Endpoint::new(&url?, &path) {
        Ok(endpoint) => Some(endpoint),
        Err(error) => {
            reader.fault("annotations.url", error.to_string());
            None
        }
    }
}

/// A wrong token is not repeated either.
fn token(reader: &mut Reader) -> Option<Authorization> {
    let token = reader.optional("annotations.token", |text| Ok(text.to_owned()))?;
    match Authorization::bearer(&token) {
        Ok(token) => Some(token),
        Err(error) => {
            reader.fault("annotations.token", error.to_string());
            None
        }
    }
}
