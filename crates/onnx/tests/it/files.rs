//! Files: those that are none, and real ones.

use std::io::Write as _;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use detections_onnx::{GraphInput, OnnxError, OnnxFile};
use detections_types::{Dim, ErrorKind};
use tract_onnx::prelude::DatumType;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn open(bytes: &[u8]) -> OnnxError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    fs::write(&path, bytes).unwrap();
    OnnxFile::open(&path).expect_err("the file is refused")
}

fn fixture(name: &str) -> PathBuf {
    root().join("fixtures/onnx").join(name)
}

#[test]
fn what_is_no_model_is_refused() {
    assert!(matches!(open(b""), OnnxError::Empty));
    assert!(matches!(open(&[0xff; 64]), OnnxError::NotOnnx { .. }));
    assert!(matches!(open(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), OnnxError::Foreign { .. }));
    let text = open(b"<html><body>404 Not Found</body></html>");
    assert_eq!(text.kind(), ErrorKind::InvalidInput, "{text:?}");
    assert!(text.to_string().contains("web page"), "{text}");
    // A message of another kind: one number, well formed.
    assert!(matches!(open(&[0x08, 0x01]), OnnxError::NoGraph));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = OnnxFile::open("no/such/model.onnx".as_ref()).unwrap_err();
    assert!(error.to_string().contains("no/such/model.onnx"), "{error}");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_file_over_the_limit_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.onnx");
    File::create(&path).unwrap().set_len(OnnxFile::MAX_BYTES + 1).unwrap();
    let error = OnnxFile::open(&path).unwrap_err();
    assert!(matches!(error, OnnxError::TooLarge { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn the_good_fixtures_are_described_and_settled() {
    for (name, input, batch) in [
        ("batch1.onnx", "images F32 [1, 3, 64, 64]", 1),
        ("batch4.onnx", "images F32 [4, 3, 64, 64]", 4),
        ("dynamic.onnx", "images F32 [batch, 3, 64, 64]", 2),
        ("float16.onnx", "images F16 [1, 3, 64, 64]", 1),
        ("float16_weights.onnx", "images F32 [1, 3, 64, 64]", 1),
    ] {
        let file = OnnxFile::open(&fixture(name)).unwrap();
        let description = file.description();
        assert_eq!(description.signature.inputs[0].to_string(), input, "{name}");
        assert_eq!(description.metadata["task"], "detect", "{name}");
        let graph = file.typed_graph(GraphInput { batch, height: 64, width: 64 }).unwrap();
        let facts = graph.as_ref().nodes().iter().flat_map(|node| &node.outputs);
        let half = facts.filter(|output| output.fact.datum_type == DatumType::F16).count();
        assert_eq!(half, 0, "{name}");
        let output = graph.as_ref().output_fact(0).unwrap();
        assert_eq!(output.shape.as_concrete(), Some([batch, 7, 84].as_slice()), "{name}");
    }
}

#[test]
fn the_bad_fixtures_are_refused() {
    let error = |name| OnnxFile::open(&fixture(name)).unwrap_err();
    assert!(matches!(error("truncated.onnx"), OnnxError::NotOnnx { .. }));
    assert!(matches!(error("garbage.onnx"), OnnxError::NotOnnx { .. }));
    assert!(error("unsupported_op.onnx").to_string().contains("com.example.Mystery"));
}

#[test]
fn yolox_nano_is_described_and_settled() {
    let path = root().join("../shared/models/yolox_nano.onnx");
    if !path.exists() {
        // Straight to the stream: the test runner hides what a passing test prints otherwise.
        writeln!(std::io::stderr(), "skipped: {} is absent", path.display()).ok();
        return;
    }
    let file = OnnxFile::open(&path).unwrap();
    let signature = &file.description().signature;
    assert_eq!(signature.inputs[0].to_string(), "images F32 [1, 3, 416, 416]");
    assert_eq!(signature.outputs[0].shape, [1, 3549, 85].map(Dim::Fixed));
    let graph = file.typed_graph(GraphInput { batch: 1, height: 416, width: 416 }).unwrap();
    let graph = graph.into_inner();
    let shape = graph.output_fact(0).unwrap().shape.as_concrete().unwrap().to_vec();
    assert_eq!(shape, [1, 3549, 85]);
}
