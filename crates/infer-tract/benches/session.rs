//! One run of a session, of the built-in model and of YOLOX-nano where it is at hand.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench stops at a fault, tells what it skips, and criterion's macros make undocumented items"
)]

use std::{hint::black_box, path::Path, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use detections_infer::{InputShape, Model, Session};
use detections_infer_tract::TractModel;
use detections_onnx::OnnxFile;
use detections_types::Dim;

const MODELS: [(&str, &str); 2] = [
    ("topview", "../../fixtures/model/topview.onnx"),
    ("yolox_nano", "../../../shared/models/yolox_nano.onnx"),
];

fn session(path: &Path) -> Box<dyn Session> {
    let file = OnnxFile::open(path).unwrap();
    let shape = &file.description().signature.inputs[0].shape;
    let [height, width] = [2, 3].map(|axis| shape.get(axis).and_then(Dim::fixed).unwrap());
    let input = InputShape { max_batch: 1, height, width };
    TractModel::load(&file, input).unwrap().session().unwrap()
}

fn one_run(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("session");
    group.sample_size(20).measurement_time(Duration::from_secs(3));
    for (name, path) in MODELS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        if !path.exists() {
            eprintln!("skipped: {} is absent", path.display());
            continue;
        }
        let mut session = session(&path);
        session.input().fill(0.5);
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(session.run(1).unwrap()).tensors.len());
        });
    }
    group.finish();
}

criterion_group!(benches, one_run);
criterion_main!(benches);
