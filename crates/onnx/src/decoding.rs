//! The end of a graph in which YOLOv8's head decodes its boxes: where it begins, the graph without it, and a sample
//! of what it computes, by which whoever decodes instead proves that it does the same.
//!
//! Layout: <https://github.com/ultralytics/ultralytics>, `Detect` with `DFL`: distributions over distances go through a
//! softmax and a mean, then to boxes about the cells; class logits through a sigmoid; both into one tensor.

use std::collections::HashSet;

use detections_types::{Dim, ElementType, TensorInfo, Undecoded};
use tract_onnx::{
    pb::{GraphProto, ModelProto, NodeProto, TensorProto, tensor_proto::DataType},
    prelude::{Framework, InferenceModelExt, TractResult, TypedSimplePlan, tvec},
    tract_hir::internal::bail,
};

use crate::flow::{Flow, inputs};

/// Operators that lie between a head's logits and its softmax, and only order them anew.
const ORDERING: [&str; 3] = ["Transpose", "Reshape", "Identity"];

/// A decoding is a few nodes over constants; one of more is something else.
const MAX_NODES: usize = 200;

/// The tensors between which boxes are decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoding {
    /// Distributions, `[batch, 4 * bins, anchors]`.
    pub(crate) boxes: String,
    /// Class logits, `[batch, classes, anchors]`.
    pub(crate) scores: String,
    /// The file's only output.
    output: String,
}

/// Finds the decoding of a graph that ends in one.
pub(crate) fn find(graph: &GraphProto) -> Option<Decoding> {
    let [output] = graph.output.as_slice() else {
        return None;
    };
    let flow = Flow::of(graph);
    let joined = before(&flow, &output.name, &["Identity"]);
    let joined = flow.producer(joined).filter(|node| node.op_type == "Concat")?;
    let [boxes, sure] = joined.input.as_slice() else {
        return None;
    };
    let sigmoid = flow.producer(sure).filter(|node| node.op_type == "Sigmoid")?;
    let scores = sigmoid.input.first()?;
    let softmax = only_softmax(&flow, boxes)?;
    let boxes = before(&flow, softmax.input.first()?, &ORDERING);
    let solid = flow.is_solid(boxes) && flow.is_solid(scores);
    solid.then(|| Decoding {
        boxes: boxes.to_owned(),
        scores: scores.clone(),
        output: output.name.clone(),
    })
}

/// The tensor that only nodes of these operators make `tensor` of.
fn before<'a>(flow: &Flow<'a>, tensor: &'a str, operators: &[&str]) -> &'a str {
    let mut tensor = tensor;
    while let Some(node) = flow.producer(tensor)
        && operators.contains(&node.op_type.as_str())
        && let Some(input) = node.input.first()
    {
        tensor = input;
    }
    tensor
}

/// The softmax that all of `tensor` goes through, if there is just one and it is near.
fn only_softmax<'a>(flow: &Flow<'a>, tensor: &'a str) -> Option<&'a NodeProto> {
    let (mut open, mut seen) = (vec![tensor], HashSet::new());
    let mut found: Option<&NodeProto> = None;
    while let Some(tensor) = open.pop() {
        if !flow.is_live(tensor) || !seen.insert(tensor) {
            continue;
        }
        let node = flow.producer(tensor).filter(|_| seen.len() <= MAX_NODES)?;
        if node.op_type != "Softmax" {
            open.extend(inputs(node));
        } else if found.replace(node).is_some_and(|other| other.output != node.output) {
            return None;
        }
    }
    found
}

/// What the decoding makes of made-up logits of the shapes of `boxes` and `scores`. The end of the graph is run for
/// that; of a picture nothing is.
pub(crate) fn sample(
    proto: &ModelProto,
    decoding: &Decoding,
    [boxes, scores]: [&[usize]; 2],
) -> TractResult<Undecoded> {
    let Some(graph) = &proto.graph else { bail!("there is no graph") };
    let tensors = [(&decoding.boxes, boxes), (&decoding.scores, scores)];
    let made_up = tensors.map(|(_, shape)| logits(shape.iter().product()));
    let mut end = ModelProto {
        ir_version: proto.ir_version,
        opset_import: proto.opset_import.clone(),
        graph: Some(end_of(graph, decoding)),
        ..Default::default()
    };
    if let Some(graph) = &mut end.graph {
        let given = tensors.iter().zip(&made_up);
        graph
            .initializer
            .extend(given.map(|((name, shape), logits)| constant(name, shape, logits)));
    }
    let importer = tract_onnx::onnx().with_ignore_value_info(true);
    let model = importer.model_for_proto_model(&end)?.into_typed()?;
    if !model.inputs.is_empty() {
        bail!("the end of the graph takes something besides the logits");
    }
    let folded = TypedSimplePlan::new(model)?.run(tvec!())?.remove(0);
    let rows = folded.cast_to::<f32>()?;
    let (shape, rows) =
        (rows.shape().to_vec(), rows.try_as_plain_ram()?.as_slice::<f32>()?.to_vec());
    let infos = tensors.map(|(name, shape)| TensorInfo {
        name: name.clone(),
        element: ElementType::F32,
        shape: shape.iter().copied().map(Dim::Fixed).collect(),
    });
    Ok(Undecoded { outputs: infos.into(), logits: made_up.into(), shape, rows })
}

/// The nodes from the logits to the output, with the constants that they need.
fn end_of(graph: &GraphProto, decoding: &Decoding) -> GraphProto {
    let mut wanted: HashSet<&str> = HashSet::from([decoding.output.as_str()]);
    let mut nodes = Vec::new();
    for node in graph.node.iter().rev() {
        let logits = |output: &String| *output == decoding.boxes || *output == decoding.scores;
        let needed = node.output.iter().any(|output| wanted.contains(output.as_str()));
        if needed && !node.output.iter().any(logits) && nodes.len() < MAX_NODES {
            wanted.extend(inputs(node));
            nodes.push(node.clone());
        }
    }
    nodes.reverse();
    let weights = graph.initializer.iter();
    let initializer = weights.filter(|weights| wanted.contains(weights.name.as_str()));
    GraphProto {
        name: graph.name.clone(),
        node: nodes,
        initializer: initializer.cloned().collect(),
        output: graph.output.clone(),
        ..Default::default()
    }
}

fn constant(name: &str, shape: &[usize], numbers: &[f32]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: shape.iter().filter_map(|length| i64::try_from(*length).ok()).collect(),
        data_type: DataType::Float as i32,
        raw_data: numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
        ..Default::default()
    }
}

/// Numbers from -4 to 4 in no order.
fn logits(count: usize) -> Vec<f32> {
    let mixed = (0_u32..).take(count).map(|place| place.wrapping_mul(2_654_435_761).to_be_bytes());
    mixed.map(|[a, b, ..]| f32::from(u16::from_be_bytes([a, b])) / 8192.0 - 4.0).collect()
}
