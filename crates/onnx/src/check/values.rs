//! Whether a graph can be computed: every value is made once, by somebody, and not out of itself.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::{GraphProto, NodeProto};

use super::{name, subgraphs};
use crate::OnnxError;

/// The values of a graph, and the graph that it is a part of.
struct Scope<'a> {
    own: HashSet<&'a str>,
    outer: Option<&'a Scope<'a>>,
}

/// Checks the graph and all graphs in it.
pub(super) fn check(graph: &GraphProto) -> Result<(), OnnxError> {
    check_within(graph, None)
}

fn check_within(graph: &GraphProto, outer: Option<&Scope<'_>>) -> Result<(), OnnxError> {
    let scope = Scope { own: values(graph)?, outer };
    for node in &graph.node {
        if let Some(value) = inputs(node).find(|value| !scope.has(value)) {
            let (node, value) = (name(node).to_owned(), value.to_owned());
            return Err(OnnxError::UnknownValue { node, value });
        }
        subgraphs(node).try_for_each(|inner| check_within(inner, Some(&scope)))?;
    }
    check_order(graph)
}

impl Scope<'_> {
    fn has(&self, value: &str) -> bool {
        self.own.contains(value) || self.outer.is_some_and(|outer| outer.has(value))
    }
}

/// All that the graph is given or computes.
fn values(graph: &GraphProto) -> Result<HashSet<&str>, OnnxError> {
    // Files of old format versions list their weights among the inputs.
    let inputs = graph.input.iter().map(|input| input.name.as_str());
    let weights = graph.initializer.iter().map(|tensor| tensor.name.as_str());
    let mut values: HashSet<&str> = inputs.chain(weights).collect();
    for node in &graph.node {
        if let Some(value) = outputs(node).find(|&value| !values.insert(value)) {
            return Err(OnnxError::ComputedTwice { value: value.to_owned() });
        }
    }
    Ok(values)
}

/// Empty names stand for inputs and outputs that are left out.
fn inputs(node: &NodeProto) -> impl Iterator<Item = &str> {
    node.input.iter().map(String::as_str).filter(|value| !value.is_empty())
}

fn outputs(node: &NodeProto) -> impl Iterator<Item = &str> {
    node.output.iter().map(String::as_str).filter(|value| !value.is_empty())
}

/// Computes the nodes whose inputs are there until none is left; one that is left then waits for itself.
fn check_order(graph: &GraphProto) -> Result<(), OnnxError> {
    let makers: HashMap<&str, usize> = graph
        .node
        .iter()
        .zip(0..)
        .flat_map(|(node, at)| outputs(node).map(move |v| (v, at)))
        .collect();
    let mut waiting = vec![0_usize; graph.node.len()];
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); graph.node.len()];
    for (reader, node) in graph.node.iter().enumerate() {
        let mut needed = HashSet::new();
        read(node, &mut |value| needed.extend(makers.get(value).copied()));
        waiting[reader] = needed.len();
        needed.into_iter().for_each(|maker| readers[maker].push(reader));
    }
    let mut ready: Vec<usize> = (0..waiting.len()).filter(|at| waiting[*at] == 0).collect();
    while let Some(maker) = ready.pop() {
        for reader in std::mem::take(&mut readers[maker]) {
            waiting[reader] -= 1;
            if waiting[reader] == 0 {
                ready.push(reader);
            }
        }
    }
    match waiting.iter().position(|waits| *waits > 0) {
        Some(at) => Err(OnnxError::Cycle { node: name(&graph.node[at]).to_owned() }),
        None => Ok(()),
    }
}

/// All that a node reads, also from within its graphs.
fn read<'a>(node: &'a NodeProto, take: &mut impl FnMut(&'a str)) {
    inputs(node).for_each(&mut *take);
    for graph in subgraphs(node) {
        let given = graph.input.iter().map(|input| input.name.as_str());
        let weights = graph.initializer.iter().map(|tensor| tensor.name.as_str());
        let own = given.chain(weights).chain(graph.node.iter().flat_map(outputs));
        let own: HashSet<&str> = own.collect();
        let mut take_outer = |value: &'a str| {
            if !own.contains(value) {
                take(value);
            }
        };
        read_all(&graph.node, &mut take_outer);
        graph.output.iter().for_each(|output| take_outer(&output.name));
    }
}

/// The same of many nodes, behind a pointer so that no type holds itself.
fn read_all<'a>(nodes: &'a [NodeProto], take: &mut dyn FnMut(&'a str)) {
    nodes.iter().for_each(|node| read(node, &mut |value| take(value)));
}

#[cfg(test)]
mod tests {
    use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, ValueInfoProto};

    use super::check;
    use crate::OnnxError;

    fn value(name: &str) -> ValueInfoProto {
        ValueInfoProto { name: name.into(), ..Default::default() }
    }

    fn node(inputs: &[&str], output: &str) -> NodeProto {
        let input = inputs.iter().map(|&name| name.to_owned()).collect();
        NodeProto { input, output: vec![output.into()], ..Default::default() }
    }

    fn graph(nodes: Vec<NodeProto>) -> GraphProto {
        GraphProto { node: nodes, input: vec![value("x")], ..Default::default() }
    }

    fn branch(inputs: &[&str], inner: GraphProto, output: &str) -> NodeProto {
        let attribute = vec![AttributeProto { g: Some(inner), ..Default::default() }];
        NodeProto { attribute, ..node(inputs, output) }
    }

    #[test]
    fn nodes_may_come_in_any_order_and_leave_inputs_out() {
        let good = graph(vec![node(&["a", ""], "b"), node(&["x"], "a"), node(&["b", "b"], "c")]);
        assert!(check(&good).is_ok());
    }

    #[test]
    fn a_value_that_needs_itself_is_found_also_through_a_branch() {
        let plain = graph(vec![node(&["x"], "a"), node(&["c"], "b"), node(&["b", "a"], "c")]);
        assert!(matches!(check(&plain), Err(OnnxError::Cycle { node }) if node == "b"));
        let inner = GraphProto { node: vec![node(&["c"], "inner")], ..Default::default() };
        let hidden = graph(vec![branch(&["x"], inner, "b"), node(&["b"], "c")]);
        assert!(matches!(check(&hidden), Err(OnnxError::Cycle { .. })));
        assert!(matches!(check(&graph(vec![node(&["a"], "a")])), Err(OnnxError::Cycle { .. })));
    }

    #[test]
    fn a_branch_sees_what_is_around_it_and_nothing_else() {
        let inner = |input: &str| GraphProto {
            node: vec![node(&[input], "inner"), node(&["inner"], "more")],
            ..Default::default()
        };
        assert!(check(&graph(vec![node(&["x"], "a"), branch(&["x"], inner("a"), "b")])).is_ok());
        let foreign = graph(vec![branch(&["x"], inner("ghost"), "b"), node(&["inner"], "c")]);
        let Err(OnnxError::UnknownValue { node, value }) = check(&foreign) else { panic!() };
        assert_eq!((node.as_str(), value.as_str()), ("inner", "ghost"));
    }

    #[test]
    fn what_a_graph_within_is_given_is_not_what_is_around_it() {
        let body = GraphProto {
            input: vec![value("c")],
            node: vec![node(&["c"], "d")],
            ..Default::default()
        };
        assert!(check(&graph(vec![branch(&["x"], body, "b"), node(&["b"], "c")])).is_ok());
    }

    #[test]
    fn a_value_that_is_made_twice_is_refused() {
        let twice = graph(vec![node(&["x"], "a"), node(&["x"], "a")]);
        assert!(matches!(check(&twice), Err(OnnxError::ComputedTwice { value }) if value == "a"));
        let over_an_input = graph(vec![node(&["x"], "x")]);
        assert!(matches!(check(&over_an_input), Err(OnnxError::ComputedTwice { .. })));
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let link = |at: usize| {
            node(
                &[if at == 0 { "x".into() } else { format!("v{}", at - 1) }.as_str()],
                &format!("v{at}"),
            )
        };
        assert!(check(&graph((0..100_000).rev().map(link).collect())).is_ok());
    }
}
