//! What can be said against a model before its graph is translated, naming the node or tensor.

use std::collections::HashSet;

use tract_onnx::{
    model::OnnxOpRegister,
    pb::{
        AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto,
        tensor_proto::{DataLocation, DataType},
    },
};

use crate::{OnnxError, UnsupportedOperator};

/// Names of the standard operator set; the first is how most exporters write it.
const STANDARD: [&str; 2] = ["", "ai.onnx"];

/// Further operator sets that the importer knows. It looks up operators by name alone, so another
/// set's operator of a known name would be taken for the standard one.
const FURTHER: [&str; 2] = ["ai.onnx.ml", "com.microsoft"];

/// Checks the whole model.
pub(crate) fn model(proto: &ModelProto) -> Result<(), OnnxError> {
    let graph = proto.graph.as_ref().ok_or(OnnxError::NoGraph)?;
    let mut imports = proto.opset_import.iter();
    if !imports.any(|set| STANDARD.contains(&set.domain.as_str()) && set.version > 0) {
        return Err(OnnxError::NoOperatorSet);
    }
    let known = tract_onnx::onnx().op_register;
    let mut unsupported = Vec::new();
    operators(graph, &known, &mut unsupported);
    if !unsupported.is_empty() {
        return Err(OnnxError::UnsupportedOperators { nodes: unsupported });
    }
    tensors(graph)?;
    outputs(graph)
}

fn operators(graph: &GraphProto, known: &OnnxOpRegister, found: &mut Vec<UnsupportedOperator>) {
    for node in &graph.node {
        if !is_known(node, known) {
            found.push(unsupported(node));
        }
        subgraphs(node).for_each(|inner| operators(inner, known, found));
    }
}

fn is_known(node: &NodeProto, known: &OnnxOpRegister) -> bool {
    let mut domains = STANDARD.iter().chain(&FURTHER);
    domains.any(|domain| *domain == node.domain) && known.0.contains_key(&node.op_type)
}

fn unsupported(node: &NodeProto) -> UnsupportedOperator {
    let name = if node.name.is_empty() { node.output.first() } else { Some(&node.name) };
    let operator = if STANDARD.contains(&node.domain.as_str()) {
        node.op_type.clone()
    } else {
        format!("{}.{}", node.domain, node.op_type)
    };
    UnsupportedOperator { node: name.cloned().unwrap_or_default(), operator }
}

pub(crate) fn subgraphs(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs))
}

fn tensors(graph: &GraphProto) -> Result<(), OnnxError> {
    graph.initializer.iter().try_for_each(|weights| tensor(weights, &weights.name))?;
    for node in &graph.node {
        for attribute in &node.attribute {
            held(attribute).try_for_each(|value| tensor(value, &node.name))?;
        }
        subgraphs(node).try_for_each(tensors)?;
    }
    Ok(())
}

fn held(attribute: &AttributeProto) -> impl Iterator<Item = &TensorProto> {
    attribute.t.iter().chain(&attribute.tensors)
}

fn tensor(tensor: &TensorProto, name: &str) -> Result<(), OnnxError> {
    if let Some(location) = external(tensor) {
        return Err(OnnxError::ExternalData { tensor: name.to_owned(), location });
    }
    let data_type = DataType::try_from(tensor.data_type);
    let Some((element, size)) = data_type.ok().and_then(element_size) else {
        let element =
            data_type.map_or(tensor.data_type.to_string(), |known| known.as_str_name().to_owned());
        return Err(OnnxError::ElementType { tensor: name.to_owned(), element });
    };
    let bytes = data_bytes(tensor, element);
    let expected = volume(&tensor.dims).and_then(|volume| volume.checked_mul(size));
    if bytes.is_some_and(|bytes| expected != Some(bytes)) {
        let shape = tensor.dims.clone();
        let bytes = bytes.unwrap_or_default();
        return Err(OnnxError::DataMismatch { tensor: name.to_owned(), shape, bytes });
    }
    Ok(())
}

/// Where a tensor says that its data is, when that is not in the file itself.
fn external(tensor: &TensorProto) -> Option<String> {
    let elsewhere = tensor.data_location == Some(DataLocation::External as i32);
    let location = tensor.external_data.iter().find(|entry| entry.key == "location");
    let unnamed = elsewhere.then(String::new);
    location.map(|entry| entry.value.clone()).or(unnamed)
}

/// The types that the importer can hold, with the bytes of an element; strings have no such size.
fn element_size(data_type: DataType) -> Option<(DataType, usize)> {
    use DataType::{
        Bool, Double, Float, Float16, Int8, Int16, Int32, Int64, String, Uint8, Uint16, Uint32,
        Uint64,
    };
    const SIZES: [(DataType, usize); 13] = [
        (Bool, 1),
        (Int8, 1),
        (Uint8, 1),
        (Float16, 2),
        (Int16, 2),
        (Uint16, 2),
        (Float, 4),
        (Int32, 4),
        (Uint32, 4),
        (Double, 8),
        (Int64, 8),
        (Uint64, 8),
        (String, 0),
    ];
    SIZES.into_iter().find(|(known, _)| *known == data_type)
}

/// How many bytes of data a tensor has; `None` for strings and empty tensors, which the importer checks.
fn data_bytes(tensor: &TensorProto, element: DataType) -> Option<usize> {
    if !tensor.raw_data.is_empty() {
        return (element != DataType::String).then_some(tensor.raw_data.len());
    }
    (element == DataType::Float16).then_some(tensor.int32_data.len() * 2)
}

fn volume(dims: &[i64]) -> Option<usize> {
    dims.iter().try_fold(1_usize, |volume, dim| volume.checked_mul(usize::try_from(*dim).ok()?))
}

fn outputs(graph: &GraphProto) -> Result<(), OnnxError> {
    let weights = graph.initializer.iter().map(|tensor| &tensor.name);
    let inputs = graph.input.iter().map(|input| &input.name);
    let computed = graph.node.iter().flat_map(|node| &node.output);
    let known: HashSet<&String> = weights.chain(inputs).chain(computed).collect();
    match graph.output.iter().find(|output| !known.contains(&output.name)) {
        Some(output) => Err(OnnxError::UnknownOutput { output: output.name.clone() }),
        None => Ok(()),
    }
}
