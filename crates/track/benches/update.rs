//! One frame's update with 10, 100 and 1,000 boxes, spread over a picture and heaped upon each other.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench fails loudly, its numbers are small, and criterion's macros make undocumented items"
)]

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use detections_track::{Tracker, TrackerOptions};
use detections_types::{ClassIndex, Detection, Rect, Score};

/// `count` boxes of 40 pixels, `pitch` pixels from one to the next in both directions, moved by `shift`.
fn boxes(count: u16, pitch: f32, shift: f32) -> Vec<Detection> {
    let at = |index: u16| {
        let (x, y) = (f32::from(index % 32) * pitch + shift, f32::from(index / 32) * pitch);
        Rect::from_corners(x, y, x + 40.0, y + 40.0)
    };
    let detection = |index: u16| Detection {
        rect: at(index),
        score: Score::new(0.9 - f32::from(index % 8) * 0.1).unwrap(),
        class: ClassIndex(0),
    };
    (0..count).map(detection).collect()
}

fn updates(c: &mut Criterion) {
    for (words, pitch) in [("apart", 50.0), ("heaped", 8.0)] {
        for count in [10, 100, 1000] {
            let frames = [boxes(count, pitch, 0.0), boxes(count, pitch, 1.0)];
            let mut tracker =
                Tracker::new(TrackerOptions::for_confidence(Score::new(0.25).unwrap()));
            let mut index = 0_u32;
            c.bench_function(&format!("update {count} boxes, {words}"), |b| {
                b.iter(|| {
                    index += 1;
                    let frame = &frames[usize::from(index.is_multiple_of(2))];
                    tracker.update(Duration::from_millis(40) * index, black_box(frame))
                });
            });
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = updates
}
criterion_main!(benches);
