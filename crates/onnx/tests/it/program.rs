//! Graphs as lists of plain operators.

use std::{fs, path::Path};

use detections_onnx::{
    Arithmetic, Element, GraphInput, Numbers, OnnxError, OnnxFile, Op, Program, Source, Unary,
};
use detections_types::{Dim, FixedInput};

use crate::build::{Axis, bytes, convolution, int, model, node, singles, value};
use tract_onnx::pb::{GraphProto, tensor_proto::DataType};

const SMALL: GraphInput = GraphInput { batch: 1, height: 4, width: 4 };

fn program(bytes: &[u8]) -> Result<Program, OnnxError> {
    OnnxFile::parse(bytes).unwrap().program(SMALL, &[])
}

fn operators(program: &Program) -> Vec<&'static str> {
    let op = |value: &detections_onnx::Value| match &value.source {
        Source::Computed { op, .. } => Some(op.name()),
        Source::Input | Source::Constant(_) => None,
    };
    program.values().iter().filter_map(op).collect()
}

#[test]
fn values_come_from_values_before_them() {
    let program = program(&bytes(&convolution())).unwrap();
    for (place, value) in program.values().iter().enumerate() {
        if let Source::Computed { operands, .. } = &value.source {
            assert!(operands.iter().all(|operand| operand.index() < place), "{value:?}");
        }
    }
    let input = program.value(program.input());
    assert_eq!((input.shape.as_slice(), input.element), (&[1, 3, 4, 4][..], Element::F32));
    let &[output] = program.outputs() else { panic!("{:?}", program.outputs()) };
    assert_eq!(program.value(output).shape, [1, 2, 4, 4]);
    assert!(matches!(
        &program.value(output).source,
        Source::Computed { op: Op::Arithmetic(Arithmetic::Max), .. }
    ));
}

/// A convolution with a kernel of one element is a product of matrices, its kernel a constant of the file.
#[test]
fn operators_are_normalised_and_constants_are_there() {
    let program = program(&bytes(&convolution())).unwrap();
    assert!(operators(&program).contains(&"MatMul"), "{:?}", operators(&program));
    let weights = program.values().iter().find_map(|value| match &value.source {
        Source::Constant(Numbers::F32(numbers)) if numbers.len() == 6 => Some(numbers.to_vec()),
        _ => None,
    });
    assert_eq!(weights, Some(vec![1.0, 0.5, -0.5, -1.0, 0.25, 2.0]));
}

#[test]
fn what_no_output_needs_is_left_out() {
    let mut proto = convolution();
    let graph = proto.graph.as_mut().unwrap();
    graph.node.push(node("Sigmoid", &["planes"], "unused"));
    let program = program(&bytes(&proto)).unwrap();
    let sigmoid = |value: &detections_onnx::Value| {
        matches!(&value.source, Source::Computed { op: Op::Unary(Unary::Sigmoid), .. })
    };
    assert!(!program.values().iter().any(sigmoid));
}

#[test]
fn an_operator_that_cannot_be_expressed_is_named_with_its_node() {
    let axes = |columns| [1, 3, 4, columns].map(Axis::Fixed);
    let mut product = node("ReduceProd", &["images"], "product");
    product.attribute = vec![int("keepdims", 1)];
    let proto = model(GraphProto {
        name: "product".into(),
        node: vec![product],
        initializer: vec![singles("w", &[1], &[1.0])],
        input: vec![value("images", DataType::Float, &axes(4))],
        output: vec![value("product", DataType::Float, &axes(1))],
        ..Default::default()
    });
    let error = program(&bytes(&proto)).unwrap_err();
    let OnnxError::UnsupportedOperators { nodes } = &error else { panic!("{error:?}") };
    assert_eq!(nodes.len(), 1);
    assert!(nodes[0].node.contains("/product"), "{error}");
    assert!(nodes[0].operator.contains("Prod"), "{error}");
}

/// The zoo's files hold the operators of all detectors that are known.
#[test]
fn every_model_of_the_zoo_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/zoo");
    let mut listed = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "onnx") {
            continue;
        }
        let file = OnnxFile::open(&path).unwrap();
        let inputs = &file.description().signature.inputs;
        let picture = inputs.iter().find_map(|input| input.picture()).unwrap();
        let length = |dim: &Dim, open| dim.fixed().unwrap_or(open);
        let input = GraphInput {
            batch: length(&picture.batch, 1),
            height: length(&picture.height, 256),
            width: length(&picture.width, 320),
        };
        let others = inputs.iter().filter(|input| input.picture().is_none());
        let fixed: Vec<FixedInput> = others
            .map(|input| FixedInput {
                name: input.name.clone(),
                row: vec![0.5; numbers(&input.shape)],
            })
            .collect();
        match file.program(input, &fixed) {
            Ok(program) => {
                assert!(!operators(&program).is_empty(), "{}", path.display());
                listed += 1;
            }
            // Suppression inside the graph gives as many rows as it finds: no shape is settled.
            Err(error) => assert!(path.ends_with("yolov8-nms-inside.onnx"), "{error:?}"),
        }
    }
    assert!(listed >= 30, "{listed} models");
}

fn numbers(shape: &[Dim]) -> usize {
    shape.last().and_then(Dim::fixed).unwrap_or(1)
}
