//! Suppression of 25,200 boxes in its worst cases, and of as many as a busy picture has.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench fails loudly, its numbers are small, and criterion's macros make undocumented items"
)]

use std::{hint::black_box, time::Duration};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use detections_infer::{Candidate, Nms, NmsMode};
use detections_types::{ClassIndex, Rect, Score};

const MANY: usize = 25_200;

/// Numbers 0..1 that look random.
fn random(i: usize, salt: usize) -> f32 {
    let mixed = (i * 7 + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed >> 40) & 0xffff) as f32 / 65_536.0
}

fn boxes(count: usize, rect: impl Fn(usize) -> [f32; 4]) -> Vec<Candidate> {
    let one = |i| {
        let [x, y, w, h] = rect(i);
        Candidate {
            rect: Rect::from_corners(x, y, x + w, y + h),
            score: Score::clamped(random(i, 5)).unwrap(),
            class: ClassIndex(0),
            anchor: 0,
        }
    };
    (0..count).map(one).collect()
}

fn suppression(c: &mut Criterion) {
    let place = |i: usize| (random(i, 1) * 600.0, random(i, 2) * 600.0);
    let cases = [
        ("25200 the same", boxes(MANY, |_| [10.0, 10.0, 50.0, 50.0])),
        (
            "25200 disjoint",
            boxes(MANY, |i| [(i % 159) as f32 * 4.0, (i / 159) as f32 * 4.0, 4.0, 4.0]),
        ),
        ("25200 stripes", boxes(MANY, |i| [0.0, i as f32, 640.0, 1.0])),
        (
            "25200 crossing stripes",
            boxes(MANY, |i| {
                if i.is_multiple_of(2) {
                    [0.0, i as f32, 9e4, 1.0]
                } else {
                    [i as f32, 0.0, 1.0, 9e4]
                }
            }),
        ),
        (
            "25200 random of all sizes",
            boxes(MANY, |i| {
                let (x, y) = place(i);
                [x, y, (random(i, 3) * 6.0).exp(), (random(i, 4) * 6.0).exp()]
            }),
        ),
        (
            "500 around 40 objects",
            boxes(500, |i| {
                let (x, y) = place(i % 40);
                [x + random(i, 3) * 4.0, y + random(i, 4) * 4.0, 40.0, 40.0]
            }),
        ),
    ];
    for (name, all) in cases {
        for iou in [0.45, 0.95] {
            let mut nms = Nms::default();
            c.bench_function(&format!("nms {name}, iou {iou}"), |b| {
                let run = |mut all: Vec<Candidate>| {
                    nms.suppress(black_box(&mut all), iou, NmsMode::ClassWise, usize::MAX);
                    all
                };
                b.iter_batched(|| all.clone(), run, BatchSize::LargeInput);
            });
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = suppression
}
criterion_main!(benches);
