//! One run of a session, of the built-in model and of YOLOX-nano where it is at hand, and of YOLOv8-shaped models with
//! the decoding of boxes in the graph and without it.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench stops at a fault, tells what it skips, and criterion's macros make undocumented items"
)]

use std::{
    hint::black_box,
    path::{Path, PathBuf},
    time::Duration,
};

use criterion::{Criterion, criterion_group, criterion_main};
use detections_infer::{ClassThresholds, InputShape, Manifest, ManifestOptions, Model, Session};
use detections_infer_tract::TractModel;
use detections_onnx::OnnxFile;
use detections_types::{Dim, Score};

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

/// Models that end in the decoding of boxes: the zoo's, and in its cache of large ones one of Ultralytics'.
const DECODING: [&str; 2] = ["../../fixtures/zoo/yolov8-dfl.onnx", "ultralytics-v8n.onnx"];

/// Run and head, of the file's own graph and of the one without its decoding.
fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decoding");
    group.sample_size(20).measurement_time(Duration::from_secs(5));
    let cache = std::env::var_os("DETECTIONS_ZOO").map(PathBuf::from).unwrap_or_default();
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    for path in DECODING
        .iter()
        .map(|path| if path.contains('/') { own.join(path) } else { cache.join(path) })
    {
        if !path.exists() {
            eprintln!("skipped: {} is absent", path.display());
            continue;
        }
        let file = OnnxFile::open(&path).unwrap();
        let whole = Manifest::resolve(file.description(), &ManifestOptions::default()).unwrap();
        let model = TractModel::load_with(&file, whole.input, &whole.fixed).unwrap();
        let (cut, head) = TractModel::load_undecoded(&file, whole.clone()).unwrap();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for (way, model, manifest) in [("in the graph", model, whole), ("by the head", cut, head)] {
            let mut session = model.session().unwrap();
            session.input().fill(0.5);
            let thresholds = ClassThresholds::uniform(Score::new(0.25).unwrap());
            let mut found = Vec::new();
            group.bench_function(format!("{name}, {way}"), |bencher| {
                bencher.iter(|| {
                    found.clear();
                    let outputs = session.run(1).unwrap();
                    manifest.head.decode(&outputs, 0, &thresholds, &mut found).unwrap();
                    black_box(found.len())
                });
            });
        }
    }
    group.finish();
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

criterion_group!(benches, one_run, decoding);
criterion_main!(benches);
