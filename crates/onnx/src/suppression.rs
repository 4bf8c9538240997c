//! Graphs that suppress boxes themselves are ended in front of that: what comes out of it is as long as a picture
//! makes it, which no plan can be made for, and with thresholds of its own instead of a request's.
//!
//! Where boxes and scores come to the `NonMaxSuppression` as they are, they become the outputs; where a choice
//! was made among them before, the last tensor that holds all of them does.

use std::collections::HashSet;

use detections_types::{
    BoxNumbers, Dim, ElementType, ModelDescription, Proposals, Suppression, TensorInfo, caught,
};
use tract_onnx::{
    pb::{GraphProto, ModelProto, NodeProto, ValueInfoProto},
    prelude::{Framework, InferenceModelExt, TractResult},
    tract_hir::internal::{Factoid, InferenceFact},
};

use crate::{
    describe,
    flow::{Flow, inputs},
};

const SUPPRESSION: &str = "NonMaxSuppression";

/// Operators that make corners of centres and sizes, none of which is needed to shift corners by their class.
const CONVERTING: [&str; 2] = ["Sub", "MatMul"];

/// Operators that say which class a box is of, to shift it so that only those of one class overlap.
const CLASSING: [&str; 1] = ["ArgMax"];

/// TensorFlow's boxes have their top first, which a graph's structure does not tell.
const TOP_FIRST: &str = "detection_boxes";

/// Where a graph is to end.
struct Cut {
    node: String,
    outputs: Vec<String>,
    given: Proposals,
    boxes: BoxNumbers,
}

/// Ends the graph in front of its suppression, if it has one that can be parted from it.
pub(crate) fn leave_out(proto: &mut ModelProto, description: &mut ModelDescription) {
    let Some(cut) = proto.graph.as_ref().and_then(find) else {
        return;
    };
    let Some(outputs) = end_at(proto, &cut) else {
        return;
    };
    let Some(graph) = &proto.graph else {
        return;
    };
    description.operators = describe::operators(graph);
    let fed: HashSet<&str> = graph.input.iter().map(|input| input.name.as_str()).collect();
    let signature = &mut description.signature;
    signature.inputs.retain(|input| fed.contains(input.name.as_str()));
    let Cut { node, given, boxes, .. } = cut;
    let outputs = std::mem::replace(&mut signature.outputs, outputs);
    description.suppression = Some(Suppression { node, outputs, given, boxes });
}

fn find(graph: &GraphProto) -> Option<Cut> {
    let flow = Flow::of(graph);
    let nodes = flow.nodes(SUPPRESSION);
    let node = *nodes.first()?;
    let top_first = graph.output.iter().any(|output| output.name.contains(TOP_FIRST));
    if top_first {
        return None;
    }
    let apart = match nodes.as_slice() {
        [only] => apart(graph, &flow, only),
        _ => None,
    };
    apart.or_else(|| together(graph, &flow, node))
}

/// All that is known of the boxes goes through one tensor, and what is chosen among them is chosen behind it.
fn together(graph: &GraphProto, flow: &Flow<'_>, node: &NodeProto) -> Option<Cut> {
    let loose = flow.loose_outputs();
    let mut tensor = flow.narrow(&flow.towards(loose.iter().copied()))?;
    // Rows and columns are swapped to choose rows: heads know the order before that.
    while let Some(before) = flow.producer(tensor).filter(|node| only_reorders(node)) {
        tensor = before.input.first().filter(|input| flow.is_solid(input))?.as_str();
    }
    let boxes = node.input.first()?;
    let between: HashSet<usize> = &flow.behind(tensor) & &flow.towards([boxes.as_str()]);
    let converted = flow.has(between, &CONVERTING) || takes_centres(node);
    let boxes = if converted { BoxNumbers::Centre } else { BoxNumbers::Corners };
    let mut outputs = vec![tensor.to_owned()];
    let others = graph.output.iter().map(|output| &output.name);
    outputs.extend(others.filter(|name| !loose.contains(&name.as_str())).cloned());
    Some(Cut { node: told(node), outputs, given: Proposals::Together, boxes })
}

/// Boxes and scores as the suppression takes them.
fn apart(graph: &GraphProto, flow: &Flow<'_>, node: &NodeProto) -> Option<Cut> {
    let [boxes, scores, ..] = node.input.as_slice() else {
        return None;
    };
    let all_loose = flow.loose_outputs().len() == graph.output.len();
    let solid = flow.is_solid(boxes) && flow.is_solid(scores);
    // Boxes that are shifted by their class are in no place that could be told.
    let shifted = flow.has(flow.towards([boxes.as_str()]), &CLASSING);
    if !all_loose || !solid || shifted {
        return None;
    }
    let form = if takes_centres(node) { BoxNumbers::Centre } else { BoxNumbers::Corners };
    let outputs = vec![boxes.clone(), scores.clone()];
    Some(Cut { node: told(node), outputs, given: Proposals::Apart, boxes: form })
}

fn only_reorders(node: &NodeProto) -> bool {
    matches!(node.op_type.as_str(), "Transpose" | "Identity")
}

/// The attribute `center_point_box` of the operator.
fn takes_centres(node: &NodeProto) -> bool {
    node.attribute.iter().any(|attribute| attribute.name == "center_point_box" && attribute.i == 1)
}

fn told(node: &NodeProto) -> String {
    let name = if node.name.is_empty() { node.output.first() } else { Some(&node.name) };
    format!("{} `{}`", node.op_type, name.map_or("", String::as_str))
}

/// Takes away all that the new outputs do not need, and says what these are; where that cannot be said, the graph
/// stays as it was.
fn end_at(proto: &mut ModelProto, cut: &Cut) -> Option<Vec<TensorInfo>> {
    let graph = proto.graph.as_mut()?;
    let needed = Flow::of(graph).towards(cut.outputs.iter().map(String::as_str));
    let all = std::mem::take(&mut graph.node).into_iter().enumerate();
    let (kept, left): (Vec<_>, Vec<_>) = all.partition(|(place, _)| needed.contains(place));
    let (places, nodes): (Vec<usize>, Vec<NodeProto>) = kept.into_iter().unzip();
    graph.node = nodes;
    let outputs: Vec<_> = cut.outputs.iter().map(|name| named(graph, name)).collect();
    let outputs = std::mem::replace(&mut graph.output, outputs);
    let unused = unused_inputs(graph);
    let (unused, inputs): (Vec<_>, Vec<_>) = std::mem::take(&mut graph.input)
        .into_iter()
        .partition(|input| unused.contains(&input.name));
    graph.input = inputs;
    let found = caught(|| infer(proto, cut)).ok().and_then(Result::ok).flatten();
    let graph = proto.graph.as_mut()?;
    if found.is_none() {
        let kept = std::mem::take(&mut graph.node);
        let mut all: Vec<_> = places.into_iter().zip(kept).chain(left).collect();
        all.sort_unstable_by_key(|(place, _)| *place);
        graph.node = all.into_iter().map(|(_, node)| node).collect();
        graph.output = outputs;
        graph.input.extend(unused);
    }
    found
}

/// An output that was one already keeps its type and shape; those of others are inferred.
fn named(graph: &GraphProto, name: &str) -> ValueInfoProto {
    let old = graph.output.iter().find(|output| output.name == name);
    old.cloned().unwrap_or_else(|| ValueInfoProto { name: name.to_owned(), ..Default::default() })
}

fn unused_inputs(graph: &GraphProto) -> HashSet<String> {
    let used: HashSet<&str> = graph.node.iter().flat_map(inputs).collect();
    let unused = graph.input.iter().filter(|input| !used.contains(input.name.as_str()));
    unused.map(|input| input.name.clone()).collect()
}

fn infer(proto: &ModelProto, cut: &Cut) -> TractResult<Option<Vec<TensorInfo>>> {
    let importer = tract_onnx::onnx().with_ignore_value_info(true);
    let mut model = importer.model_for_proto_model(proto)?;
    model.analyse(true)?;
    let outlets = model.outputs.clone();
    let facts = outlets.into_iter().map(|outlet| model.outlet_fact(outlet));
    let facts = facts.collect::<TractResult<Vec<_>>>()?;
    Ok(cut.outputs.iter().zip(facts).map(|(name, fact)| tensor(name, fact)).collect())
}

/// A tensor whose number of axes is known; each of their lengths may be open.
fn tensor(name: &str, fact: &InferenceFact) -> Option<TensorInfo> {
    fact.shape.rank().concretize()?;
    let length = |dim: Option<i64>| dim.and_then(|length| usize::try_from(length).ok());
    let dims = fact.shape.dims().map(|dim| {
        let settled = dim.concretize().and_then(|dim| dim.to_i64().ok());
        length(settled).map_or(Dim::Dynamic(String::new()), Dim::Fixed)
    });
    Some(TensorInfo { name: name.to_owned(), element: ElementType::F32, shape: dims.collect() })
}
