//! What must hold for any input: ids unique in a frame, the same again, and none of it slow or not a number.

use std::time::{Duration, Instant};

use detections_track::{MAX_TRACKS, TrackId, Tracker, TrackerOptions};
use detections_types::{ClassIndex, Detection, Rect, Score};
use proptest::{
    collection::vec,
    prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest},
};

fn tracker() -> Tracker {
    Tracker::new(TrackerOptions::for_confidence(Score::new(0.3).unwrap()))
}

fn square(x: f32, y: f32, score: f32) -> Detection {
    let rect = Rect::from_corners(x, y, x + 20.0, y + 20.0);
    Detection { rect, score: Score::new(score).unwrap(), class: ClassIndex(0) }
}

/// Detections with edges of any bits whatever, among some that overlap.
fn detections() -> impl Strategy<Value = Vec<Detection>> {
    let usual = (0_u8..60, 0_u8..60).prop_map(|(x, y)| {
        let (x, y) = (f32::from(x), f32::from(y));
        [x, y, x + 20.0, y + 20.0]
    });
    let edges = proptest::prop_oneof![3 => usual, 1 => any::<[f32; 4]>()];
    let one =
        (edges, 0.0_f32..=1.0, 0_u32..2).prop_map(|([x0, y0, x1, y1], score, class)| Detection {
            rect: Rect::from_corners(x0, y0, x1, y1),
            score: Score::new(score).unwrap(),
            class: ClassIndex(class),
        });
    vec(one, 0..12)
}

proptest! {
    #[test]
    fn any_frames_at_any_times_give_aligned_unique_and_repeatable_ids(
        frames in vec((any::<u32>(), detections()), 1..20),
    ) {
        let (mut one, mut other) = (tracker(), tracker());
        for (micros, detections) in frames {
            let pts = Duration::from_micros(micros.into());
            let ids = one.update(pts, &detections);
            prop_assert_eq!(&ids, &other.update(pts, &detections));
            prop_assert_eq!(ids.len(), detections.len());
            let mut given: Vec<_> = ids.into_iter().flatten().map(TrackId::get).collect();
            prop_assert!(given.iter().all(|id| (1..=one.tracks()).contains(id)));
            let count = given.len();
            given.sort_unstable();
            given.dedup();
            prop_assert_eq!(given.len(), count);
        }
    }

    #[test]
    fn the_order_of_the_detections_changes_no_identity(
        frames in vec(detections(), 1..15), turn in any::<usize>(),
    ) {
        let (mut straight, mut turned) = (tracker(), tracker());
        for (index, detections) in frames.iter().enumerate() {
            let pts = Duration::from_millis(40) * u32::try_from(index).unwrap();
            let by = turn % detections.len().max(1);
            let mut others = detections.clone();
            others.rotate_left(by);
            let ids = straight.update(pts, detections);
            let mut again = turned.update(pts, &others);
            again.rotate_right(by);
            // Identical boxes may change places with each other.
            for (i, id) in ids.iter().enumerate() {
                let twins = (0..ids.len()).filter(|&j| detections[j] == detections[i]);
                prop_assert!(twins.into_iter().any(|j| again[j] == *id), "{ids:?} {again:?}");
            }
        }
    }
}

#[test]
fn time_that_stands_still_or_jumps_back_loses_no_object() {
    let mut tracker = tracker();
    for (millis, x) in [(1000, 0.0), (1040, 2.0), (1040, 4.0), (20, 6.0), (60, 8.0), (100, 10.0)] {
        tracker.update(Duration::from_millis(millis), &[square(x, 0.0, 0.9)]);
    }
    assert_eq!(tracker.tracks(), 1);
}

#[test]
fn sparse_frames_keep_an_object_though_they_are_farther_apart_than_what_is_lost() {
    let mut tracker = tracker();
    for second in 0..6 {
        tracker.update(Duration::from_secs(20 * second), &[square(5.0, 5.0, 0.9)]);
    }
    assert_eq!(tracker.tracks(), 1);
}

#[test]
fn a_weak_box_keeps_a_track_alive_but_starts_none() {
    let mut tracker = tracker();
    let at = |frame: u32| Duration::from_millis(40) * frame;
    assert_eq!(tracker.update(at(0), &[square(0.0, 0.0, 0.2)]), [None]);
    assert_eq!(tracker.update(at(1), &[square(0.0, 0.0, 0.2)]), [None]);
    tracker.update(at(2), &[square(0.0, 0.0, 0.9)]);
    let known = tracker.update(at(3), &[square(0.0, 0.0, 0.9)]);
    assert_eq!(known[0].map(TrackId::get), Some(1));
    assert_eq!(tracker.update(at(4), &[square(1.0, 0.0, 0.15)]), known);
}

#[test]
fn what_is_out_of_sight_for_longer_than_it_is_looked_for_is_another_object() {
    let again_after = |millis: u32| {
        let mut tracker = tracker();
        let mut now = Duration::ZERO;
        for step in [0, 40, 40, 40, millis, 40] {
            now += Duration::from_millis(step.into());
            if step == millis {
                tracker.update(now - Duration::from_millis(20), &[]);
            }
            tracker.update(now, &[square(0.0, 0.0, 0.9)]);
        }
        tracker.tracks()
    };
    assert_eq!((again_after(900), again_after(9000)), (1, 2));
}

#[test]
fn thousands_of_boxes_heaped_upon_each_other_take_bounded_time_and_room() {
    let heap: Vec<_> =
        (0..5000_u16).map(|i| square(f32::from(i % 37), f32::from(i % 41), 0.9)).collect();
    let (mut tracker, begin) = (tracker(), Instant::now());
    for frame in 0..4 {
        tracker.update(Duration::from_millis(40) * frame, &heap);
    }
    assert!(tracker.tracks() <= u64::try_from(MAX_TRACKS).unwrap());
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}
