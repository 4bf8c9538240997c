//! Models whose graph ends in the decoding of boxes: with and without it the same objects are found.

use std::path::PathBuf;

use detections_infer::{
    Candidate, ClassThresholds, HeadKind, InferError, Manifest, ManifestOptions, Model,
};
use detections_infer_tract::TractModel;
use detections_onnx::{GraphInput, OnnxFile};
use detections_types::Score;

fn file(name: &str) -> OnnxFile {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/zoo");
    OnnxFile::open(&folder.join(name)).unwrap()
}

fn manifest(file: &OnnxFile) -> Manifest {
    Manifest::resolve(file.description(), &ManifestOptions::default()).unwrap()
}

/// What a model finds on made-up pixels, by place.
fn candidates(model: &TractModel, manifest: &Manifest) -> Result<Vec<Candidate>, InferError> {
    let mut session = model.session()?;
    for (place, pixel) in session.input().iter_mut().enumerate() {
        *pixel = f32::from(u8::try_from(place * 7919 % 251).unwrap()) / 255.0;
    }
    let thresholds = ClassThresholds::uniform(Score::new(0.02).unwrap());
    let mut found = Vec::new();
    manifest.head.decode(&session.run(1)?, 0, &thresholds, &mut found)?;
    found.sort_by_key(|candidate| candidate.anchor);
    Ok(found)
}

#[test]
fn both_ways_of_decoding_find_the_same() {
    let file = file("yolov8-dfl.onnx");
    let whole = manifest(&file);
    let (undecoded, cut) = TractModel::load_undecoded(&file, whole.clone()).unwrap();
    assert_ne!(whole.head, cut.head);
    assert!(cut.head_reason.ends_with("boxes are decoded by the program, for what is sure alone"));
    assert_eq!((cut.head.kind(), cut.head.classes()), (HeadKind::Yolov8, 6));
    let outputs = &undecoded.description().signature.outputs;
    let shapes: Vec<String> = outputs.iter().map(|output| output.to_string()).collect();
    assert!(
        shapes[0].ends_with("[1, 64, 1680]") && shapes[1].ends_with("[1, 6, 1680]"),
        "{shapes:?}"
    );

    let decoded = TractModel::load_with(&file, whole.input, &whole.fixed).unwrap();
    let expected = candidates(&decoded, &whole).unwrap();
    let found = candidates(&undecoded, &cut).unwrap();
    assert!(expected.len() >= 5, "only {} to compare", expected.len());
    assert_eq!(found.len(), expected.len());
    for (one, other) in found.iter().zip(&expected) {
        assert_eq!((one.anchor, one.class), (other.anchor, other.class));
        assert!((one.score.get() - other.score.get()).abs() < 1e-4, "{one:?} {other:?}");
        assert!(one.rect.iou(&other.rect) > 0.999, "{one:?} {other:?}");
    }
}

#[test]
fn a_graph_that_decodes_in_another_way_keeps_its_own() {
    let file = file("yolov8-dfl.onnx");
    let whole = manifest(&file);
    let input = GraphInput { batch: 1, height: whole.input.height, width: whole.input.width };
    let (_, sample) = file.undecoded_graph(input, &[]).unwrap().unwrap();
    assert!(whole.undecoded(&sample).is_some());
    // One box a pixel further to the right, one box's scores a little lower.
    for (rows, change) in [(0..1, 1.0), (4..10, -0.01)] {
        let mut other = sample.clone();
        rows.clone().for_each(|row| other.rows[row * 1680 + 700] += change);
        assert!(whole.undecoded(&other).is_none(), "{rows:?}");
    }
}

#[test]
fn a_graph_without_distributions_is_run_whole() {
    let file = file("yolov8.onnx");
    let whole = manifest(&file);
    let (model, same) = TractModel::load_undecoded(&file, whole.clone()).unwrap();
    assert_eq!(same, whole);
    assert_eq!(model.description(), file.description());
}
