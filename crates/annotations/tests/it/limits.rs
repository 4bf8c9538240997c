//! What happens when there is no room, and when something grows old.

use std::time::{Duration, SystemTime};

use detections_annotations::{
    AnnotationsError, EmptyFrames, FramePolicy, LetterBox, Limits, WhenFull,
};

use crate::fixture::{Fixture, LIMITS, frame, upload};

fn store(fixture: &Fixture, name: &str) -> Result<(), AnnotationsError> {
    let mut recording = fixture.record(name);
    let kept = recording.keep(&frame(0))?.unwrap();
    recording.store(kept, None)?.wait()
}

fn held(fixture: &Fixture) -> Vec<String> {
    let mut names = Vec::new();
    let letters = LetterBox::open(fixture.folder.path()).unwrap();
    letters
        .pending(|letter| {
            names.extend(letter.name);
            Ok::<_, AnnotationsError>(())
        })
        .unwrap();
    names
}

#[test]
fn a_full_outbox_refuses_and_takes_again_when_there_is_room() {
    let fixture = Fixture::with(Limits { max_rows: 2, ..LIMITS });
    store(&fixture, "a").unwrap();
    store(&fixture, "b").unwrap();
    let error = store(&fixture, "c").unwrap_err();
    assert!(matches!(error, AnnotationsError::Full { rows: 2, .. }), "{error}");
    assert!(fixture.outbox.stats().full);
    assert_eq!(held(&fixture), ["a", "b"]);
}

#[test]
fn the_oldest_make_room_where_that_is_wanted() {
    let fixture = Fixture::with(Limits { max_rows: 2, when_full: WhenFull::DropOldest, ..LIMITS });
    for name in ["a", "b", "c", "d"] {
        store(&fixture, name).unwrap();
    }
    assert_eq!(held(&fixture), ["c", "d"]);
    let stats = fixture.outbox.stats();
    assert_eq!((stats.dropped, stats.full), (2, false));
}

#[test]
fn bytes_are_bounded_like_rows_and_what_never_fits_is_told_so() {
    let fixture = Fixture::with(Limits { max_bytes: 1000, ..LIMITS });
    store(&fixture, "a").unwrap();
    store(&fixture, "b").unwrap();
    assert!(matches!(store(&fixture, "c"), Err(AnnotationsError::Full { .. })));
    let mut recording = fixture.record("d");
    let kept = recording.keep(&frame(0)).unwrap().unwrap();
    let error = recording.store(kept, Some(vec![0; 1000])).unwrap().wait().unwrap_err();
    assert!(matches!(error, AnnotationsError::TooLarge { limit: 1000, .. }), "{error}");
}

#[test]
fn age_is_time_in_an_open_outbox_whatever_the_wall_clock_does() {
    let fixture = Fixture::with(Limits { max_age: Duration::from_secs(60), ..LIMITS });
    store(&fixture, "a").unwrap();
    let _delivery = fixture.deliver("http://127.0.0.1:9", 1);
    let year = Duration::from_secs(365 * 86_400);
    let future = SystemTime::UNIX_EPOCH + 200 * year;
    for (name, wall) in [("b", SystemTime::UNIX_EPOCH), ("c", future)] {
        fixture.clock.set_wall(wall);
        fixture.clock.advance(Duration::from_secs(10));
        store(&fixture, name).unwrap();
    }
    let stats = fixture.outbox.stats();
    assert_eq!((stats.pending, stats.dropped), (3, 0));
    assert_eq!(stats.oldest.unwrap().as_secs(), 20);
    fixture.clock.advance(Duration::from_secs(45));
    fixture.advance_until("the oldest is dropped", || fixture.outbox.stats().dropped == 1);
    assert_eq!(held(&fixture), ["b", "c"]);
}

#[test]
fn of_a_track_the_first_the_surest_and_the_last_stay() {
    let fixture = Fixture::new();
    let mut recording =
        fixture.outbox.record(upload("a"), FramePolicy::Tracks, EmptyFrames::Skip).unwrap();
    for (index, confidence) in [0.5, 0.6, 0.9, 0.7, 0.8].into_iter().enumerate() {
        let mut frame = frame(index as u64);
        frame.findings[0].confidence = confidence;
        let kept = recording.keep(&frame).unwrap().unwrap();
        recording.store(kept, None).unwrap().wait().unwrap();
    }
    let letters = LetterBox::open(fixture.folder.path()).unwrap();
    let mut frames = Vec::new();
    letters
        .pending(|letter| {
            frames.push(letter.frame);
            Ok::<_, AnnotationsError>(())
        })
        .unwrap();
    assert_eq!(frames, [0, 2, 4]);
}
