//! Whether the inputs and outputs are there, and say what shape they have.

use std::collections::HashSet;

use tract_onnx::pb::{GraphProto, ModelProto, ValueInfoProto, type_proto};

use crate::OnnxError;

/// Checks what the model takes and gives.
pub(crate) fn signature(proto: &ModelProto) -> Result<(), OnnxError> {
    let graph = proto.graph.as_ref().ok_or(OnnxError::NoGraph)?;
    outputs(graph)?;
    let weights: HashSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    let inputs = graph.input.iter().filter(|input| !weights.contains(input.name.as_str()));
    let named = inputs.map(|input| ("input", input));
    let mut named = named.chain(graph.output.iter().map(|output| ("output", output)));
    match named.find(|(_, info)| !has_shape(info)) {
        Some((role, info)) => Err(OnnxError::NoShape { role, tensor: info.name.clone() }),
        None => Ok(()),
    }
}

fn outputs(graph: &GraphProto) -> Result<(), OnnxError> {
    if graph.output.is_empty() {
        return Err(OnnxError::NoOutputs);
    }
    let weights = graph.initializer.iter().map(|tensor| &tensor.name);
    let inputs = graph.input.iter().map(|input| &input.name);
    let computed = graph.node.iter().flat_map(|node| &node.output);
    let known: HashSet<&String> = weights.chain(inputs).chain(computed).collect();
    match graph.output.iter().find(|output| !known.contains(&output.name)) {
        Some(output) => Err(OnnxError::UnknownOutput { output: output.name.clone() }),
        None => Ok(()),
    }
}

/// What is no tensor has none either.
fn has_shape(info: &ValueInfoProto) -> bool {
    let value = info.r#type.as_ref().and_then(|r#type| r#type.value.as_ref());
    value.is_some_and(|type_proto::Value::TensorType(tensor)| tensor.shape.is_some())
}
