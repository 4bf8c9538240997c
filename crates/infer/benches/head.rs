//! Both heads at 640x640: 8400 anchors of 80 classes, few of which hold an object, as in pictures.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench fails loudly, its numbers are small, and criterion's macros make undocumented items"
)]

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use detections_infer::{ClassThresholds, Manifest, ManifestOptions, OutputTensor, Outputs};
use detections_types::{Dim, ElementType, ModelDescription, Score, Signature, TensorInfo};

const ANCHORS: usize = 8400;

fn tensor(name: &str, shape: &[usize]) -> TensorInfo {
    let shape = shape.iter().map(|axis| Dim::Fixed(*axis)).collect();
    TensorInfo { name: name.into(), element: ElementType::F32, shape }
}

fn bench(c: &mut Criterion, name: &str, shape: [usize; 3], objects: bool) {
    let description = ModelDescription {
        signature: Signature {
            inputs: vec![tensor("images", &[1, 3, 640, 640])],
            outputs: vec![tensor(name, &shape)],
        },
        ..Default::default()
    };
    let head = Manifest::resolve(&description, &ManifestOptions::default()).unwrap().head;
    // Noise below the threshold, and where objects are wanted one value in 50 is above it.
    let noise = |i: usize| (i.wrapping_mul(2_654_435_761) % 1000) as f32 / 5000.0;
    let value = |i: usize| {
        if objects && i.is_multiple_of(50) { 0.9 } else { noise(i) }
    };
    let data: Vec<f32> = (0..shape.iter().product()).map(value).collect();
    let thresholds = ClassThresholds::uniform(Score::new(0.25).unwrap());
    let mut candidates = Vec::new();
    let words = if objects { "many objects" } else { "no object" };
    c.bench_function(&format!("head {} 640, {words}", head.kind()), |b| {
        b.iter(|| {
            candidates.clear();
            let tensors = vec![OutputTensor { shape: &shape, data: black_box(&data) }];
            head.decode(&Outputs { tensors }, 0, &thresholds, &mut candidates).unwrap();
            candidates.len()
        });
    });
}

fn heads(c: &mut Criterion) {
    for objects in [false, true] {
        bench(c, "output0", [1, 84, ANCHORS], objects);
        bench(c, "output", [1, ANCHORS, 85], objects);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = heads
}
criterion_main!(benches);
