//! Products of matrices.

use candle_core::DType;

use super::{Lowered, Lowering, Operand};

/// `[b, m, k] × [b, k, n]`. Operands whose rows or columns lie one behind the other need no copy; a matrix that
/// is the same for the whole batch is there once.
pub(super) fn product(
    lowering: &mut Lowering<'_, '_>,
    from: &[&Operand],
    shape: &[usize],
) -> Lowered<Operand> {
    let left = multipliable(lowering, from[0])?;
    let right = multipliable(lowering, from[1])?;
    lowering
        .compute("product", &[&left, &right], (shape, DType::F32), |x| x.get(0)?.matmul(x.get(1)?))
}

fn multipliable(lowering: &mut Lowering<'_, '_>, from: &Operand) -> Lowered<Operand> {
    let (&[_, height, width], &[_, down, across]) = (from.dims(), from.layout.stride()) else {
        return lowering.contiguous(from);
    };
    let rows = (across == 1 || width == 1) && (down == width || height == 1);
    let columns = (across == height || width == 1) && (down == 1 || height == 1);
    if rows || columns { Ok(from.clone()) } else { lowering.contiguous(from) }
}
