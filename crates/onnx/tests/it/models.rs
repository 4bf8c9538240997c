//! Well-formed and ill-formed models: what is told of them and what is said against them.

use std::collections::BTreeMap;

use detections_onnx::{GraphInput, OnnxError, OnnxFile, UnsupportedOperator};
use detections_types::{Dim, ElementType, ErrorKind};
use tract_onnx::{
    pb::{
        AttributeProto, GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto,
        attribute_proto::AttributeType,
        tensor_proto::{DataLocation, DataType},
    },
    prelude::{DatumType, IntoTValue, Tensor, TypedSimplePlan, tvec},
};

use crate::build::{Axis, bytes, convolution, half_precision, int, model, node, singles, value};

fn parse(proto: &ModelProto) -> Result<OnnxFile, OnnxError> {
    OnnxFile::parse(&bytes(proto))
}

fn refusal(change: impl FnOnce(&mut ModelProto, &mut GraphProto)) -> OnnxError {
    let mut proto = convolution();
    let mut graph = proto.graph.take().unwrap();
    change(&mut proto, &mut graph);
    proto.graph = Some(graph);
    parse(&proto).expect_err("the model is refused")
}

const SMALL: GraphInput = GraphInput { batch: 1, height: 4, width: 4 };

fn run(file: &OnnxFile, input: GraphInput, numbers: &[f32]) -> (Vec<usize>, Vec<f32>) {
    let graph = file.typed_graph(input).unwrap().into_inner();
    let plan = TypedSimplePlan::new(graph.into_optimized().unwrap()).unwrap();
    let shape = [input.batch, 3, input.height, input.width];
    let tensor = Tensor::from_shape(&shape, numbers).unwrap();
    let output = plan.run(tvec!(tensor.into_tvalue())).unwrap().remove(0);
    let numbers = output.try_as_plain_ram().unwrap().as_slice::<f32>().unwrap().to_vec();
    (output.shape().to_vec(), numbers)
}

#[test]
fn signature_and_metadata_are_those_of_the_file() {
    let file = parse(&convolution()).unwrap();
    let description = file.description();
    let names = BTreeMap::from([("names".to_owned(), "{0: 'car'}".to_owned())]);
    assert_eq!(description.metadata, names);
    assert_eq!(description.signature.inputs[0].to_string(), "images F32 [1, 3, 4, 4]");
    assert_eq!(description.signature.outputs[0].to_string(), "scores F32 [1, 2, 4, 4]");
}

#[test]
fn the_graph_computes_what_the_file_says() {
    let mut pixels = vec![0.0; 48];
    (pixels[0], pixels[16], pixels[32]) = (1.0, 2.0, 3.0);
    let (shape, scores) = run(&parse(&convolution()).unwrap(), SMALL, &pixels);
    assert_eq!(shape, [1, 2, 4, 4]);
    // 1·1 + 2·0.5 − 3·0.5 and −1·1 + 2·0.25 + 3·2.
    assert!((scores[0] - 0.5).abs() < 1e-6, "{scores:?}");
    assert!((scores[16] - 5.5).abs() < 1e-6, "{scores:?}");
}

#[test]
fn halves_and_named_axes_are_told_and_settled() {
    let file = parse(&half_precision()).unwrap();
    let input = &file.description().signature.inputs[0];
    assert_eq!(input.element, ElementType::F16);
    assert_eq!(input.shape[0], Dim::Dynamic("batch".into()));

    let wanted = GraphInput { batch: 2, height: 1, width: 2 };
    let graph = file.typed_graph(wanted).unwrap().into_inner();
    let types = graph.nodes().iter().flat_map(|node| &node.outputs);
    assert!(types.into_iter().all(|output| output.fact.datum_type == DatumType::F32), "{graph}");

    let numbers: Vec<f32> = (0..12_u8).map(f32::from).collect();
    let (shape, flat) = run(&file, wanted, &numbers);
    assert_eq!(shape, [2, 6]);
    let expected: Vec<f32> = numbers.iter().map(|number| number * 0.5).collect();
    assert_eq!(flat, expected);
}

#[test]
fn weights_listed_among_the_inputs_are_no_inputs() {
    let mut proto = convolution();
    let weights = value("w", DataType::Float, &[2, 3, 1, 1].map(Axis::Fixed));
    proto.graph.as_mut().unwrap().input.insert(0, weights);
    let file = parse(&proto).unwrap();
    assert_eq!(file.description().signature.inputs.len(), 1);
    assert!(file.typed_graph(SMALL).is_ok());
}

#[test]
fn unknown_operators_are_all_named() {
    let error = refusal(|_, graph| {
        let mut foreign = node("Conv", &["images", "w"], "foreign");
        foreign.domain = "org.example".into();
        let mut inner = node("NoSuchThing", &["planes"], "inner");
        inner.name.clear();
        let body = GraphProto { node: vec![inner], ..Default::default() };
        let body = AttributeProto {
            name: "then_branch".into(),
            r#type: AttributeType::Graph as i32,
            g: Some(body),
            ..Default::default()
        };
        let mut branch = node("If", &["scores"], "branch");
        branch.attribute = vec![body];
        graph.node.extend([foreign, branch]);
    });
    let OnnxError::UnsupportedOperators { nodes } = &error else { panic!("{error:?}") };
    let operator = |node: &str, operator: &str| UnsupportedOperator {
        node: node.to_owned(),
        operator: operator.to_owned(),
    };
    assert_eq!(
        nodes.as_slice(),
        [operator("/foreign", "org.example.Conv"), operator("inner", "NoSuchThing")]
    );
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn data_in_another_file_is_refused_wherever_it_points() {
    for location in ["weights.bin", "../../etc/passwd"] {
        let error = refusal(|_, graph| {
            let entry = StringStringEntryProto { key: "location".into(), value: location.into() };
            graph.initializer[0].raw_data.clear();
            graph.initializer[0].data_location = Some(DataLocation::External as i32);
            graph.initializer[0].external_data = vec![entry];
        });
        let text = error.to_string();
        assert!(matches!(error, OnnxError::ExternalData { .. }), "{text}");
        assert!(text.contains("`w`") && text.contains(location), "{text}");
    }
}

#[test]
fn tensors_that_do_not_hold_their_shape_are_refused() {
    let error = refusal(|_, graph| graph.initializer[0].dims = vec![2, 3, 1, 2]);
    assert!(matches!(error, OnnxError::DataMismatch { bytes: 24, .. }), "{error:?}");
    let error = refusal(|_, graph| graph.initializer[0].dims = vec![-1, 3, 1, 2]);
    assert!(matches!(error, OnnxError::DataMismatch { .. }), "{error:?}");
    let error = refusal(|_, graph| graph.initializer[0].dims = vec![i64::MAX, i64::MAX]);
    assert!(matches!(error, OnnxError::DataMismatch { .. }), "{error:?}");
    let error = refusal(|_, graph| {
        let odd = TensorProto { raw_data: vec![0; 11], ..graph.initializer[0].clone() };
        graph.initializer[0] = TensorProto { data_type: DataType::Float16 as i32, ..odd };
    });
    assert!(matches!(error, OnnxError::DataMismatch { bytes: 11, .. }), "{error:?}");
}

#[test]
fn element_types_that_cannot_be_held_are_named() {
    for (number, name) in [(DataType::Bfloat16 as i32, "BFLOAT16"), (99, "99")] {
        let error = refusal(|_, graph| graph.initializer[0].data_type = number);
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}

#[test]
fn what_is_missing_is_said() {
    let error = refusal(|proto, _| proto.opset_import.clear());
    assert!(matches!(error, OnnxError::NoOperatorSet), "{error:?}");
    let error = refusal(|_, graph| graph.output[0].name = "nothing".into());
    assert!(error.to_string().contains("`nothing`"), "{error}");
    let mut proto = convolution();
    proto.graph = None;
    assert!(matches!(parse(&proto), Err(OnnxError::NoGraph)));
}

#[test]
fn a_value_that_nobody_computes_is_named() {
    let error = refusal(|_, graph| graph.node[0].input[1] = "ghost".into());
    assert!(matches!(error, OnnxError::UnknownValue { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("`/planes`") && text.contains("`ghost`"), "{text}");
}

#[test]
fn weights_that_are_no_numbers_are_counted() {
    let error = refusal(|_, graph| {
        graph.initializer[0] =
            singles("w", &[2, 3, 1, 1], &[0.0, f32::NAN, 0.0, 0.0, f32::NAN, 0.0]);
    });
    assert!(error.to_string().contains("`w` holds NaN in 2 of 6 places"), "{error}");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn operator_sets_that_nobody_defined_are_refused() {
    for version in [-1, 0, 6, 999] {
        let error = refusal(|proto, _| proto.opset_import[0].version = version);
        assert!(error.to_string().contains(&format!("version {version} of")), "{error}");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}

#[test]
fn inputs_and_outputs_without_a_shape_are_named() {
    for (role, name) in [("input", "images"), ("output", "scores")] {
        let error = refusal(|_, graph| {
            let list = if role == "input" { &mut graph.input } else { &mut graph.output };
            list[0].r#type = None;
        });
        assert!(
            error.to_string().contains(&format!("the {role} `{name}` has no shape")),
            "{error}"
        );
    }
    let error = refusal(|_, graph| graph.output.clear());
    assert!(matches!(error, OnnxError::NoOutputs), "{error:?}");
}

#[test]
fn an_output_that_is_not_what_the_file_says_is_refused() {
    let mut proto = convolution();
    let graph = proto.graph.as_mut().unwrap();
    graph.output[0] = value("scores", DataType::Float, &[1, 3, 4, 4].map(Axis::Fixed));
    let error = parse(&proto).unwrap().typed_graph(SMALL).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("[1, 3, 4, 4]") && text.contains("gives [1, 2, 4, 4]"), "{text}");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_name_of_an_axis_that_would_exhaust_the_stack_is_not_read() {
    let mut proto = convolution();
    let deep = "(".repeat(1 << 20).leak();
    let axes = [Axis::Named(deep), Axis::Fixed(3), Axis::Named(deep), Axis::Fixed(4)];
    proto.graph.as_mut().unwrap().input[0] = value("images", DataType::Float, &axes);
    assert!(parse(&proto).unwrap().typed_graph(SMALL).is_ok());
}

#[test]
fn inputs_that_are_no_picture_are_refused() {
    let file = parse(&convolution()).unwrap();
    for wanted in [
        GraphInput { batch: 2, ..SMALL },
        GraphInput { height: 8, ..SMALL },
        GraphInput { width: 0, ..SMALL },
    ] {
        let error = file.typed_graph(wanted).unwrap_err();
        assert!(matches!(error, OnnxError::InputMismatch { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    let file = parse(&half_precision()).unwrap();
    let absurd = GraphInput { batch: 1, height: usize::MAX, width: 2 };
    assert!(matches!(file.typed_graph(absurd), Err(OnnxError::InputMismatch { .. })));
}

#[test]
fn a_second_input_is_refused_by_name() {
    let mut proto = convolution();
    let graph = proto.graph.as_mut().unwrap();
    graph.initializer.clear();
    graph.input.push(value("w", DataType::Float, &[2, 3, 1, 1].map(Axis::Fixed)));
    let error = parse(&proto).unwrap().typed_graph(SMALL).unwrap_err();
    assert!(error.to_string().contains("w F32 [2, 3, 1, 1]"), "{error}");
}

#[test]
fn a_loop_in_the_graph_is_refused() {
    let axes = [1, 3, 4, 4].map(Axis::Fixed);
    let proto = model(GraphProto {
        node: vec![node("Add", &["images", "b"], "a"), node("Relu", &["a"], "b")],
        initializer: vec![singles("w", &[1], &[1.0])],
        input: vec![value("images", DataType::Float, &axes)],
        output: vec![value("b", DataType::Float, &axes)],
        ..Default::default()
    });
    let error = parse(&proto).unwrap_err();
    assert!(matches!(error, OnnxError::Cycle { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

/// A sum over `ConstantOfShape` of a shape that `nodes` make.
fn with_a_huge_constant(side: i64, more: Vec<NodeProto>) -> ModelProto {
    let axes = [1, 3, 4, 4].map(Axis::Fixed);
    let shape = TensorProto {
        name: "sides".into(),
        dims: vec![2],
        data_type: DataType::Int64 as i32,
        int64_data: vec![side, side],
        ..Default::default()
    };
    let mut sum = node("ReduceSum", &["huge"], "sum");
    sum.attribute = vec![int("keepdims", 0)];
    let own =
        [node("ConstantOfShape", &["shape"], "huge"), sum, node("Add", &["images", "sum"], "out")];
    model(GraphProto {
        node: more.into_iter().chain(own).collect(),
        initializer: vec![shape],
        input: vec![value("images", DataType::Float, &axes)],
        output: vec![value("out", DataType::Float, &axes)],
        ..Default::default()
    })
}

#[test]
fn a_tensor_that_a_node_is_told_to_make_too_large_is_refused() {
    let mut proto = with_a_huge_constant(30_000, Vec::new());
    proto.graph.as_mut().unwrap().node[0].input[0] = "sides".into();
    let error = parse(&proto).unwrap_err();
    assert!(error.to_string().contains("`/huge` makes a tensor of 900000000 elements"), "{error}");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn a_tensor_that_becomes_too_large_on_the_way_is_refused() {
    let mut proto = convolution();
    let graph = proto.graph.as_mut().unwrap();
    graph.node = vec![node("Expand", &["images", "shape"], "scores")];
    let shape = TensorProto {
        name: "shape".into(),
        dims: vec![4],
        data_type: DataType::Int64 as i32,
        int64_data: vec![100, 3, 1 << 12, 1 << 12],
        ..Default::default()
    };
    graph.input[0] = value("images", DataType::Float, &[1, 3, 1, 1].map(Axis::Fixed));
    // Hidden from what looks at constants alone.
    graph.node.insert(0, node("Identity", &["shape"], "hidden"));
    graph.node[1].input[1] = "hidden".into();
    graph.initializer = vec![shape];
    let input = GraphInput { batch: 1, height: 1, width: 1 };
    let error = parse(&proto).unwrap().typed_graph(input).unwrap_err();
    assert!(matches!(error, OnnxError::TensorTooLarge { .. }), "{error:?}");
}

#[test]
fn a_tensor_larger_than_memory_is_refused() {
    let proto = with_a_huge_constant(1 << 22, vec![node("Identity", &["sides"], "shape")]);
    let error = parse(&proto).unwrap().typed_graph(SMALL).unwrap_err();
    let OnnxError::Panicked { message, .. } = &error else { panic!("{error:?}") };
    assert!(message.contains("allocate"), "{message}");
}
