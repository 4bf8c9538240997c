//! Operators that only move elements: views wherever one serves.

use candle_core::{Layout, Tensor};
use detections_onnx::Slice;

use super::{Lowered, Lowering, Operand, layout, with_length};
use crate::{plan::Kernel, step::Movement};

/// A view, if the elements lie row-major, if only axes of length 1 come and go, or if axes are only split;
/// else a copy.
pub(super) fn reshape(
    lowering: &mut Lowering<'_, '_>,
    from: &Operand,
    shape: &[usize],
) -> Lowered<Operand> {
    if from.dims() == shape {
        return Ok(from.clone());
    }
    if from.layout.is_contiguous() {
        let lies = Layout::contiguous_with_offset(shape, from.layout.start_offset());
        let shape = shape.to_vec();
        return lowering.view("reshape", from, lies, move |x| x.reshape(shape.as_slice()));
    }
    if let Some(splits) = splits(from.dims(), shape) {
        return split(lowering, from, splits, shape);
    }
    let from = lowering.contiguous(from)?;
    reshape(lowering, &from, shape)
}

/// For each axis of `from` that is longer than 1, the axes of `to` that it falls into, if it is as simple as
/// that.
fn splits(from: &[usize], to: &[usize]) -> Option<Vec<Vec<usize>>> {
    let mut to = to.iter().copied().filter(|length| *length != 1);
    let mut splits = Vec::new();
    for &length in from.iter().filter(|length| **length != 1) {
        let mut parts = Vec::new();
        let mut product = 1;
        while product < length {
            let part = to.next()?;
            product *= part;
            parts.push(part);
        }
        if product != length {
            return None;
        }
        splits.push(parts);
    }
    to.next().is_none().then_some(splits)
}

/// Drops the axes of length 1, splits the others, and puts axes of length 1 where they are wanted.
fn split(
    lowering: &mut Lowering<'_, '_>,
    from: &Operand,
    splits: Vec<Vec<usize>>,
    shape: &[usize],
) -> Lowered<Operand> {
    let long = from.layout.dims().iter().zip(from.layout.stride());
    let long = long.filter(|(length, _)| **length != 1).map(|(_, stride)| *stride);
    let inner = long.zip(&splits).flat_map(|(stride, parts)| strides(parts, stride));
    let mut inner = inner.collect::<Vec<usize>>().into_iter();
    let stride = |length: &usize| if *length == 1 { 1 } else { inner.next().unwrap_or(1) };
    let all: Vec<usize> = shape.iter().map(stride).collect();
    let lies = layout(shape.to_vec(), all, from.layout.start_offset());
    let shape = shape.to_vec();
    lowering.view("reshape", from, lies, move |x| split_axes(x, &splits, &shape))
}

/// The strides of the parts of an axis.
fn strides(parts: &[usize], stride: usize) -> Vec<usize> {
    let behind = |part: usize| parts[part + 1..].iter().product::<usize>();
    (0..parts.len()).map(|part| behind(part) * stride).collect()
}

fn split_axes(x: &Tensor, splits: &[Vec<usize>], shape: &[usize]) -> candle_core::Result<Tensor> {
    let mut view = x.clone();
    for axis in (0..x.rank()).rev().filter(|&axis| x.dims()[axis] == 1) {
        view = view.squeeze(axis)?;
    }
    let mut axis = 0;
    for parts in splits {
        for (place, _) in parts.iter().enumerate().skip(1) {
            let inner: usize = parts[place..].iter().product();
            // Windows as long as their steps are the axis, split in two; the inner one comes out last.
            view = view.unfold(axis, inner, inner)?;
            let mut order: Vec<usize> = (0..view.rank() - 1).collect();
            order.insert(axis + 1, view.rank() - 1);
            view = view.permute(order)?;
            axis += 1;
        }
        axis += 1;
    }
    for (axis, _) in shape.iter().enumerate().filter(|(_, length)| **length == 1) {
        view = view.unsqueeze(axis)?;
    }
    Ok(view)
}

pub(super) fn permute(
    lowering: &mut Lowering<'_, '_>,
    from: &Operand,
    order: &[usize],
) -> Lowered<Operand> {
    let lies = from.layout.permute(order)?;
    let order = order.to_vec();
    lowering.view("permute", from, lies, move |x| x.permute(order.as_slice()))
}

pub(super) fn broadcast(
    lowering: &mut Lowering<'_, '_>,
    from: &Operand,
    shape: &[usize],
) -> Lowered<Operand> {
    let lies = from.layout.broadcast_as(shape)?;
    let shape = shape.to_vec();
    lowering.view("broadcast", from, lies, move |x| x.broadcast_as(shape.as_slice()))
}

pub(super) fn slice(
    lowering: &mut Lowering<'_, '_>,
    from: &Operand,
    Slice { axis, start, step }: Slice,
    len: usize,
) -> Lowered<Operand> {
    let reached = if len == 0 { 0 } else { (len - 1) * step + 1 };
    let narrow = from.layout.narrow(axis, start, reached)?;
    if step == 1 || len <= 1 {
        return lowering.view("narrow", from, narrow, move |x| x.narrow(axis, start, reached));
    }
    let mut strides = narrow.stride().to_vec();
    strides[axis] *= step;
    let shape = with_length(narrow.dims(), axis, len);
    let lies = layout(shape, strides, narrow.start_offset());
    lowering
        .view("stride", from, lies, move |x| strided(&x.narrow(axis, start, reached)?, axis, step))
}

/// Every `step`th of an axis: windows of one element.
pub(super) fn strided(x: &Tensor, axis: usize, step: usize) -> candle_core::Result<Tensor> {
    x.unfold(axis, 1, step)?.squeeze(x.rank())
}

/// What does not lie row-major is copied to its place at once, where the axis can be the outermost.
pub(super) fn concat(
    lowering: &mut Lowering<'_, '_>,
    from: &[&Operand],
    axis: usize,
    shape: &[usize],
) -> Lowered<Operand> {
    if let [single] = from {
        return Ok((*single).clone());
    }
    let outer: usize = shape[..axis].iter().product();
    let mut operands = Vec::new();
    for operand in from {
        let as_is = outer == 1 || operand.layout.is_contiguous();
        operands.push(if as_is { (*operand).clone() } else { lowering.contiguous(operand)? });
    }
    let operands: Vec<&Operand> = operands.iter().collect();
    let to = (shape, from[0].kind);
    if outer > 1 || axis == 0 {
        return lowering.compute("concat", &operands, to, move |x| Tensor::cat(&x.all()?, axis));
    }
    let shape = shape.to_vec();
    lowering.compute("concat", &operands, to, move |x| {
        let flat: candle_core::Result<Vec<Tensor>> = x
            .all()?
            .into_iter()
            .map(|x| (0..axis).try_fold(x.clone(), |x, _| x.squeeze(0)))
            .collect();
        Tensor::cat(&flat?, 0)?.reshape(shape.as_slice())
    })
}

/// Blocks of the number around the operand, axis by axis.
pub(super) fn pad(
    lowering: &mut Lowering<'_, '_>,
    from: &Operand,
    around: &[(usize, usize)],
    with: f64,
) -> Lowered<Operand> {
    let mut value = from.clone();
    for (axis, &(before, after)) in around.iter().enumerate() {
        if (before, after) != (0, 0) {
            value = pad_axis(lowering, &value, (axis, before, after), with)?;
        }
    }
    Ok(value)
}

fn pad_axis(
    lowering: &mut Lowering<'_, '_>,
    from: &Operand,
    (axis, before, after): (usize, usize, usize),
    with: f64,
) -> Lowered<Operand> {
    let block = |lowering: &mut Lowering<'_, '_>, length| -> Lowered<Operand> {
        let shape = with_length(from.dims(), axis, length);
        let number = Tensor::full(with, (), lowering.device())?.to_dtype(from.kind)?;
        let block = number.broadcast_as(shape)?.contiguous()?;
        Ok(lowering.constant(block))
    };
    let before = if before > 0 { Some(block(lowering, before)?) } else { None };
    let after = if after > 0 { Some(block(lowering, after)?) } else { None };
    let parts: Vec<&Operand> = before.iter().chain([from]).chain(&after).collect();
    let length = parts.iter().map(|part| part.dims()[axis]).sum();
    let shape = with_length(from.dims(), axis, length);
    concat(lowering, &parts, axis, &shape)
}

/// An operand's elements in another order of axes, copied.
pub(super) fn permuted_copy(
    lowering: &mut Lowering<'_, '_>,
    from: &Operand,
    order: &[usize],
) -> Lowered<Operand> {
    let view = permute(lowering, from, order)?;
    lowering.contiguous(&view)
}

/// Windows along an axis: their number takes its place, their elements come last. A view.
pub(super) fn windows(
    lowering: &mut Lowering<'_, '_>,
    from: &Operand,
    axis: usize,
    window: Window,
) -> Lowered<Operand> {
    let Window { taps, distance, step } = window;
    let field = (taps - 1) * distance + 1;
    let count = (from.dims()[axis] - field) / step + 1;
    let (mut shape, mut strides) = (from.dims().to_vec(), from.layout.stride().to_vec());
    shape.push(taps);
    strides.push(strides[axis] * distance);
    (shape[axis], strides[axis]) = (count, strides[axis] * step);
    let lies = layout(shape, strides, from.layout.start_offset());
    let kernel: Kernel = Box::new(move |x| {
        let fields = x.get(0)?.unfold(axis, field, step)?;
        if distance == 1 { Ok(fields) } else { strided(&fields, fields.rank() - 1, distance) }
    });
    lowering.step(("windows", Movement::View), &[from], (lies, from.kind), kernel)
}

/// What moves along an axis.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) taps: usize,
    pub(super) distance: usize,
    pub(super) step: usize,
}
