//! Convolutions: candle's own where it has one, products of matrices over windows elsewhere.

use candle_core::{DType, Tensor};
use detections_onnx::{Convolution, TransposedConvolution};

use super::{
    Fault, Lowered, Lowering, Operand, matrix,
    movement::{self, Window, windows},
};

pub(super) fn plain(
    lowering: &mut Lowering<'_, '_>,
    op: &Convolution,
    from: &[&Operand],
    shape: &[usize],
) -> Lowered<Operand> {
    let (&[pictures, kernel], [stride, stride_across], [distance, distance_across]) =
        (from, op.strides, op.dilations)
    else {
        return Err(Fault::Unsupported("not two operands".into()));
    };
    if op.groups > 1 || stride != stride_across || distance != distance_across {
        return by_windows(lowering, op, [pictures, kernel], shape);
    }
    let [rows, columns] = op.padding;
    let around = rows.0;
    let even = [rows.1, columns.0, columns.1].iter().all(|padding| *padding == around);
    let (pictures, padding) = if even {
        (pictures.clone(), around)
    } else {
        (movement::pad(lowering, pictures, &[(0, 0), (0, 0), rows, columns], 0.0)?, 0)
    };
    let kernel = lowering.contiguous(kernel)?;
    let to = (shape, DType::F32);
    lowering.compute("convolution", &[&pictures, &kernel], to, move |x| {
        x.get(0)?.conv2d(x.get(1)?, padding, stride, distance, 1)
    })
}

/// The windows of each group side by side, times its kernels:
/// `[groups, n · oh · ow, c / groups · kh · kw] × [groups, c / groups · kh · kw, o / groups]`.
fn by_windows(
    lowering: &mut Lowering<'_, '_>,
    op: &Convolution,
    [pictures, kernel]: [&Operand; 2],
    shape: &[usize],
) -> Lowered<Operand> {
    let (&[n, o, rows, columns], &[_, share, kh, kw]) = (shape, kernel.dims()) else {
        return Err(Fault::Unsupported(format!("shape {shape:?}")));
    };
    let groups = op.groups;
    let [above, beside] = op.padding;
    let padded = movement::pad(lowering, pictures, &[(0, 0), (0, 0), above, beside], 0.0)?;
    let window =
        |axis: usize, taps| Window { taps, distance: op.dilations[axis], step: op.strides[axis] };
    let fields = windows(lowering, &padded, 2, window(0, kh))?;
    let fields = windows(lowering, &fields, 3, window(1, kw))?;
    let fields = movement::reshape(lowering, &fields, &[n, groups, share, rows, columns, kh, kw])?;
    let fields = movement::permuted_copy(lowering, &fields, &[1, 0, 3, 4, 2, 5, 6])?;
    let fields =
        movement::reshape(lowering, &fields, &[groups, n * rows * columns, share * kh * kw])?;
    let kernel = movement::reshape(lowering, kernel, &[groups, o / groups, share * kh * kw])?;
    let kernel = movement::permute(lowering, &kernel, &[0, 2, 1])?;
    let product = [groups, n * rows * columns, o / groups];
    let product = matrix::product(lowering, &[&fields, &kernel], &product)?;
    let product = movement::reshape(lowering, &product, &[groups, n, rows, columns, o / groups])?;
    let product = movement::permuted_copy(lowering, &product, &[1, 0, 4, 2, 3])?;
    movement::reshape(lowering, &product, shape)
}

pub(super) fn transposed(
    lowering: &mut Lowering<'_, '_>,
    op: &TransposedConvolution,
    from: &[&Operand],
    shape: &[usize],
) -> Lowered<Operand> {
    let ([stride, stride_across], [distance, distance_across]) = (op.strides, op.dilations);
    if stride != stride_across || distance != distance_across {
        return Err(Fault::Unsupported(
            "rows and columns of different strides or dilations".into(),
        ));
    }
    let pictures = lowering.contiguous(from[0])?;
    let kernel = lowering.contiguous(from[1])?;
    let groups = op.groups;
    lowering.compute("convolution", &[&pictures, &kernel], (shape, DType::F32), move |x| {
        let (pictures, kernel) = (x.get(0)?.chunk(groups, 1)?, x.get(1)?.chunk(groups, 0)?);
        let parts = pictures.iter().zip(&kernel).map(|(pictures, kernel)| {
            pictures.contiguous()?.conv_transpose2d(&kernel.contiguous()?, 0, 0, stride, distance)
        });
        Tensor::cat(&parts.collect::<candle_core::Result<Vec<_>>>()?, 1)
    })
}
