//! Operators that make one number of many.

use candle_core::DType;
use detections_onnx::Reduction;

use super::{Lowered, Lowering, Operand, movement, with_length};

pub(super) fn reduce(
    lowering: &mut Lowering<'_, '_>,
    op: Reduction,
    from: &Operand,
    axes: &[usize],
    shape: &[usize],
) -> Lowered<Operand> {
    let axes = axes.to_vec();
    lowering.compute("reduce", &[from], (shape, from.kind), move |x| {
        let mut value = x.get(0)?.clone();
        if op == Reduction::Sum {
            return value.sum_keepdim(axes.as_slice());
        }
        for &axis in &axes {
            value = match op {
                Reduction::Min => value.min_keepdim(axis)?,
                Reduction::Max | Reduction::Sum => value.max_keepdim(axis)?,
            };
        }
        Ok(value)
    })
}

pub(super) fn extreme(
    lowering: &mut Lowering<'_, '_>,
    from: &Operand,
    axis: usize,
    largest: bool,
) -> Lowered<Operand> {
    let shape = with_length(from.dims(), axis, 1);
    lowering.compute("place", &[from], (&shape, DType::I64), move |x| {
        let places =
            if largest { x.get(0)?.argmax_keepdim(axis) } else { x.get(0)?.argmin_keepdim(axis) };
        places?.to_dtype(DType::I64)
    })
}

/// Along the innermost axis; another one is brought there first.
pub(super) fn softmax(
    lowering: &mut Lowering<'_, '_>,
    from: &Operand,
    axis: usize,
) -> Lowered<Operand> {
    let rank = from.dims().len();
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(axis, rank - 1);
    let turned = movement::permute(lowering, from, &order)?;
    let turned = lowering.contiguous(&turned)?;
    let to = (turned.dims(), DType::F32);
    let result = lowering
        .compute("softmax", &[&turned], to, |x| candle_nn::ops::softmax_last_dim(x.get(0)?))?;
    movement::permute(lowering, &result, &order)
}
