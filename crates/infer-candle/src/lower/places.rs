//! Operators that read and write at places which are themselves elements.

use candle_core::{DType, Tensor};
use detections_onnx::Scatter;

use super::{Lowered, Lowering, Operand, movement, with_length};

/// Elements that are sorted at once on a card: its threads share memory for no more.
const SORTED_AT_ONCE: usize = 2048;

pub(super) fn gather(
    lowering: &mut Lowering<'_, '_>,
    from: &[&Operand],
    axis: usize,
    shape: &[usize],
) -> Lowered<Operand> {
    let (value, places) = (lowering.contiguous(from[0])?, lowering.contiguous(from[1])?);
    let to = (shape, value.kind);
    lowering
        .compute("gather", &[&value, &places], to, move |x| x.get(0)?.index_select(x.get(1)?, axis))
}

pub(super) fn gather_elements(
    lowering: &mut Lowering<'_, '_>,
    from: &[&Operand],
    axis: usize,
    shape: &[usize],
) -> Lowered<Operand> {
    let (value, places) = (lowering.contiguous(from[0])?, lowering.contiguous(from[1])?);
    let to = (shape, value.kind);
    lowering.compute("gather", &[&value, &places], to, move |x| x.get(0)?.gather(x.get(1)?, axis))
}

pub(super) fn scatter_elements(
    lowering: &mut Lowering<'_, '_>,
    op: Scatter,
    from: &[&Operand],
    axis: usize,
) -> Lowered<Operand> {
    let value = lowering.contiguous(from[0])?;
    let (places, updates) = (lowering.contiguous(from[1])?, lowering.contiguous(from[2])?);
    let shape = value.dims().to_vec();
    let to = (shape.as_slice(), value.kind);
    lowering.compute("scatter", &[&value, &places, &updates], to, move |x| {
        let (value, places, updates) = (x.get(0)?, x.get(1)?, x.get(2)?);
        match op {
            Scatter::Replace => value.scatter(places, updates, axis),
            Scatter::Add => value.scatter_add(places, updates, axis),
        }
    })
}

/// What is wanted of an axis.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) axis: usize,
    pub(super) count: usize,
    pub(super) largest: bool,
}

pub(super) fn top(
    lowering: &mut Lowering<'_, '_>,
    from: &Operand,
    wanted: Wanted,
) -> Lowered<Operand> {
    let rank = from.dims().len();
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(wanted.axis, rank - 1);
    let turned = movement::permute(lowering, from, &order)?;
    let turned = lowering.contiguous(&turned)?;
    let shape = with_length(turned.dims(), rank - 1, wanted.count);
    let at_once = if lowering.device().is_cpu() { usize::MAX } else { SORTED_AT_ONCE };
    let places = lowering.compute("sort", &[&turned], (&shape, DType::I64), move |x| {
        best(x.get(0)?, wanted, at_once)
    })?;
    movement::permute(lowering, &places, &order)
}

/// The places of the best along the innermost axis. What is too long to be sorted at once is sorted in parts,
/// of which only the best go on.
fn best(x: &Tensor, wanted: Wanted, at_once: usize) -> candle_core::Result<Tensor> {
    let axis = x.rank() - 1;
    let mut places: Option<Tensor> = None;
    let mut left = x.clone();
    while left.dim(axis)? > at_once {
        let (parts, count) = (left.dim(axis)?.div_ceil(at_once), wanted.count.min(at_once));
        if parts * count >= left.dim(axis)? {
            break;
        }
        let found = best_of_parts(&left, (parts, at_once, count), wanted.largest)?;
        left = left.gather(&found, axis)?;
        places = Some(match places {
            Some(places) => places.gather(&found, axis)?,
            None => found,
        });
    }
    let sorted = left.arg_sort_last_dim(!wanted.largest)?.narrow(axis, 0, wanted.count)?;
    let sorted = sorted.to_dtype(DType::I64)?.contiguous()?;
    match places {
        Some(places) => places.gather(&sorted, axis),
        None => Ok(sorted),
    }
}

/// The places of the best `count` of each part. The last part is filled up with what is never better.
fn best_of_parts(
    x: &Tensor,
    (parts, at_once, count): (usize, usize, usize),
    largest: bool,
) -> candle_core::Result<Tensor> {
    let axis = x.rank() - 1;
    let length = x.dim(axis)?;
    let missing = parts * at_once - length;
    let filled = if missing > 0 {
        let worst = if largest { f64::NEG_INFINITY } else { f64::INFINITY };
        let filling = Tensor::full(worst, with_length(x.dims(), axis, missing), x.device())?;
        Tensor::cat(&[x, &filling.to_dtype(x.dtype())?], axis)?
    } else {
        x.clone()
    };
    let split = [&x.dims()[..axis], &[parts, at_once]].concat();
    let sorted = filled.reshape(split)?.arg_sort_last_dim(!largest)?.narrow(axis + 1, 0, count)?;
    let starts: Vec<i64> = (0_i64..).step_by(at_once).take(parts).collect();
    let starts = Tensor::new(starts, x.device())?.unsqueeze(1)?;
    let places = sorted.to_dtype(DType::I64)?.broadcast_add(&starts)?;
    let places = places.reshape(with_length(x.dims(), axis, parts * count))?;
    // What fills up may be as bad as what is there, but is no place.
    let last = i64::try_from(length).unwrap_or(i64::MAX) - 1;
    places.broadcast_minimum(&Tensor::new(last, x.device())?)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::{Wanted, best};

    #[test]
    fn sorting_in_parts_finds_what_sorting_at_once_finds() {
        let numbers: Vec<f32> = (0..2 * 37_u16).map(|at| f32::from(at * 7919 % 101)).collect();
        let x = Tensor::from_vec(numbers, (2, 37), &Device::Cpu).unwrap();
        for (count, largest) in [(1, true), (3, true), (3, false), (8, true)] {
            let wanted = Wanted { axis: 1, count, largest };
            let [whole, parts] = [usize::MAX, 8].map(|at_once| {
                let places = best(&x, wanted, at_once).unwrap();
                x.gather(&places, 1).unwrap().to_vec2::<f32>().unwrap()
            });
            assert_eq!(whole, parts, "the best {count}");
        }
    }
}
