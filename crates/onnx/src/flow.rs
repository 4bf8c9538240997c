//! What in a graph hangs on the picture, what hangs on how many boxes there happen to be, and the tensors through
//! which all of it has to go.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::{GraphProto, NodeProto, ValueInfoProto, type_proto};

use crate::check::subgraphs;

/// Operators whose outputs are as long as their inputs' numbers make them.
const COUNTING: [&str; 4] = ["NonMaxSuppression", "NonZero", "Compress", "Unique"];

/// Axes of a tensor of pictures.
const PICTURE_AXES: usize = 4;

/// A graph's tensors by what they hang on.
pub(crate) struct Flow<'a> {
    graph: &'a GraphProto,
    /// Computed from the picture's numbers.
    live: HashSet<&'a str>,
    /// As long as numbers of the picture make them.
    loose: HashSet<&'a str>,
}

/// The nodes of a graph by their places.
pub(crate) type Places = HashSet<usize>;

impl<'a> Flow<'a> {
    /// Follows the picture through the graph, whose nodes are in the order in which they can be computed.
    pub(crate) fn of(graph: &'a GraphProto) -> Self {
        let weights: HashSet<&str> = graph.initializer.iter().map(|w| w.name.as_str()).collect();
        let pictures = graph.input.iter().filter(|input| rank(input) == Some(PICTURE_AXES));
        let pictures = pictures.map(|input| input.name.as_str());
        let mut live: HashSet<&str> = pictures.filter(|name| !weights.contains(name)).collect();
        let mut loose = HashSet::new();
        for node in &graph.node {
            let outputs = || node.output.iter().map(String::as_str);
            let seen = inputs(node).any(|input| live.contains(input));
            let counts = COUNTING.contains(&node.op_type.as_str()) && seen;
            if counts || inputs(node).any(|input| loose.contains(input)) {
                loose.extend(outputs());
            }
            // A shape is the same whatever the picture shows.
            if seen && node.op_type != "Shape" {
                live.extend(outputs());
            }
        }
        Self { graph, live, loose }
    }

    /// Whether the tensor is computed from the picture, in a shape that does not hang on it.
    pub(crate) fn is_solid(&self, tensor: &str) -> bool {
        self.live.contains(tensor) && !self.loose.contains(tensor)
    }

    /// Whether the tensor is computed from the picture.
    pub(crate) fn is_live(&self, tensor: &str) -> bool {
        self.live.contains(tensor)
    }

    /// The nodes of an operator that see the picture.
    pub(crate) fn nodes(&self, operator: &str) -> Vec<&'a NodeProto> {
        let nodes = self.graph.node.iter().filter(|node| node.op_type == operator);
        nodes.filter(|node| inputs(node).any(|input| self.live.contains(input))).collect()
    }

    /// The graph's outputs that are as long as the picture makes them.
    pub(crate) fn loose_outputs(&self) -> Vec<&'a str> {
        let names = self.graph.output.iter().map(|output| output.name.as_str());
        names.filter(|name| self.loose.contains(name)).collect()
    }

    /// The nodes that compute `tensors`.
    pub(crate) fn towards<'n>(&'n self, tensors: impl IntoIterator<Item = &'n str>) -> Places {
        let mut wanted: HashSet<&str> = tensors.into_iter().collect();
        let mut found = Places::new();
        for (place, node) in self.graph.node.iter().enumerate().rev() {
            if node.output.iter().any(|output| wanted.contains(output.as_str())) {
                found.insert(place);
                wanted.extend(inputs(node));
            }
        }
        found
    }

    /// The nodes that are computed from `tensor`.
    pub(crate) fn behind(&self, tensor: &'a str) -> Places {
        let mut reached = HashSet::from([tensor]);
        let mut found = Places::new();
        for (place, node) in self.graph.node.iter().enumerate() {
            if node.op_type != "Shape" && inputs(node).any(|input| reached.contains(input)) {
                found.insert(place);
                reached.extend(node.output.iter().map(String::as_str));
            }
        }
        found
    }

    /// The last solid tensor through which everything goes that `places` make of the picture.
    ///
    /// Nodes are in order, so that is a tensor over which no other one is handed on to a later node.
    pub(crate) fn narrow(&self, places: &Places) -> Option<&'a str> {
        let nodes = || self.graph.node.iter().enumerate().filter(|(at, _)| places.contains(at));
        let mut last_use: HashMap<&str, usize> = HashMap::new();
        for (place, node) in nodes() {
            let used = inputs(node).filter(|input| self.live.contains(input));
            // What a shape is taken of is not handed on.
            let used = used.filter(|_| node.op_type != "Shape");
            for input in used {
                last_use.insert(input, place);
            }
        }
        let given = self.graph.input.iter().map(|input| input.name.as_str());
        let mut handed_on = given.filter_map(|name| last_use.get(name)).copied().max()?;
        let mut found = None;
        for (place, node) in nodes() {
            let outputs = node.output.iter().map(String::as_str);
            let used: Vec<&str> = outputs.filter(|output| last_use.contains_key(output)).collect();
            if let [only] = used.as_slice()
                && handed_on <= place
                && self.is_solid(only)
            {
                found = Some(*only);
            }
            let later = used.iter().filter_map(|output| last_use.get(output)).copied().max();
            handed_on = later.map_or(handed_on, |later| handed_on.max(later));
        }
        found
    }

    /// The node that computes `tensor`.
    pub(crate) fn producer(&self, tensor: &str) -> Option<&'a NodeProto> {
        self.graph.node.iter().find(|node| node.output.iter().any(|output| output == tensor))
    }

    /// Whether one of `places` is a node of one of these operators.
    pub(crate) fn has(&self, places: impl IntoIterator<Item = usize>, operators: &[&str]) -> bool {
        let mut nodes = places.into_iter().filter_map(|place| self.graph.node.get(place));
        nodes.any(|node| operators.contains(&node.op_type.as_str()))
    }
}

/// All that a node reads, in its subgraphs too.
pub(crate) fn inputs(node: &NodeProto) -> Box<dyn Iterator<Item = &str> + '_> {
    let own = node.input.iter().map(String::as_str).filter(|name| !name.is_empty());
    let inner = subgraphs(node).flat_map(|graph| graph.node.iter().flat_map(inputs));
    Box::new(own.chain(inner))
}

fn rank(info: &ValueInfoProto) -> Option<usize> {
    let Some(type_proto::Value::TensorType(tensor)) = info.r#type.as_ref()?.value.as_ref() else {
        return None;
    };
    Some(tensor.shape.as_ref()?.dim.len())
}
