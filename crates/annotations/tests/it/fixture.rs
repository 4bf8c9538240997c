//! An outbox in a folder of its own, with results in it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use detections_annotations::{
    Delivery, DeliverySettings, EmptyFrames, Endpoint, Finding, Frame, FramePolicy, Identity,
    Limits, MediaKind, ModelIdentity, Outbox, Recording, Upload, WhenFull,
};
use detections_types::Rect;
use tempfile::TempDir;

use crate::{clock::ManualClock, server::PATIENCE};

pub(crate) const LIMITS: Limits = Limits {
    max_rows: 10_000,
    max_bytes: 1 << 30,
    max_age: Duration::from_secs(3600),
    when_full: WhenFull::Refuse,
};

pub(crate) struct Fixture {
    pub(crate) folder: TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) outbox: Outbox,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(LIMITS)
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new());
        let outbox = Outbox::open(folder.path(), limits, Arc::clone(&clock) as _).unwrap();
        Self { folder, clock, outbox }
    }

    pub(crate) fn record(&self, name: &str) -> Recording {
        self.outbox.record(upload(name), FramePolicy::Every, EmptyFrames::Skip).unwrap()
    }

    /// A finished video of so many frames.
    pub(crate) fn video(&self, name: &str, frames: u64) {
        let mut recording = self.record(name);
        let tickets: Vec<_> = (0..frames)
            .map(|index| {
                let kept = recording.keep(&frame(index)).unwrap().unwrap();
                recording.store(kept, None).unwrap()
            })
            .collect();
        recording.finish(Some(identity(name))).unwrap();
        tickets.into_iter().for_each(|ticket| ticket.wait().unwrap());
    }

    pub(crate) fn deliver(&self, url: &str, workers: usize) -> Delivery {
        Delivery::spawn(&self.outbox, settings(url, workers)).unwrap()
    }

    /// Lets time pass until it is so.
    pub(crate) fn advance_until(&self, what: &str, so: impl Fn() -> bool) {
        let started = Instant::now();
        while !so() {
            assert!(started.elapsed() < PATIENCE, "still not: {what}; {:?}", self.outbox.stats());
            self.clock.advance_for_waiters(Duration::from_millis(100));
            std::thread::yield_now();
        }
    }

    pub(crate) fn advance_until_empty(&self) {
        self.advance_until("empty", || self.outbox.stats().pending == 0);
    }
}

pub(crate) fn settings(url: &str, workers: usize) -> DeliverySettings {
    DeliverySettings {
        endpoint: Endpoint::new(url, "/annotations").unwrap(),
        authorization: None,
        workers,
        timeout: Duration::from_secs(20),
        max_attempts: 3,
    }
}

pub(crate) fn upload(name: &str) -> Upload {
    Upload {
        id: format!("upload-{name}"),
        request: "r".into(),
        kind: MediaKind::Video,
        name: Some(name.into()),
        model: ModelIdentity { name: "m".into(), sha256: "0a".into() },
        params: r#"{"confidence":0.25}"#.into(),
        authorization: None,
    }
}

pub(crate) fn identity(name: &str) -> Identity {
    Identity { sha256: format!("sha-{name}"), fingerprint: format!("print-{name}") }
}

pub(crate) fn frame(index: u64) -> Frame {
    let finding = Finding {
        class_id: 2,
        class: "car".into(),
        confidence: 0.5,
        rect: Rect::from_corners(1.0, 2.0, 3.0, 4.5),
        track: Some(1),
    };
    let pts = Some(Duration::from_millis(40 * index));
    Frame { index, pts, width: 64, height: 48, findings: vec![finding] }
}
