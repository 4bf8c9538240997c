//! Operators on single elements and on pairs of them, comparisons, choices and casts.

use candle_core::{DType, Tensor};
use detections_onnx::{Arithmetic, Comparison, Element, Unary};

use super::{Lowered, Lowering, Operand, kind};

type Result = candle_core::Result<Tensor>;

pub(super) fn unary(
    lowering: &mut Lowering<'_, '_>,
    op: Unary,
    from: &Operand,
) -> Lowered<Operand> {
    let shape = from.dims().to_vec();
    let to = (shape.as_slice(), from.kind);
    if from.kind == DType::F32 {
        return lowering.compute("map", &[from], to, move |x| of_single(op, x.get(0)?));
    }
    let zero = Tensor::zeros(vec![1; shape.len()], from.kind, lowering.device())?;
    let zero = lowering.constant(zero);
    lowering.compute("map", &[from, &zero], to, move |x| of_whole(op, x.get(0)?, x.get(1)?))
}

fn of_single(op: Unary, x: &Tensor) -> Result {
    match op {
        Unary::Abs => x.abs(),
        Unary::Ceil => x.ceil(),
        Unary::Cos => x.cos(),
        Unary::Erf => x.erf(),
        Unary::Exp => x.exp(),
        Unary::Floor => x.floor(),
        Unary::Gelu => x.gelu_erf(),
        Unary::GeluTanh => x.gelu(),
        Unary::HardSwish => hard_swish(x),
        Unary::LeakyRelu(slope) => leaky_relu(x, slope),
        Unary::Log => x.log(),
        Unary::Negate => x.neg(),
        Unary::Not => x.affine(-1.0, 1.0),
        Unary::Power(exponent) => x.powf(exponent.into()),
        Unary::Reciprocal => x.recip(),
        Unary::Round => x.round(),
        Unary::RoundEven => round_even(x),
        Unary::Rsqrt => x.sqrt()?.recip(),
        Unary::Sigmoid => candle_nn::ops::sigmoid(x),
        Unary::Sign => x.sign(),
        Unary::Silu => x.silu(),
        Unary::Sin => x.sin(),
        Unary::Sqrt => x.sqrt(),
        Unary::Square => x.sqr(),
        Unary::Tanh => x.tanh(),
    }
}

/// Of whole numbers and truths, by what candle can do with those; `zero` is one of them.
fn of_whole(op: Unary, x: &Tensor, zero: &Tensor) -> Result {
    match op {
        Unary::Abs => x.maximum(&zero.broadcast_sub(x)?),
        Unary::Negate => zero.broadcast_sub(x),
        Unary::Not => x.broadcast_eq(zero),
        Unary::Sign => {
            let above = x.broadcast_gt(zero)?.to_dtype(x.dtype())?;
            above.sub(&x.broadcast_lt(zero)?.to_dtype(x.dtype())?)
        }
        _ => candle_core::bail!("{} of {:?}", op.name(), x.dtype()),
    }
}

/// `x · (relu(y) - relu(y - 1))` for `y = x / 6 + 1/2`.
fn hard_swish(x: &Tensor) -> Result {
    let y = x.affine(1.0 / 6.0, 0.5)?;
    let share = (y.relu()? - y.affine(1.0, -1.0)?.relu()?)?;
    x * share
}

fn leaky_relu(x: &Tensor, slope: f32) -> Result {
    let above = x.relu()?;
    let below = (x - &above)?.affine(slope.into(), 0.0)?;
    above + below
}

/// Halves were rounded away from 0; those that became odd go one back.
pub(super) fn round_even(x: &Tensor) -> Result {
    let away = x.round()?;
    let half = (&away - x)?.abs()?.eq(&x.affine(0.0, 0.5)?)?;
    let halved = away.affine(0.5, 0.0)?;
    let odd = halved.ne(&halved.floor()?)?;
    let back = (half * odd)?.to_dtype(x.dtype())?;
    away - (back * x.sign()?)?
}

pub(super) fn arithmetic(
    lowering: &mut Lowering<'_, '_>,
    op: Arithmetic,
    from: &[&Operand],
    shape: &[usize],
) -> Lowered<Operand> {
    if let Some(result) = with_number(lowering, op, from, shape)? {
        return Ok(result);
    }
    let to = (shape, from[0].kind);
    lowering.compute("pairs", from, to, move |x| of_pair(op, x.get(0)?, x.get(1)?))
}

fn of_pair(op: Arithmetic, a: &Tensor, b: &Tensor) -> Result {
    match op {
        Arithmetic::Add => a.broadcast_add(b),
        Arithmetic::Sub => a.broadcast_sub(b),
        Arithmetic::Mul | Arithmetic::And => a.broadcast_mul(b),
        Arithmetic::Div => a.broadcast_div(b),
        Arithmetic::Remainder => remainder(a, b),
        Arithmetic::Min => a.broadcast_minimum(b),
        Arithmetic::Max | Arithmetic::Or => a.broadcast_maximum(b),
        Arithmetic::Xor => a.broadcast_ne(b),
    }
}

/// `a - trunc(a / b) · b`; a division of whole numbers cuts off already.
fn remainder(a: &Tensor, b: &Tensor) -> Result {
    let quotient = a.broadcast_div(b)?;
    let whole = if a.dtype() == DType::F32 {
        let down = quotient.abs()?.floor()?;
        down * quotient.sign()?
    } else {
        Ok(quotient)
    };
    a.broadcast_sub(&whole?.broadcast_mul(b)?)
}

/// Sums and products with one number need no tensor of it.
fn with_number(
    lowering: &mut Lowering<'_, '_>,
    op: Arithmetic,
    from: &[&Operand],
    shape: &[usize],
) -> Lowered<Option<Operand>> {
    let &[a, b] = from else { return Ok(None) };
    if a.kind != DType::F32 {
        return Ok(None);
    }
    let numbers = [number(lowering, a)?, number(lowering, b)?];
    let (x, factor, summand) = match (op, numbers) {
        (Arithmetic::Add, [None, Some(b)]) => (a, 1.0, b),
        (Arithmetic::Add, [Some(a), None]) => (b, 1.0, a),
        (Arithmetic::Sub, [None, Some(b)]) => (a, 1.0, -b),
        (Arithmetic::Sub, [Some(a), None]) => (b, -1.0, a),
        (Arithmetic::Mul, [None, Some(b)]) => (a, b, 0.0),
        (Arithmetic::Mul, [Some(a), None]) => (b, a, 0.0),
        (Arithmetic::Max, [None, Some(0.0)]) => return relu(lowering, a, shape),
        (Arithmetic::Max, [Some(0.0), None]) => return relu(lowering, b, shape),
        _ => return Ok(None),
    };
    if x.dims() != shape {
        return Ok(None);
    }
    let (factor, summand) = (f64::from(factor), f64::from(summand));
    let to = (shape, x.kind);
    lowering.compute("affine", &[x], to, move |x| x.get(0)?.affine(factor, summand)).map(Some)
}

fn relu(
    lowering: &mut Lowering<'_, '_>,
    from: &Operand,
    shape: &[usize],
) -> Lowered<Option<Operand>> {
    if from.dims() != shape {
        return Ok(None);
    }
    lowering.compute("relu", &[from], (shape, from.kind), |x| x.get(0)?.relu()).map(Some)
}

/// The one number that a constant is.
fn number(lowering: &Lowering<'_, '_>, operand: &Operand) -> Lowered<Option<f32>> {
    let known = lowering.known(operand).filter(|tensor| tensor.elem_count() == 1);
    let Some(tensor) = known else { return Ok(None) };
    Ok(tensor.flatten_all()?.to_vec1::<f32>()?.first().copied())
}

pub(super) fn comparison(
    lowering: &mut Lowering<'_, '_>,
    op: Comparison,
    from: &[&Operand],
    shape: &[usize],
) -> Lowered<Operand> {
    lowering.compute("pairs", from, (shape, DType::U8), move |x| {
        let (a, b) = (x.get(0)?, x.get(1)?);
        match op {
            Comparison::Equal => a.broadcast_eq(b),
            Comparison::NotEqual => a.broadcast_ne(b),
            Comparison::Less => a.broadcast_lt(b),
            Comparison::LessOrEqual => a.broadcast_le(b),
            Comparison::Greater => a.broadcast_gt(b),
            Comparison::GreaterOrEqual => a.broadcast_ge(b),
        }
    })
}

pub(super) fn select(
    lowering: &mut Lowering<'_, '_>,
    from: &[&Operand],
    shape: &[usize],
) -> Lowered<Operand> {
    let (wide, kind) = (shape.to_vec(), from[1].kind);
    lowering.compute("select", from, (shape, kind), move |x| {
        let wide = |index| x.get(index)?.broadcast_as(wide.as_slice());
        wide(0)?.where_cond(&wide(1)?, &wide(2)?)
    })
}

pub(super) fn cast(
    lowering: &mut Lowering<'_, '_>,
    from: &Operand,
    to: Element,
) -> Lowered<Operand> {
    let shape = from.dims().to_vec();
    let wanted = kind(to);
    if to == Element::Bool {
        let zero = Tensor::zeros(vec![1; shape.len()], from.kind, lowering.device())?;
        let zero = lowering.constant(zero);
        let to = (shape.as_slice(), wanted);
        return lowering
            .compute("truth", &[from, &zero], to, |x| x.get(0)?.broadcast_ne(x.get(1)?));
    }
    if from.kind == wanted {
        return Ok(from.clone());
    }
    let to = (shape.as_slice(), wanted);
    lowering.compute("cast", &[from], to, move |x| x.get(0)?.to_dtype(wanted))
}
