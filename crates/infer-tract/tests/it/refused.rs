//! Files and shapes that this backend refuses, and how it says so.

use detections_infer::InputShape;
use detections_infer_tract::{InferTractError, TractModel};
use detections_onnx::{OnnxError, OnnxFile};
use detections_types::ErrorKind;

use crate::cases::fixture;

const ONE: InputShape = InputShape { max_batch: 1, height: 64, width: 64 };

fn refusal(name: &str, input: InputShape) -> InferTractError {
    let file = OnnxFile::open(&fixture(name)).unwrap();
    TractModel::load(&file, input).expect_err("the model is refused")
}

#[test]
fn a_fixed_batch_of_another_size_is_refused() {
    for (name, max_batch) in [("batch1.onnx", 4), ("batch4.onnx", 1), ("dynamic.onnx", 0)] {
        let error = refusal(name, InputShape { max_batch, ..ONE });
        let mismatch = matches!(&error, InferTractError::Graph(OnnxError::InputMismatch { .. }));
        assert!(mismatch, "{name}: {error:?}");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn a_size_that_the_graph_does_not_work_out_for_is_refused() {
    let error = refusal("dynamic.onnx", InputShape { height: 128, ..ONE });
    assert!(matches!(&error, InferTractError::Graph(_)), "{error:?}");
}

#[test]
fn a_second_input_is_refused() {
    let error = refusal("two_inputs.onnx", ONE);
    let InferTractError::Graph(OnnxError::InputCount { inputs }) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(inputs.len(), 2);
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn what_is_no_detector_still_runs() {
    let file = OnnxFile::open(&fixture("not_a_detector.onnx")).unwrap();
    assert!(TractModel::load(&file, ONE).is_ok());
}
