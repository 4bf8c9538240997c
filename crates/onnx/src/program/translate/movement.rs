//! Operators that only move elements: other axes, parts, repetitions, pieces put together.

use tract_onnx::{
    prelude::Tensor,
    tract_core::ops::{
        Downsample,
        array::{
            FiniteReshape, MultiBroadcastTo, Pad, PadMode, Slice as TractSlice, Tile, Trilu,
            TypedConcat,
        },
        change_axes::AxisOp,
        nn::NearestUpsample,
    },
};

use super::{
    Node, Translated,
    tensor::{integers, length},
};
use crate::program::{Op, Slice, ValueId, builder::Builder};

pub(super) fn translate(
    node: &Node<'_>,
    builder: &mut Builder,
) -> Translated<Option<Vec<ValueId>>> {
    let Some(&value) = node.operands.first() else { return Ok(None) };
    let value = if let Some(op) = node.op_as::<AxisOp>() {
        axes(op, value, node, builder)
    } else if node.op_as::<FiniteReshape>().is_some() {
        builder.reshape(value, &node.shape)
    } else if node.op_as::<MultiBroadcastTo>().is_some() {
        builder.broadcast(value, &node.shape)
    } else if let Some(op) = node.op_as::<TypedConcat>() {
        let element = builder.element(value);
        builder.computed(Op::Concat(op.axis), &node.operands, element, node.shape.clone())
    } else if let Some(op) = node.op_as::<TractSlice>() {
        let (start, end) = (length(&op.start)?, length(&op.end)?);
        builder.slice(value, Slice { axis: op.axis, start, step: 1 }, end.saturating_sub(start))
    } else if let Some(op) = node.op_as::<Downsample>() {
        downsampled(op, value, node, builder)
    } else if let Some(op) = node.op_as::<Tile>() {
        tiled(op, value, node, builder)?
    } else if let Some(op) = node.op_as::<NearestUpsample>() {
        repeated(value, &op.scales, builder)
    } else if let Some(op) = node.op_as::<Pad>() {
        padded(op, value, node, builder)?
    } else if let Some(op) = node.op_as::<Trilu>() {
        triangle(op, value, node, builder)?
    } else {
        return Ok(None);
    };
    Ok(Some(vec![value]))
}

fn axes(op: &AxisOp, value: ValueId, node: &Node<'_>, builder: &mut Builder) -> ValueId {
    let AxisOp::Move(from, to) = *op else {
        return builder.reshape(value, &node.shape);
    };
    let mut order: Vec<usize> = (0..builder.shape(value).len()).collect();
    let axis = order.remove(from);
    order.insert(to, axis);
    builder.permute(value, &order)
}

/// Every nth element; backwards, they are gathered one by one.
fn downsampled(op: &Downsample, value: ValueId, node: &Node<'_>, builder: &mut Builder) -> ValueId {
    let (axis, len) = (op.axis, node.shape[op.axis]);
    if op.stride > 0 {
        let slice = Slice { axis, start: op.modulo, step: op.stride.unsigned_abs() };
        return builder.slice(value, slice, len);
    }
    // The importer takes what lies behind the offset and steps through it from its end.
    let last = builder.shape(value)[axis] - 1;
    let places = (0..len).map(|place| last - place * op.stride.unsigned_abs());
    gathered(value, axis, places.collect(), builder)
}

/// Whole slices at known places.
fn gathered(value: ValueId, axis: usize, places: Vec<usize>, builder: &mut Builder) -> ValueId {
    // No length of an axis comes near the limit of either type.
    let places: Vec<i64> =
        places.into_iter().filter_map(|place| i64::try_from(place).ok()).collect();
    let places = builder.integers(vec![places.len()], places);
    builder.gather(value, places, axis)
}

fn tiled(op: &Tile, value: ValueId, node: &Node<'_>, builder: &mut Builder) -> Translated<ValueId> {
    let mut split = Vec::new();
    let mut wide = Vec::new();
    for (multiplier, &length_in) in op.multipliers.iter().zip(builder.shape(value)) {
        split.extend([1, length_in]);
        wide.extend([length(multiplier)?, length_in]);
    }
    let value = builder.reshape(value, &split);
    let value = builder.broadcast(value, &wide);
    Ok(builder.reshape(value, &node.shape))
}

/// Every element several times over, side by side.
fn repeated(value: ValueId, scales: &[usize], builder: &mut Builder) -> ValueId {
    let shape = builder.shape(value).to_vec();
    let split: Vec<usize> = shape.iter().flat_map(|&length| [length, 1]).collect();
    let wide: Vec<usize> =
        shape.iter().zip(scales).flat_map(|(&length, &scale)| [length, scale]).collect();
    let merged: Vec<usize> =
        shape.iter().zip(scales).map(|(&length, &scale)| length * scale).collect();
    let value = builder.reshape(value, &split);
    let value = builder.broadcast(value, &wide);
    builder.reshape(value, &merged)
}

fn padded(op: &Pad, value: ValueId, node: &Node<'_>, builder: &mut Builder) -> Translated<ValueId> {
    let place: fn(isize, isize) -> isize = match &op.mode {
        PadMode::Constant(with) => return surrounded(op, with, value, node, builder),
        PadMode::Edge => |place, length| place.clamp(0, length - 1),
        PadMode::Reflect => reflected,
    };
    let mut value = value;
    for (axis, &(before, after)) in op.pads.iter().enumerate() {
        if (before, after) == (0, 0) {
            continue;
        }
        let length = builder.shape(value)[axis];
        let (first, length) = (before.cast_signed(), length.cast_signed());
        let places = (-first..length + after.cast_signed()).map(|at| place(at, length));
        value = gathered(value, axis, places.map(isize::unsigned_abs).collect(), builder);
    }
    Ok(value)
}

/// Mirrored at the outermost elements, which are not repeated.
fn reflected(place: isize, length: isize) -> isize {
    let inside = if place < 0 { -place } else { place };
    let inside = if inside >= length { 2 * (length - 1) - inside } else { inside };
    inside.clamp(0, length - 1)
}

fn surrounded(
    op: &Pad,
    with: &Tensor,
    value: ValueId,
    node: &Node<'_>,
    builder: &mut Builder,
) -> Translated<ValueId> {
    if op.pads.iter().all(|around| *around == (0, 0)) {
        return Ok(value);
    }
    let with = with.cast_to_scalar::<f64>()?;
    let (around, element) = (op.pads.clone(), builder.element(value));
    Ok(builder.computed(Op::Pad { around, with }, &[value], element, node.shape.clone()))
}

/// What is above or below a diagonal, zeros elsewhere.
fn triangle(
    op: &Trilu,
    value: ValueId,
    node: &Node<'_>,
    builder: &mut Builder,
) -> Translated<ValueId> {
    let Some(diagonal) = &node.facts[1].konst else {
        return node.refusal("along a computed diagonal");
    };
    let diagonal = integers(diagonal)?.first().copied().unwrap_or_default();
    let &[.., rows, columns] = node.shape.as_slice() else {
        return node.refusal("of fewer than two axes");
    };
    let offsets = (0_i64..)
        .take(rows)
        .flat_map(|row| (0_i64..).take(columns).map(move |column| column - row));
    let kept = offsets.map(|offset| if op.upper { offset >= diagonal } else { offset <= diagonal });
    let mask: Vec<u8> = kept.map(u8::from).collect();
    let mut shape = vec![1; node.shape.len() - 2];
    shape.extend([rows, columns]);
    let mask = builder.constant(crate::program::Element::Bool, shape, mask.into());
    let zero = zero_like(value, builder);
    Ok(builder.select(mask, value, zero))
}

fn zero_like(value: ValueId, builder: &mut Builder) -> ValueId {
    let zero = builder.single_like(value, 0.0);
    let element = builder.element(value);
    builder.cast(zero, element)
}
