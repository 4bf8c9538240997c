//! The cases of the suite: small files, and what ONNX Runtime made of them.

use std::{fs, path::PathBuf};

use detections_infer::InputShape;
use detections_onnx::OnnxFile;
use serde_json::Value;

use crate::conformance::Case;

/// A file of `fixtures/onnx`, seen from any crate.
pub(crate) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/onnx").join(name)
}

pub(crate) fn case(name: &str) -> Case {
    let text = fs::read_to_string(fixture("references.json")).unwrap();
    let references: Value = serde_json::from_str(&text).unwrap();
    let reference = &references["models"][name];
    let [max_batch, _, height, width] = lengths(&reference["input_shape"])[..] else {
        panic!("{name}: {reference}")
    };
    let input = InputShape { max_batch, height, width };
    Case {
        name: name.to_owned(),
        file: OnnxFile::open(&fixture(name)).unwrap(),
        input,
        pixels: (0..input.batch_len()).map(pixel).collect(),
        shape: lengths(&reference["shape"]),
        sum: reference["sum"].as_f64().unwrap(),
        samples: reference["samples"].as_array().unwrap().iter().map(sample).collect(),
    }
}

/// The formula by which the references' script fills the input.
fn pixel(index: usize) -> f32 {
    f32::from(u8::try_from(index * 7919 % 255).unwrap()) / 255.0
}

fn lengths(list: &Value) -> Vec<usize> {
    let lengths = list.as_array().unwrap().iter().map(Value::as_u64);
    lengths.map(|length| usize::try_from(length.unwrap()).unwrap()).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "the file holds float32 numbers, printed")]
fn sample(pair: &Value) -> (usize, f32) {
    let index = usize::try_from(pair[0].as_u64().unwrap()).unwrap();
    (index, pair[1].as_f64().unwrap() as f32)
}
