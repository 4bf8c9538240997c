//! What can be said against a model before its graph is translated, naming the node or tensor.

mod claims;
mod signature;
mod tensors;
mod values;

use tract_onnx::{
    model::OnnxOpRegister,
    pb::{GraphProto, ModelProto, NodeProto},
};

use crate::{OnnxError, UnsupportedOperator};

pub(crate) use self::signature::signature;

/// Names of the standard operator set; the first is how most exporters write it.
const STANDARD: [&str; 2] = ["", "ai.onnx"];

/// Further operator sets that the importer knows. It looks up operators by name alone, so another
/// set's operator of a known name would be taken for the standard one.
const FURTHER: [&str; 2] = ["ai.onnx.ml", "com.microsoft"];

/// Versions of the standard operator set that are read. Before the oldest, arithmetic aligned the axes of its
/// operands in another way; what comes after the newest is not known.
const VERSIONS: [i64; 2] = [7, 28];

/// Checks the whole model but for its inputs and outputs.
pub(crate) fn model(proto: &ModelProto) -> Result<(), OnnxError> {
    let graph = proto.graph.as_ref().ok_or(OnnxError::NoGraph)?;
    operator_set(proto)?;
    let known = tract_onnx::onnx().op_register;
    let mut unsupported = Vec::new();
    operators(graph, &known, &mut unsupported);
    if !unsupported.is_empty() {
        return Err(OnnxError::UnsupportedOperators { nodes: unsupported });
    }
    tensors::check(graph)?;
    values::check(graph)?;
    claims::check(graph)
}

/// The first import of the standard set is the one that the importer goes by.
fn operator_set(proto: &ModelProto) -> Result<(), OnnxError> {
    let mut imports = proto.opset_import.iter();
    let standard = imports.find(|set| STANDARD.contains(&set.domain.as_str()));
    let version = standard.ok_or(OnnxError::NoOperatorSet)?.version;
    let [oldest, newest] = VERSIONS;
    if (oldest..=newest).contains(&version) {
        return Ok(());
    }
    Err(OnnxError::OperatorSet { version, oldest, newest })
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
    let operator = if STANDARD.contains(&node.domain.as_str()) {
        node.op_type.clone()
    } else {
        format!("{}.{}", node.domain, node.op_type)
    };
    UnsupportedOperator { node: name(node).to_owned(), operator }
}

/// A node's name, or its first output's where it has none.
fn name(node: &NodeProto) -> &str {
    match (node.name.as_str(), node.output.first()) {
        ("", Some(output)) => output,
        (name, _) => name,
    }
}

pub(crate) fn subgraphs(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs))
}
