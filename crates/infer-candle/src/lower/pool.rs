//! Poolings.

use candle_core::{DType, Tensor};
use detections_onnx::{Pool, PoolKind};

use super::{
    Lowered, Lowering, Operand,
    movement::{self, Window, windows},
};

/// candle knows no padding, and square windows alone are the same on all its devices.
pub(super) fn pool(
    lowering: &mut Lowering<'_, '_>,
    op: &Pool,
    from: &Operand,
    shape: &[usize],
) -> Lowered<Operand> {
    let outside = match op.kind {
        PoolKind::Max => f64::NEG_INFINITY,
        PoolKind::Mean => 0.0,
    };
    let [rows, columns] = op.padding;
    let padded = movement::pad(lowering, from, &[(0, 0), (0, 0), rows, columns], outside)?;
    let ([side, across], [stride, stride_across]) = (op.window, op.strides);
    if side != across || stride != stride_across {
        return by_windows(lowering, op, &padded, shape);
    }
    let kind = op.kind;
    lowering.compute("pool", &[&padded], (shape, DType::F32), move |x| match kind {
        PoolKind::Max => x.get(0)?.max_pool2d_with_stride(side, stride),
        PoolKind::Mean => x.get(0)?.avg_pool2d_with_stride(side, stride),
    })
}

fn by_windows(
    lowering: &mut Lowering<'_, '_>,
    op: &Pool,
    from: &Operand,
    shape: &[usize],
) -> Lowered<Operand> {
    let [rows, columns] =
        [0, 1].map(|axis| Window { taps: op.window[axis], distance: 1, step: op.strides[axis] });
    let fields = windows(lowering, from, 2, rows)?;
    let fields = windows(lowering, &fields, 3, columns)?;
    let fields = lowering.contiguous(&fields)?;
    let flat = [shape, &[op.window[0] * op.window[1]]].concat();
    let fields = movement::reshape(lowering, &fields, &flat)?;
    let kind = op.kind;
    lowering.compute("pool", &[&fields], (shape, DType::F32), move |x| most(kind, x.get(0)?))
}

fn most(kind: PoolKind, fields: &Tensor) -> candle_core::Result<Tensor> {
    let last = fields.rank() - 1;
    match kind {
        PoolKind::Max => fields.max(last),
        PoolKind::Mean => fields.mean(last),
    }
}
