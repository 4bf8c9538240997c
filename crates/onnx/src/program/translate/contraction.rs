//! Sums of products over named axes as products of matrices `[b, m, k] × [b, k, n]`, arranged so that most
//! operands need no copy.

use std::collections::BTreeMap;

use tract_onnx::tract_core::ops::einsum::EinSum;

use super::{Node, Translated};
use crate::program::{Element, Reduction, ValueId, builder::Builder};

pub(super) fn translate(
    node: &Node<'_>,
    builder: &mut Builder,
) -> Translated<Option<Vec<ValueId>>> {
    let Some(op) = node.op_as::<EinSum>() else { return Ok(None) };
    if op.q_params.is_some() || node.operands.iter().any(|&id| builder.element(id) != Element::F32)
    {
        return node.refusal("of other numbers than float32");
    }
    let &[a, b] = node.operands.as_slice() else {
        return node.refusal(&format!("of {} operands", node.operands.len()));
    };
    let mut labels = [Vec::new(), Vec::new(), Vec::new()];
    for axis in op.axes.iter_all_axes() {
        let places = [&axis.inputs[0], &axis.inputs[1], &axis.outputs[0]];
        for (labels, places) in labels.iter_mut().zip(places) {
            labels.extend(places.iter().map(|&place| (place, axis.repr)));
        }
    }
    let [of_a, of_b, of_result] = labels.map(sorted);
    let (Some(of_a), Some(of_b), Some(of_result)) = (of_a, of_b, of_result) else {
        return node.refusal("along a diagonal");
    };
    let value = contract(builder, &Operand::new(a, of_a), &Operand::new(b, of_b), &of_result);
    Ok(Some(vec![builder.reshape(value, &node.shape)]))
}

/// The labels in the order of their places, unless one stands twice.
fn sorted(mut labels: Vec<(usize, char)>) -> Option<Vec<char>> {
    labels.sort_unstable();
    let labels: Vec<char> = labels.into_iter().map(|(_, label)| label).collect();
    let twice = (1..labels.len()).any(|at| labels[..at].contains(&labels[at]));
    (!twice).then_some(labels)
}

/// A tensor whose axes have names.
#[derive(Clone)]
pub(super) struct Operand {
    value: ValueId,
    labels: Vec<char>,
}

impl Operand {
    pub(super) const fn new(value: ValueId, labels: Vec<char>) -> Self {
        Self { value, labels }
    }

    fn has(&self, label: &char) -> bool {
        self.labels.contains(label)
    }
}

type Sizes = BTreeMap<char, usize>;

/// The sum over all labels that `result` does not name. Axes of length 1 are repeated. Of `result`'s labels
/// those of length 1 are left out of what comes back.
pub(super) fn contract(
    builder: &mut Builder,
    a: &Operand,
    b: &Operand,
    result: &[char],
) -> ValueId {
    let mut sizes = Sizes::new();
    for operand in [a, b] {
        for (label, &size) in operand.labels.iter().zip(builder.shape(operand.value)) {
            let known = sizes.entry(*label).or_insert(size);
            *known = (*known).max(size);
        }
    }
    let (a, b) = (squeezed(builder, a), squeezed(builder, b));
    let result: Vec<char> = result
        .iter()
        .copied()
        .filter(|label| sizes.get(label).is_some_and(|size| *size != 1))
        .collect();
    let (a, b) = (summed(builder, &a, &b, &result), summed(builder, &b, &a, &result));
    let roles = Roles::of(&a, &b, &result);
    let (a, b) = if roles.swapped(&result) { (b, a) } else { (a, b) };
    let roles = Roles::of(&a, &b, &result);
    let left = arranged(builder, &a, [&roles.batch, &roles.rows, &roles.inner], &sizes);
    let right = arranged(builder, &b, [&roles.batch, &roles.inner, &roles.columns], &sizes);
    let product = builder.matmul(left, right);
    let given = [roles.batch, roles.rows, roles.columns].concat();
    let shape: Vec<usize> = given.iter().map(|label| sizes[label]).collect();
    let product = builder.reshape(product, &shape);
    let order: Vec<usize> =
        result.iter().filter_map(|label| given.iter().position(|given| given == label)).collect();
    builder.permute(product, &order)
}

/// Without the axes of length 1: along them there is nothing to sum, and what lacks an axis is repeated.
fn squeezed(builder: &mut Builder, operand: &Operand) -> Operand {
    let axes = operand.labels.iter().zip(builder.shape(operand.value));
    let (labels, shape): (Vec<char>, Vec<usize>) = axes.filter(|(_, size)| **size != 1).unzip();
    Operand::new(builder.reshape(operand.value, &shape), labels)
}

/// Without the axes that nobody else has.
fn summed(builder: &mut Builder, operand: &Operand, other: &Operand, result: &[char]) -> Operand {
    let alone = |label: &char| !other.has(label) && !result.contains(label);
    let axes: Vec<usize> =
        (0..operand.labels.len()).filter(|&axis| alone(&operand.labels[axis])).collect();
    if axes.is_empty() {
        return operand.clone();
    }
    let sum = builder.reduce(Reduction::Sum, operand.value, &axes);
    let kept = (0..operand.labels.len()).filter(|axis| !axes.contains(axis));
    let (labels, shape): (Vec<char>, Vec<usize>) =
        kept.map(|axis| (operand.labels[axis], builder.shape(sum)[axis])).unzip();
    Operand::new(builder.reshape(sum, &shape), labels)
}

/// Which labels stand for what in a product of matrices.
struct Roles {
    batch: Vec<char>,
    rows: Vec<char>,
    inner: Vec<char>,
    columns: Vec<char>,
}

impl Roles {
    fn of(a: &Operand, b: &Operand, result: &[char]) -> Self {
        let inner: Vec<char> = a
            .labels
            .iter()
            .copied()
            .filter(|label| b.has(label) && !result.contains(label))
            .collect();
        // Labels of one operand before what is summed, where more of them follow behind it, could only be
        // joined with those by a copy. As a batch they cost nothing: the other operand is the same for all.
        let outer = [b, a].map(|operand| operand.outside(&inner));
        let outer = outer.into_iter().find(|labels| !labels.is_empty()).unwrap_or_default();
        let shared = |label: &char| (a.has(label) && b.has(label)) || outer.contains(label);
        let (batch, free): (Vec<char>, Vec<char>) = result.iter().copied().partition(shared);
        let (rows, columns) = free.into_iter().partition(|label| a.has(label));
        Self { batch, rows, inner, columns }
    }

    /// Whether the result wants the second operand's labels first.
    fn swapped(&self, result: &[char]) -> bool {
        let place = |labels: &[char]| {
            result.iter().position(|label| labels.first().is_some_and(|first| first == label))
        };
        match (place(&self.rows), place(&self.columns)) {
            (Some(rows), Some(columns)) => columns < rows,
            (None, Some(_)) => false,
            (_, None) => false,
        }
    }
}

impl Operand {
    /// The labels before all of `inner`, if others follow behind them.
    fn outside(&self, inner: &[char]) -> Vec<char> {
        let first = self.labels.iter().position(|label| inner.contains(label));
        let last = self.labels.iter().rposition(|label| inner.contains(label));
        match (first, last) {
            (Some(first), Some(last)) if last + 1 < self.labels.len() => {
                self.labels[..first].to_vec()
            }
            _ => Vec::new(),
        }
    }
}

/// The operand as `[batch, …, …]` for three groups of labels; a batch that it knows nothing of repeats it.
fn arranged(
    builder: &mut Builder,
    operand: &Operand,
    groups: [&Vec<char>; 3],
    sizes: &Sizes,
) -> ValueId {
    let order: Vec<char> =
        groups.into_iter().flatten().copied().filter(|label| operand.has(label)).collect();
    let runs = runs(&operand.labels, groups);
    let length = |labels: &[char]| labels.iter().map(|label| sizes[label]).product::<usize>();
    let merged: Vec<usize> = runs.iter().map(|run| length(run)).collect();
    let value = builder.reshape(operand.value, &merged);
    let mut places: Vec<usize> = (0..runs.len()).collect();
    places.sort_by_key(|&run| order.iter().position(|label| Some(label) == runs[run].first()));
    let value = builder.permute(value, &places);
    let [batch, rows, columns] = groups;
    let known: Vec<char> = batch.iter().copied().filter(|label| operand.has(label)).collect();
    let (height, width) = (length(rows), length(columns));
    let value = builder.reshape(value, &[length(&known), height, width]);
    repeated(builder, value, [batch, &known], sizes)
}

/// Repeats `[known, …, …]` to `[batch, …, …]`.
fn repeated(
    builder: &mut Builder,
    value: ValueId,
    [batch, known]: [&[char]; 2],
    sizes: &Sizes,
) -> ValueId {
    if batch.len() == known.len() {
        return value;
    }
    let tail = builder.shape(value)[1..].to_vec();
    let with = |length: &dyn Fn(&char) -> usize| {
        batch.iter().map(length).chain(tail.iter().copied()).collect::<Vec<usize>>()
    };
    let all = |label: &char| sizes[label];
    let wide: usize = batch.iter().map(all).product();
    if known.is_empty() {
        return builder.broadcast(value, &[wide, tail[0], tail[1]]);
    }
    let narrow = with(&|label| if known.contains(label) { sizes[label] } else { 1 });
    let value = builder.reshape(value, &narrow);
    let value = builder.broadcast(value, &with(&all));
    builder.reshape(value, &[wide, tail[0], tail[1]])
}

/// Neighbouring labels that stay neighbours in the same group, which one axis may stand for.
fn runs(labels: &[char], groups: [&Vec<char>; 3]) -> Vec<Vec<char>> {
    let follows = |before: char, label: char| {
        groups.iter().any(|group| group.windows(2).any(|pair| pair == [before, label]))
    };
    let mut runs: Vec<Vec<char>> = Vec::new();
    for &label in labels {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|&before| follows(before, label)) => {
                run.push(label)
            }
            _ => runs.push(vec![label]),
        }
    }
    runs
}
