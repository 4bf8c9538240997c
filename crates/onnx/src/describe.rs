//! What a file says of itself, in the words of the other layers.

use std::collections::{BTreeSet, HashSet};

use crate::check::subgraphs;
use detections_types::{Dim, ElementType, ModelDescription, Signature, TensorInfo};
use tract_onnx::pb::{
    GraphProto, ModelProto, TensorShapeProto, ValueInfoProto, tensor_proto::DataType,
    tensor_shape_proto::dimension::Value, type_proto,
};

/// Metadata and signature of a model.
pub(crate) fn model(proto: &ModelProto) -> ModelDescription {
    let entries = proto.metadata_props.iter();
    ModelDescription {
        signature: proto.graph.as_ref().map(signature).unwrap_or_default(),
        metadata: entries.map(|entry| (entry.key.clone(), entry.value.clone())).collect(),
        operators: proto.graph.as_ref().map(operators).unwrap_or_default(),
        suppression: None,
    }
}

/// The names of all operators, those in subgraphs too.
pub(crate) fn operators(graph: &GraphProto) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for node in &graph.node {
        names.insert(node.op_type.clone());
        subgraphs(node).for_each(|inner| names.extend(operators(inner)));
    }
    names
}

/// Files of old format versions list their weights among the inputs; nobody has to feed those.
fn signature(graph: &GraphProto) -> Signature {
    let weights: HashSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    let fed = graph.input.iter().filter(|input| !weights.contains(input.name.as_str()));
    Signature {
        inputs: fed.map(tensor).collect(),
        outputs: graph.output.iter().map(tensor).collect(),
    }
}

fn tensor(info: &ValueInfoProto) -> TensorInfo {
    let name = info.name.clone();
    let Some(type_proto::Value::TensorType(tensor)) =
        info.r#type.as_ref().and_then(|r#type| r#type.value.as_ref())
    else {
        return TensorInfo { name, element: ElementType::Other, shape: Vec::new() };
    };
    let shape = tensor.shape.as_ref().map(dims).unwrap_or_default();
    TensorInfo { name, element: element(tensor.elem_type), shape }
}

fn dims(shape: &TensorShapeProto) -> Vec<Dim> {
    shape.dim.iter().map(|dim| dimension(dim.value.as_ref())).collect()
}

fn dimension(value: Option<&Value>) -> Dim {
    match value {
        // A negative length is how some exporters write an unknown one.
        Some(Value::DimValue(length)) => {
            usize::try_from(*length).map_or(Dim::Dynamic(String::new()), Dim::Fixed)
        }
        Some(Value::DimParam(name)) => Dim::Dynamic(name.clone()),
        None => Dim::Dynamic(String::new()),
    }
}

fn element(data_type: i32) -> ElementType {
    const TYPES: [(DataType, ElementType); 5] = [
        (DataType::Float, ElementType::F32),
        (DataType::Float16, ElementType::F16),
        (DataType::Uint8, ElementType::U8),
        (DataType::Int32, ElementType::I32),
        (DataType::Int64, ElementType::I64),
    ];
    let known = TYPES.iter().find(|(number, _)| *number as i32 == data_type);
    known.map_or(ElementType::Other, |(_, element)| *element)
}
