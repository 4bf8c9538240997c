//! Operators that read and write at places which are themselves elements: gathering, scattering, the best of
//! many, sampling at coordinates.

use tract_onnx::tract_core::ops::{
    array::{
        Gather, GatherElements, GatherNd, OneHot, ScatterElements, ScatterNd, ScatterReduction,
        Topk,
    },
    nn::{GridSample as TractGridSample, InterpolationMode, PaddingMode},
};

use super::{
    Node, Translated,
    tensor::{constant, integers, length},
};
use crate::program::{
    Arithmetic, Comparison, Element, GridPadding, GridSample, Interpolation, Op, Reduction,
    Scatter, Source, ValueId, builder::Builder,
};

pub(super) fn translate(
    node: &Node<'_>,
    builder: &mut Builder,
) -> Translated<Option<Vec<ValueId>>> {
    let value = if let Some(op) = node.op_as::<Gather>() {
        gather(op, node, builder)
    } else if let Some(op) = node.op_as::<GatherElements>() {
        gather_elements(op, node, builder)
    } else if let Some(op) = node.op_as::<GatherNd>() {
        gather_nd(op, node, builder)
    } else if let Some(op) = node.op_as::<ScatterElements>() {
        let scatter = scatter(op.reduction, node)?;
        let places = settled(node.operands[1], node.facts[0].shape.as_concrete(), op.axis, builder);
        let operands = [node.operands[0], places, node.operands[2]];
        scattered(op.axis, scatter, &operands, builder)
    } else if let Some(op) = node.op_as::<ScatterNd>() {
        scatter_nd(scatter(op.reduction, node)?, node, builder)
    } else if let Some(op) = node.op_as::<OneHot>() {
        one_hot(op, node, builder)?
    } else if let Some(op) = node.op_as::<TractGridSample>() {
        grid_sample(op, node, builder)?
    } else if let Some(op) = node.op_as::<Topk>() {
        return best(op, node, builder).map(Some);
    } else {
        return Ok(None);
    };
    Ok(Some(vec![value]))
}

fn gather(op: &Gather, node: &Node<'_>, builder: &mut Builder) -> ValueId {
    let (value, places) = (node.operands[0], node.operands[1]);
    let from = node.facts[0].shape.as_concrete();
    let places = settled(places, from, op.axis, builder);
    let count = builder.shape(places).iter().product();
    let places = builder.reshape(places, &[count]);
    let value = builder.gather(value, places, op.axis);
    builder.reshape(value, &node.shape)
}

fn gather_elements(op: &GatherElements, node: &Node<'_>, builder: &mut Builder) -> ValueId {
    let (value, places) = (node.operands[0], node.operands[1]);
    let places = settled(places, node.facts[0].shape.as_concrete(), op.axis, builder);
    let (element, shape) = (builder.element(value), node.shape.clone());
    builder.computed(Op::GatherElements(op.axis), &[value, places], element, shape)
}

/// Places that count from the start: where one counts from the end, the axis' length is added.
fn settled(places: ValueId, from: Option<&[usize]>, axis: usize, builder: &mut Builder) -> ValueId {
    let places = builder.cast(places, Element::I64);
    let length = from.and_then(|shape| i64::try_from(shape[axis]).ok()).unwrap_or_default();
    if let Some(known) = builder.numbers(places).and_then(|numbers| numbers.integers()) {
        if known.iter().all(|place| *place >= 0) {
            return places;
        }
        let shape = builder.shape(places).to_vec();
        let counted = known.into_iter().map(|place| if place < 0 { place + length } else { place });
        return builder.integers(shape, counted.collect());
    }
    if never_negative(places, builder) {
        return places;
    }
    let (zero, length) = (builder.integer_like(places, 0), builder.integer_like(places, length));
    let negative = builder.compare(Comparison::Less, places, zero);
    let counted = builder.arithmetic(Arithmetic::Add, places, length);
    builder.select(negative, counted, places)
}

/// Whether these are places that an operator has found, perhaps moved about since.
fn never_negative(places: ValueId, builder: &Builder) -> bool {
    let Source::Computed { op, operands } = builder.source(places) else {
        return builder
            .numbers(places)
            .and_then(|numbers| numbers.integers())
            .is_some_and(|numbers| numbers.iter().all(|number| *number >= 0));
    };
    match op {
        Op::Top { .. } | Op::Extreme { .. } | Op::Comparison(_) => true,
        Op::Reshape
        | Op::Permute(_)
        | Op::Broadcast
        | Op::Slice(_)
        | Op::Gather(_)
        | Op::GatherElements(_) => never_negative(operands[0], builder),
        Op::Concat(_) | Op::Arithmetic(Arithmetic::Add | Arithmetic::Mul | Arithmetic::Div) => {
            operands.iter().all(|&operand| never_negative(operand, builder))
        }
        Op::Arithmetic(Arithmetic::Remainder) => never_negative(operands[0], builder),
        Op::Cast => {
            builder.element(operands[0]) != Element::F32 && never_negative(operands[0], builder)
        }
        _ => false,
    }
}

/// Places along several axes become places along one that stands for them all.
fn gather_nd(op: &GatherNd, node: &Node<'_>, builder: &mut Builder) -> ValueId {
    let value = node.operands[0];
    let from = builder.shape(value).to_vec();
    let depth = builder.shape(node.operands[1]).last().copied().unwrap_or_default();
    let picked = op.batch_dims + depth;
    let places = flattened(node.operands[1], &from[..picked], op.batch_dims, builder);
    let mut shape = vec![from[..picked].iter().product()];
    shape.extend(&from[picked..]);
    let value = builder.reshape(value, &shape);
    let value = builder.gather(value, places, 0);
    builder.reshape(value, &node.shape)
}

/// Rows of `[…, depth]` places in axes of the lengths `over`, of which the first `batch` count along with the
/// rows, as places in one axis: `[rows]`.
fn flattened(places: ValueId, over: &[usize], batch: usize, builder: &mut Builder) -> ValueId {
    let places = builder.cast(places, Element::I64);
    let shape = builder.shape(places).to_vec();
    let rank = shape.len();
    let rows: usize = shape[..rank - 1].iter().product();
    let strides: Vec<i64> = (0..over.len())
        .map(|axis| over[axis + 1..].iter().product::<usize>())
        .filter_map(|stride| i64::try_from(stride).ok())
        .collect();
    let batch_rows: usize = shape[..batch].iter().product();
    let each = strides.get(batch.wrapping_sub(1)).copied().unwrap_or_default();
    if let Some(known) = builder.numbers(places).and_then(|numbers| numbers.integers()) {
        let flat = known
            .chunks_exact(shape[rank - 1].max(1))
            .map(|row| dot(row, &strides[batch..], &over[batch..]));
        let start =
            |row: usize| each * i64::try_from(row * batch_rows / rows.max(1)).unwrap_or_default();
        let flat = flat.enumerate().map(|(row, flat)| flat + start(row));
        return builder.integers(vec![rows], flat.collect());
    }
    let places = builder.reshape(places, &[rows, shape[rank - 1]]);
    let factors = builder.integers(vec![1, strides.len() - batch], strides[batch..].to_vec());
    let scaled = builder.arithmetic(Arithmetic::Mul, places, factors);
    let flat = builder.reduce(Reduction::Sum, scaled, &[1]);
    let flat = builder.reshape(flat, &[rows]);
    if batch == 0 {
        return flat;
    }
    let starts = (0..rows).filter_map(|row| i64::try_from(row * batch_rows / rows).ok());
    let starts = builder.integers(vec![rows], starts.map(|start| start * each).collect());
    builder.arithmetic(Arithmetic::Add, flat, starts)
}

/// One place of many axes as one number; what is negative counts from the end.
fn dot(row: &[i64], strides: &[i64], over: &[usize]) -> i64 {
    let length = |axis: usize| i64::try_from(over[axis]).unwrap_or_default();
    let place =
        |(axis, &place): (usize, &i64)| if place < 0 { place + length(axis) } else { place };
    row.iter().enumerate().map(place).zip(strides).map(|(place, stride)| place * stride).sum()
}

fn scatter(reduction: ScatterReduction, node: &Node<'_>) -> Translated<Scatter> {
    match reduction {
        ScatterReduction::None => Ok(Scatter::Replace),
        ScatterReduction::Add => Ok(Scatter::Add),
        ScatterReduction::Mul | ScatterReduction::Min | ScatterReduction::Max => {
            node.refusal(&format!("by {}", reduction.as_str()))
        }
    }
}

fn scattered(
    axis: usize,
    scatter: Scatter,
    operands: &[ValueId; 3],
    builder: &mut Builder,
) -> ValueId {
    let element = builder.element(operands[0]);
    let shape = builder.shape(operands[0]).to_vec();
    builder.computed(Op::ScatterElements(axis, scatter), operands, element, shape)
}

fn scatter_nd(scatter: Scatter, node: &Node<'_>, builder: &mut Builder) -> ValueId {
    let &[value, places, updates] = node.operands.as_slice() else { return node.operands[0] };
    let from = builder.shape(value).to_vec();
    let depth = builder.shape(places).last().copied().unwrap_or_default();
    let places = flattened(places, &from[..depth], 0, builder);
    let rows = builder.shape(places)[0];
    let (all, each) = (from[..depth].iter().product(), from[depth..].iter().product());
    let value = builder.reshape(value, &[all, each]);
    let updates = builder.reshape(updates, &[rows, each]);
    let places = builder.reshape(places, &[rows, 1]);
    let places = builder.broadcast(places, &[rows, each]);
    let value = scattered(0, scatter, &[value, places, updates], builder);
    builder.reshape(value, &node.shape)
}

fn one_hot(op: &OneHot, node: &Node<'_>, builder: &mut Builder) -> Translated<ValueId> {
    let mut shape = builder.shape(node.operands[0]).to_vec();
    let places = builder.cast(node.operands[0], Element::I64);
    let places = if never_negative(places, builder) {
        places
    } else {
        let length = [op.dim];
        settled(places, Some(&length), 0, builder)
    };
    shape.insert(op.axis, 1);
    let places = builder.reshape(places, &shape);
    let mut counted = vec![1; shape.len()];
    counted[op.axis] = op.dim;
    let counted = builder.integers(counted, (0_i64..).take(op.dim).collect());
    let hot = builder.compare(Comparison::Equal, places, counted);
    let ones = vec![1; shape.len()];
    let (on, off) = (constant(builder, &op.on)?, constant(builder, &op.off)?);
    let (on, off) = (builder.reshape(on, &ones), builder.reshape(off, &ones));
    Ok(builder.select(hot, on, off))
}

/// The best of an axis and their places.
fn best(op: &Topk, node: &Node<'_>, builder: &mut Builder) -> Translated<Vec<ValueId>> {
    let count = match &node.facts[1].konst {
        Some(count) => integers(count)?.first().and_then(|count| usize::try_from(*count).ok()),
        None => Some(length(&op.fallback_k)?),
    };
    let Some(count) = count else { return node.refusal("of fewer than none") };
    let (value, axis) = (node.operands[0], op.axis);
    let (element, shape) = (builder.element(value), node.shape.clone());
    let top = Op::Top { axis, count, largest: op.largest };
    let places = builder.computed(top, &[value], Element::I64, shape.clone());
    let operands = [value, places];
    let values = builder.computed(Op::GatherElements(axis), &operands, element, shape);
    Ok(vec![values, places])
}

fn grid_sample(
    op: &TractGridSample,
    node: &Node<'_>,
    builder: &mut Builder,
) -> Translated<ValueId> {
    let interpolation = match op.mode {
        InterpolationMode::Bilinear => Interpolation::Linear,
        InterpolationMode::Nearest => Interpolation::Nearest,
        InterpolationMode::Bicubic => return node.refusal("by cubics"),
    };
    let padding = match op.padding_mode {
        PaddingMode::Zeros => GridPadding::Zeros,
        PaddingMode::Border => GridPadding::Border,
        PaddingMode::Reflection => GridPadding::Reflection,
    };
    if node.shape.len() != 4 {
        return node.refusal("over other than two axes");
    }
    let sample = GridSample { interpolation, padding, align_corners: op.align_corners };
    let op = Op::GridSample(sample);
    Ok(builder.computed(op, &node.operands, Element::F32, node.shape.clone()))
}
