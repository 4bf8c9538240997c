//! Operators that make one number of many: sums and extremes, normalisations, running sums.

use tract_onnx::{
    prelude::Tensor,
    tract_core::ops::{
        array::CumSum,
        nn::{Reduce, Reducer, RmsNorm, ScaledRmsNorm, Softmax, SoftmaxKind},
    },
};

use super::{
    Node, Translated,
    contraction::{Operand, contract},
};
use crate::program::{Arithmetic, Element, Op, Reduction, Unary, ValueId, builder::Builder};

pub(super) fn translate(
    node: &Node<'_>,
    builder: &mut Builder,
) -> Translated<Option<Vec<ValueId>>> {
    let value = if let Some(op) = node.op_as::<Reduce>() {
        reduce(op, node, builder)?
    } else if let Some(op) = node.op_as::<Softmax>() {
        softmax(op, node, builder)?
    } else if let Some(op) = node.op_as::<RmsNorm>() {
        root_mean_square(node.operands[0], op.axis, &op.eps, builder)?
    } else if let Some(op) = node.op_as::<ScaledRmsNorm>() {
        let normal = root_mean_square(node.operands[0], op.axis, &op.eps, builder)?;
        let rank = builder.shape(normal).len();
        let scale = spread(node.operands[1], op.axis, rank, builder);
        builder.arithmetic(Arithmetic::Mul, normal, scale)
    } else if let Some(op) = node.op_as::<CumSum>() {
        running_sum(op, node, builder)?
    } else {
        return Ok(None);
    };
    Ok(Some(vec![value]))
}

fn reduce(op: &Reduce, node: &Node<'_>, builder: &mut Builder) -> Translated<ValueId> {
    let value = node.operands[0];
    let axes = op.axes.to_vec();
    match op.reducer {
        Reducer::Sum => Ok(builder.reduce(Reduction::Sum, value, &axes)),
        Reducer::Max | Reducer::Any => Ok(builder.reduce(Reduction::Max, value, &axes)),
        Reducer::Min | Reducer::All => Ok(builder.reduce(Reduction::Min, value, &axes)),
        Reducer::MeanOfSquares => Ok(mean_of_squares(value, &axes, builder)),
        Reducer::ArgMax(false) => extreme(true, node, &axes, builder),
        Reducer::ArgMin(false) => extreme(false, node, &axes, builder),
        Reducer::ArgMax(true) | Reducer::ArgMin(true) | Reducer::Prod => {
            node.refusal(&format!("as {:?}", op.reducer))
        }
    }
}

fn extreme(
    largest: bool,
    node: &Node<'_>,
    axes: &[usize],
    builder: &mut Builder,
) -> Translated<ValueId> {
    let &[axis] = axes else {
        return node.refusal("to a place along several axes");
    };
    let op = Op::Extreme { axis, largest };
    Ok(builder.computed(op, &node.operands[..1], Element::I64, node.shape.clone()))
}

fn mean_of_squares(value: ValueId, axes: &[usize], builder: &mut Builder) -> ValueId {
    let count: usize = axes.iter().map(|&axis| builder.shape(value)[axis]).product();
    let squares = builder.unary(Unary::Square, value);
    let sum = builder.reduce(Reduction::Sum, squares, axes);
    let share = builder.single_like(sum, share(count));
    builder.arithmetic(Arithmetic::Mul, sum, share)
}

#[expect(clippy::cast_precision_loss, reason = "an axis has far fewer elements than f32 can count")]
fn share(count: usize) -> f32 {
    1.0 / count as f32
}

fn root_mean_square(
    value: ValueId,
    axis: usize,
    epsilon: &Tensor,
    builder: &mut Builder,
) -> Translated<ValueId> {
    let mean = mean_of_squares(value, &[axis], builder);
    let epsilon = builder.single_like(mean, epsilon.cast_to_scalar::<f32>()?);
    let mean = builder.arithmetic(Arithmetic::Add, mean, epsilon);
    let scale = builder.unary(Unary::Rsqrt, mean);
    Ok(builder.arithmetic(Arithmetic::Mul, value, scale))
}

/// A vector along one of `rank` axes; what has all axes already is left alone.
fn spread(value: ValueId, axis: usize, rank: usize, builder: &mut Builder) -> ValueId {
    let [length] = *builder.shape(value) else { return value };
    let mut shape = vec![1; rank];
    shape[axis] = length;
    builder.reshape(value, &shape)
}

fn softmax(op: &Softmax, node: &Node<'_>, builder: &mut Builder) -> Translated<ValueId> {
    let &[axis] = op.axes.as_slice() else {
        return node.refusal("over several axes");
    };
    let value = node.operands[0];
    match op.kind {
        SoftmaxKind::Softmax => {
            let op = Op::Softmax(axis);
            Ok(builder.computed(op, &[value], Element::F32, node.shape.clone()))
        }
        SoftmaxKind::LogSoftmax => {
            let most = builder.reduce(Reduction::Max, value, &[axis]);
            let lowered = builder.arithmetic(Arithmetic::Sub, value, most);
            let powers = builder.unary(Unary::Exp, lowered);
            let sum = builder.reduce(Reduction::Sum, powers, &[axis]);
            let sum = builder.unary(Unary::Log, sum);
            Ok(builder.arithmetic(Arithmetic::Sub, lowered, sum))
        }
    }
}

/// A product with a triangle of ones.
fn running_sum(op: &CumSum, node: &Node<'_>, builder: &mut Builder) -> Translated<ValueId> {
    let value = node.operands[0];
    if builder.element(value) != Element::F32 {
        return node.refusal(&format!("of {}", builder.element(value)));
    }
    let length = node.shape[op.axis];
    let counts = |to: usize, from: usize| {
        let (to, from) = if op.reverse { (from, to) } else { (to, from) };
        if op.exclusive { from < to } else { from <= to }
    };
    let pairs = (0..length).flat_map(|to| (0..length).map(move |from| (to, from)));
    let ones = pairs.map(|(to, from)| if counts(to, from) { 1.0 } else { 0.0 }).collect();
    let triangle = builder.singles(vec![length, length], ones);
    Ok(along(value, triangle, op.axis, builder))
}

/// Multiplies an axis by a matrix `[to, from]`.
pub(super) fn along(
    value: ValueId,
    matrix: ValueId,
    axis: usize,
    builder: &mut Builder,
) -> ValueId {
    let mut shape = builder.shape(value).to_vec();
    shape[axis] = builder.shape(matrix)[0];
    // One letter for each axis; shapes have far fewer axes than there are.
    let labels: Vec<char> = ('a'..).take(shape.len()).collect();
    let mut result = labels.clone();
    let to = 'Z';
    result[axis] = to;
    let matrix = Operand::new(matrix, vec![to, labels[axis]]);
    let value = contract(builder, &matrix, &Operand::new(value, labels), &result);
    builder.reshape(value, &shape)
}
