//! Files and shapes that this backend refuses, and how it says so.

use detections_infer::InputShape;
use detections_infer_candle::{CandleDevice, CandleModel, InferCandleError};
use detections_onnx::{OnnxError, OnnxFile};
use detections_types::ErrorKind;

use crate::{
    cases::fixture,
    reference::told,
    write::{Graph, Kind, Setting},
};

const ONE: InputShape = InputShape { max_batch: 1, height: 64, width: 64 };

fn refusal(file: &OnnxFile, input: InputShape) -> InferCandleError {
    CandleModel::load(file, input, &CandleDevice::cpu()).expect_err("the model is refused")
}

#[test]
fn a_fixed_batch_of_another_size_is_refused() {
    for (name, max_batch) in [("batch1.onnx", 4), ("batch4.onnx", 1), ("dynamic.onnx", 0)] {
        let file = OnnxFile::open(&fixture(name)).unwrap();
        let error = refusal(&file, InputShape { max_batch, ..ONE });
        let mismatch = matches!(&error, InferCandleError::Graph(OnnxError::InputMismatch { .. }));
        assert!(mismatch, "{name}: {error:?}");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn a_size_that_the_graph_does_not_work_out_for_is_refused() {
    let file = OnnxFile::open(&fixture("dynamic.onnx")).unwrap();
    let error = refusal(&file, InputShape { height: 128, ..ONE });
    assert!(matches!(&error, InferCandleError::Graph(_)), "{error:?}");
}

#[test]
fn an_operator_that_cannot_be_expressed_is_named_with_its_node() {
    let (mut graph, value) = Graph::new(&[2, 3]);
    let axes = graph.node("ReduceProd", &[&value], &[("axes", Setting::Ints(vec![1]))]);
    let file = OnnxFile::parse(&graph.file(&[(&axes, Kind::F32)])).unwrap();
    let input = InputShape { max_batch: 1, height: 1, width: graph.width() };
    let error = refusal(&file, input);
    let text = told(&error);
    assert!(text.contains("Reduce") && text.contains("Prod"), "{text}");
    assert!(text.contains(&format!("/ReduceProd/{axes}")), "{text}");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn an_operator_that_cannot_be_lowered_is_named_with_its_node() {
    let (mut graph, value) = Graph::new(&[1, 1, 3, 4]);
    let kernel = graph.singles(&[1, 1, 2, 2], &[1.0; 4]);
    let strides = [("strides", Setting::Ints(vec![1, 2]))];
    let turned = graph.node("ConvTranspose", &[&value, &kernel], &strides);
    let file = OnnxFile::parse(&graph.file(&[(&turned, Kind::F32)])).unwrap();
    let input = InputShape { max_batch: 1, height: 1, width: graph.width() };
    let error = refusal(&file, input);
    assert!(matches!(&error, InferCandleError::Operator { .. }), "{error:?}");
    let text = told(&error);
    assert!(text.contains("TransposedConvolution"), "{text}");
    assert!(text.contains(&format!("/ConvTranspose/{turned}")), "{text}");
}

#[test]
fn a_place_that_is_not_there_fails_the_run_and_not_the_session() {
    use detections_infer::Model;

    let (mut graph, value) = Graph::new(&[6]);
    let places = graph.node("Cast", &[&value], &[("to", Setting::Int(Kind::I64 as i64))]);
    let data = graph.singles(&[3], &[1.0, 2.0, 3.0]);
    let picked = graph.node("Gather", &[&data, &places], &[]);
    let file = OnnxFile::parse(&graph.file(&[(&picked, Kind::F32)])).unwrap();
    let input = InputShape { max_batch: 1, height: 1, width: graph.width() };
    let model = CandleModel::load(&file, input, &CandleDevice::cpu()).unwrap();
    let mut session = model.session().unwrap();
    session.input().fill(7.0);
    let error = session.run(1).expect_err("there is no eighth number");
    assert!(told(&error).contains(&format!("/Gather/{picked}")), "{}", told(&error));
    session.input().fill(2.0);
    assert_eq!(session.run(1).unwrap().tensors[0].data, [3.0; 6]);
}
