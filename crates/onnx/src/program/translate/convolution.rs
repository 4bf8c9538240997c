//! Convolutions and poolings: always over two axes, channels first, the bias added behind.

use tract_onnx::{
    prelude::Tensor,
    tract_core::ops::{
        cnn::{Conv, Deconv, KernelFormat, MaxPool, PaddingSpec, PoolSpec, SumPool},
        nn::DataFormat,
    },
};

use super::{Node, Translated, tensor::constant};
use crate::program::{
    Arithmetic, Convolution, Element, Op, Pool, PoolKind, Slice, TransposedConvolution, ValueId,
    builder::Builder,
};

/// Axes of a kernel that a program knows.
const AXES: usize = 2;

pub(super) fn translate(
    node: &Node<'_>,
    builder: &mut Builder,
) -> Translated<Option<Vec<ValueId>>> {
    let value = if let Some(op) = node.op_as::<Conv>() {
        convolution(op, node, builder)?
    } else if let Some(op) = node.op_as::<Deconv>() {
        transposed(op, node, builder)?
    } else if let Some(op) = node.op_as::<MaxPool>() {
        if op.with_index_outputs.is_some() {
            return node.refusal("that also gives places");
        }
        pool(&op.pool_spec, PoolKind::Max, node, builder)?
    } else if let Some(op) = node.op_as::<SumPool>() {
        mean(op, node, builder)?
    } else {
        return Ok(None);
    };
    Ok(Some(vec![value]))
}

fn convolution(op: &Conv, node: &Node<'_>, builder: &mut Builder) -> Translated<ValueId> {
    if op.q_params.is_some() {
        return node.refusal("of quantised numbers");
    }
    let spec = &op.pool_spec;
    let kernel = kernel(node, op.kernel_fmt, op.group, builder)?;
    let [g, o, i, h, w] = kernel.1;
    let kernel = builder.reshape(kernel.0, &[g * o, i, h, w]);
    let pictures = channels_first(spec, node, builder)?;
    let [n, _, rows, columns] = pictures.shape;
    let padding = padding(spec, [rows, columns]);
    let convolution = Convolution {
        strides: pair(&spec.strides(), 1),
        dilations: pair(&spec.dilations(), 1),
        padding,
        groups: op.group,
    };
    let size = |axis: usize, length: usize, taps: usize| {
        let field = (taps - 1) * convolution.dilations[axis] + 1;
        (length + padding[axis].0 + padding[axis].1 - field) / convolution.strides[axis] + 1
    };
    let shape = vec![n, g * o, size(0, rows, h), size(1, columns, w)];
    let operands = [pictures.value, kernel];
    let value = builder.computed(Op::Convolution(convolution), &operands, Element::F32, shape);
    let value = biased(value, node, builder);
    Ok(back(value, spec, node, builder))
}

/// All that the kernel reaches, cropped afterwards to what the node gives.
fn transposed(op: &Deconv, node: &Node<'_>, builder: &mut Builder) -> Translated<ValueId> {
    let spec = &op.pool_spec;
    let (kernel, [g, o, i, h, w]) = kernel(node, op.kernel_format, op.group, builder)?;
    let kernel = builder.permute(kernel, &[0, 2, 1, 3, 4]);
    let kernel = builder.reshape(kernel, &[g * i, o, h, w]);
    let pictures = channels_first(spec, node, builder)?;
    let [n, _, rows, columns] = pictures.shape;
    let convolution = TransposedConvolution {
        strides: pair(&spec.strides(), 1),
        dilations: pair(&spec.dilations(), 1),
        groups: op.group,
    };
    let size = |axis: usize, length: usize, taps: usize| {
        (length - 1) * convolution.strides[axis] + (taps - 1) * convolution.dilations[axis] + 1
    };
    let shape = vec![n, g * o, size(0, rows, h), size(1, columns, w)];
    let hw = spatial(spec, node);
    let crops = spec.padding.compute_for_deconv(
        &hw,
        &spec.kernel_shape,
        &spec.dilations(),
        &spec.strides(),
        &op.adjustments,
    )?;
    let operands = [pictures.value, kernel];
    let op = Op::TransposedConvolution(convolution);
    let mut value = builder.computed(op, &operands, Element::F32, shape);
    for (axis, crop) in crops.iter().enumerate() {
        value = cropped(value, AXES + axis, (crop.pad_before, crop.deconvoluted), builder);
    }
    let value = biased(value, node, builder);
    Ok(back(value, spec, node, builder))
}

/// `length` elements from `start` on, zeros where there are none.
fn cropped(
    value: ValueId,
    axis: usize,
    (start, length): (usize, usize),
    builder: &mut Builder,
) -> ValueId {
    let found = builder.shape(value)[axis] - start;
    let kept = builder.slice(value, Slice { axis, start, step: 1 }, length.min(found));
    if found >= length {
        return kept;
    }
    let mut shape = builder.shape(kept).to_vec();
    let mut around = vec![(0, 0); shape.len()];
    (around[axis].1, shape[axis]) = (length - found, length);
    builder.computed(Op::Pad { around, with: 0.0 }, &[kept], Element::F32, shape)
}

fn pool(
    spec: &PoolSpec,
    kind: PoolKind,
    node: &Node<'_>,
    builder: &mut Builder,
) -> Translated<ValueId> {
    if spec.dilations().iter().any(|&distance| distance != 1) {
        return node.refusal("with distances between its taps");
    }
    let pictures = channels_first(spec, node, builder)?;
    let [n, c, rows, columns] = pictures.shape;
    let pool = Pool {
        kind,
        window: pair(&spec.kernel_shape, 1),
        strides: pair(&spec.strides(), 1),
        padding: padding(spec, [rows, columns]),
    };
    let size = |axis: usize, length: usize| {
        let (before, after) = pool.padding[axis];
        (length + before + after - pool.window[axis]) / pool.strides[axis] + 1
    };
    let shape = vec![n, c, size(0, rows), size(1, columns)];
    let value = builder.computed(Op::Pool(pool), &[pictures.value], Element::F32, shape);
    Ok(back(value, spec, node, builder))
}

/// Sums and means: the program's mean counts the padding, so what the node counts is settled by a factor,
/// which may differ at the edges.
fn mean(op: &SumPool, node: &Node<'_>, builder: &mut Builder) -> Translated<ValueId> {
    let spec = &op.pool_spec;
    let value = pool(spec, PoolKind::Mean, node, builder)?;
    let hw = spatial(spec, node);
    let factors: Vec<Vec<f32>> = (0..hw.len()).map(|axis| factors(op, axis, hw[axis])).collect();
    if factors.iter().flatten().all(|factor| (factor - 1.0).abs() < f32::EPSILON) {
        return Ok(value);
    }
    let mut scaled = value;
    let first = spec.data_format.h_axis();
    for (axis, factors) in factors.into_iter().enumerate() {
        let mut shape = vec![1; node.shape.len()];
        shape[first + axis] = factors.len();
        let factors = builder.singles(shape, factors);
        scaled = builder.arithmetic(Arithmetic::Mul, scaled, factors);
    }
    Ok(scaled)
}

/// For each window along an axis its size over what the node divides by.
fn factors(op: &SumPool, axis: usize, length: usize) -> Vec<f32> {
    let spec = &op.pool_spec;
    let (window, stride) = (spec.kernel_shape[axis], spec.stride(axis));
    let computed = spec.padding.compute_one(axis, &length, window, 1, stride);
    // Where a last window hangs over even the padding, that part is never counted.
    let padded = match &spec.padding {
        PaddingSpec::ExplicitOnnxPool(before, after, true) => before[axis] + length + after[axis],
        _ => usize::MAX,
    };
    let counted = |place: usize| {
        let start = place * stride;
        let inside = |at: &usize| {
            let real = *at >= computed.pad_before && *at < computed.pad_before + length;
            if op.count_include_pad { *at < padded } else { real }
        };
        (start..start + window).filter(inside).count()
    };
    let divisor = |place| if op.normalize { counted(place) } else { 1 };
    (0..computed.convoluted).map(|place| ratio(window, divisor(place))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "windows have few elements")]
fn ratio(window: usize, divisor: usize) -> f32 {
    window as f32 / divisor as f32
}

/// Pictures as `[n, c, h, w]`.
struct Pictures {
    value: ValueId,
    shape: [usize; 4],
}

fn channels_first(spec: &PoolSpec, node: &Node<'_>, builder: &mut Builder) -> Translated<Pictures> {
    let value = node.operands[0];
    let mut shape = builder.shape(value).to_vec();
    if !(1..=AXES).contains(&spec.rank()) {
        return node.refusal(&format!("over {} axes", spec.rank()));
    }
    if !spec.data_format.has_n() {
        shape.insert(0, 1);
    }
    let last = spec.data_format.c_is_last();
    if spec.rank() < AXES {
        // The one axis becomes the rows, beside columns of length 1.
        shape.insert(if last { shape.len() - 1 } else { shape.len() }, 1);
    }
    let value = builder.reshape(value, &shape);
    let value = if last { builder.permute(value, &[0, 3, 1, 2]) } else { value };
    match builder.shape(value) {
        &[n, c, h, w] => Ok(Pictures { value, shape: [n, c, h, w] }),
        other => node.refusal(&format!("of a shape {other:?}")),
    }
}

/// To the node's own order of axes.
fn back(value: ValueId, spec: &PoolSpec, node: &Node<'_>, builder: &mut Builder) -> ValueId {
    let last = matches!(spec.data_format, DataFormat::NHWC | DataFormat::HWC);
    let value = if last { builder.permute(value, &[0, 2, 3, 1]) } else { value };
    builder.reshape(value, &node.shape)
}

/// The kernel's constant as `[groups, o, i, h, w]`.
fn kernel(
    node: &Node<'_>,
    format: KernelFormat,
    groups: usize,
    builder: &mut Builder,
) -> Translated<(ValueId, [usize; 5])> {
    let Some(tensor) = &node.facts[1].konst else {
        return node.refusal("with a computed kernel");
    };
    let mut kernel = Tensor::clone(tensor);
    for op in format.kernel_as_group_o_i_h_w_ops(tensor.shape(), groups) {
        op.change_tensor(&mut kernel, false)?;
    }
    let mut shape = kernel.shape().to_vec();
    shape.resize(5.max(shape.len()), 1);
    let Ok(shape) = <[usize; 5]>::try_from(shape) else {
        return node.refusal(&format!("with a kernel of shape {:?}", tensor.shape()));
    };
    let value = constant(builder, &kernel)?;
    Ok((builder.reshape(value, &shape), shape))
}

/// Adds the node's bias, one number for each channel or one for all, unless it is nothing.
fn biased(value: ValueId, node: &Node<'_>, builder: &mut Builder) -> ValueId {
    let zero = node.facts[2].konst.as_ref().is_some_and(|bias| bias.is_all_zero().unwrap_or(false));
    if zero {
        return value;
    }
    let bias = node.operands[2];
    let channels = builder.shape(bias).iter().product();
    let bias = builder.reshape(bias, &[1, channels, 1, 1]);
    builder.arithmetic(Arithmetic::Add, value, bias)
}

/// The lengths of the axes that a kernel moves along.
fn spatial(spec: &PoolSpec, node: &Node<'_>) -> Vec<usize> {
    let shape = node.facts[0].shape.as_concrete().unwrap_or_default();
    let first = spec.data_format.h_axis();
    shape.get(first..first + spec.rank()).unwrap_or_default().to_vec()
}

/// What lies before and after along each axis. Rounding up, a last window may hang over what is stated.
fn padding(spec: &PoolSpec, lengths: [usize; AXES]) -> [(usize, usize); AXES] {
    let mut around = [(0, 0); AXES];
    for axis in 0..spec.rank() {
        let (length, stride) = (lengths[axis], spec.stride(axis));
        let (window, dilation) = (spec.kernel_shape[axis], spec.dilation(axis));
        let found = spec.padding.compute_one(axis, &length, window, dilation, stride);
        let field = (window - 1) * dilation + 1;
        let (before, after) = (found.pad_before, found.pad_after);
        let stated = (length + before + after).saturating_sub(field) / stride + 1;
        let needed =
            (found.convoluted.saturating_sub(1) * stride + field).saturating_sub(length + before);
        around[axis] = (before, if stated == found.convoluted { after } else { needed });
    }
    around
}

fn pair(numbers: &[usize], other: usize) -> [usize; AXES] {
    [numbers.first().copied().unwrap_or(other), numbers.get(1).copied().unwrap_or(other)]
}
