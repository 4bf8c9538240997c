//! The conformance suite over this backend.

use detections_infer::{InputShape, Model};
use detections_infer_tract::TractModel;
use detections_onnx::OnnxFile;

use crate::{cases::case, conformance::check};

fn load(file: &OnnxFile, input: InputShape) -> Box<dyn Model> {
    Box::new(TractModel::load(file, input).unwrap())
}

#[test]
fn a_batch_of_one_conforms() {
    check(&case("batch1.onnx"), load);
}

#[test]
fn a_fixed_batch_of_four_conforms() {
    check(&case("batch4.onnx"), load);
}

#[test]
fn a_dynamic_batch_conforms() {
    check(&case("dynamic.onnx"), load);
}

#[test]
fn half_precision_is_lifted_and_conforms() {
    check(&case("float16.onnx"), load);
    check(&case("float16_weights.onnx"), load);
}
