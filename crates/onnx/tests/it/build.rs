//! Small models, written as the format's messages.

use prost::Message;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
    attribute_proto::AttributeType,
    tensor_proto::DataType,
    tensor_shape_proto::{Dimension, dimension::Value},
    type_proto,
};

/// A length of an axis: a number or a name.
pub(crate) enum Axis {
    Fixed(i64),
    Named(&'static str),
}

pub(crate) fn value(name: &str, element: DataType, axes: &[Axis]) -> ValueInfoProto {
    let dim = axes.iter().map(|axis| match axis {
        Axis::Fixed(length) => Value::DimValue(*length),
        Axis::Named(name) => Value::DimParam((*name).to_owned()),
    });
    let dim = dim.map(|value| Dimension { value: Some(value), ..Default::default() }).collect();
    let tensor =
        type_proto::Tensor { elem_type: element as i32, shape: Some(TensorShapeProto { dim }) };
    let r#type =
        TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(r#type), ..Default::default() }
}

pub(crate) fn node(operator: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: operator.to_owned(),
        name: format!("/{output}"),
        input: inputs.iter().map(|&input| input.to_owned()).collect(),
        output: vec![output.to_owned()],
        ..Default::default()
    }
}

pub(crate) fn int(name: &str, i: i64) -> AttributeProto {
    let r#type = AttributeType::Int as i32;
    AttributeProto { name: name.to_owned(), r#type, i, ..Default::default() }
}

pub(crate) fn singles(name: &str, dims: &[i64], numbers: &[f32]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: DataType::Float as i32,
        raw_data: numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
        ..Default::default()
    }
}

pub(crate) fn halves(name: &str, dims: &[i64], bits: &[u16]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: DataType::Float16 as i32,
        raw_data: bits.iter().flat_map(|bits| bits.to_le_bytes()).collect(),
        ..Default::default()
    }
}

pub(crate) fn model(graph: GraphProto) -> ModelProto {
    let names = StringStringEntryProto { key: "names".into(), value: "{0: 'car'}".into() };
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        metadata_props: vec![names],
        graph: Some(graph),
        ..Default::default()
    }
}

/// `images [1, 3, 4, 4] → Conv 1×1 to 2 planes → Relu → scores [1, 2, 4, 4]`.
pub(crate) fn convolution() -> ModelProto {
    let axes = |planes| [1, planes, 4, 4].map(Axis::Fixed);
    let weights = [1.0, 0.5, -0.5, -1.0, 0.25, 2.0];
    model(GraphProto {
        name: "convolution".into(),
        node: vec![node("Conv", &["images", "w"], "planes"), node("Relu", &["planes"], "scores")],
        initializer: vec![singles("w", &[2, 3, 1, 1], &weights)],
        input: vec![value("images", DataType::Float, &axes(3))],
        output: vec![value("scores", DataType::Float, &axes(2))],
        ..Default::default()
    })
}

/// `images [batch, 3, rows, columns]` in halves, times a half, cast to single and back, flattened
/// by a shape that the graph computes.
pub(crate) fn half_precision() -> ModelProto {
    let axes = [Axis::Named("batch"), Axis::Fixed(3), Axis::Named("rows"), Axis::Named("columns")];
    let mut up = node("Cast", &["scaled"], "single");
    up.attribute = vec![int("to", DataType::Float as i64)];
    let mut down = node("Cast", &["single"], "half");
    down.attribute = vec![int("to", DataType::Float16 as i64)];
    let mut flatten = node("Flatten", &["half"], "flat");
    flatten.attribute = vec![int("axis", 1)];
    model(GraphProto {
        name: "halves".into(),
        node: vec![node("Mul", &["images", "factor"], "scaled"), up, down, flatten],
        // 0.5 as a half.
        initializer: vec![halves("factor", &[1], &[0x3800])],
        input: vec![value("images", DataType::Float16, &axes)],
        output: vec![value(
            "flat",
            DataType::Float16,
            &[Axis::Named("batch"), Axis::Named("3*rows*columns")],
        )],
        value_info: vec![value("scaled", DataType::Float16, &axes)],
        ..Default::default()
    })
}

pub(crate) fn bytes(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}
