//! How many results a second are stored and delivered: nothing is lost at full speed, and the numbers are told.
//! `DETECTIONS_TEST_ROWS` is how many results.

use std::{
    env,
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use detections_annotations::{Delivery, Outbox, SystemClock};

use crate::{
    clock::ManualClock,
    fixture::{Fixture, LIMITS, frame, identity, settings},
    server::Server,
};

/// Frames of a video.
const FRAMES: u64 = 100;

fn rows_per_s(rows: u64, time: Duration) -> u64 {
    u64::try_from(u128::from(rows) * 1_000_000 / time.as_micros().max(1)).unwrap()
}

/// Stores one picture's result, and waits for it as whoever answers a client does.
fn picture(fixture: &Fixture, name: &str) {
    let mut recording = fixture.record(name);
    let kept = recording.keep(&frame(0)).unwrap().unwrap();
    let stored = recording.store(kept, None).unwrap();
    recording.finish(Some(identity(name))).unwrap();
    stored.wait().unwrap();
}

#[test]
fn results_are_stored_and_delivered_as_fast_as_is_told() {
    let rows = env::var("DETECTIONS_TEST_ROWS").map_or(1000, |count| count.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SystemClock::new());
    let outbox = Outbox::open(folder.path(), LIMITS, clock).unwrap();
    let fixture = Fixture { folder, clock: Arc::new(ManualClock::new()), outbox };
    let started = Instant::now();
    (0..rows / FRAMES).for_each(|video| fixture.video(&format!("{video:04}"), FRAMES));
    let of_videos = rows_per_s(rows / FRAMES * FRAMES, started.elapsed());

    let started = Instant::now();
    let pictures = rows / 10;
    (0..pictures).for_each(|number| picture(&fixture, &format!("p{number:05}")));
    let of_pictures = rows_per_s(pictures, started.elapsed());

    let stored = rows / FRAMES * FRAMES + pictures;
    assert_eq!(fixture.outbox.stats().pending, stored);
    let server = Server::start();
    let started = Instant::now();
    let delivery = Delivery::spawn(&fixture.outbox, settings(&server.url(), 2)).unwrap();
    let posts = server.wait_for(usize::try_from(stored).unwrap());
    let delivered = rows_per_s(stored, started.elapsed());
    assert!(delivery.stop(Duration::from_secs(30)));
    assert_eq!(u64::try_from(posts.len()).unwrap(), stored, "each once");
    assert_eq!(fixture.outbox.stats().pending, 0);
    // Straight to the stream: the test runner hides what a passing test prints otherwise.
    let told = format!(
        "rows/s: {of_videos} stored of videos, {of_pictures} of pictures one after another, \
         {delivered} delivered by 2 workers ({stored} rows)"
    );
    writeln!(std::io::stderr(), "{told}").unwrap();
}
