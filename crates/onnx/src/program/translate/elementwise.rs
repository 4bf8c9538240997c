//! Operators on single elements and on pairs of them, comparisons, choices and casts.

use tract_onnx::tract_core::ops::{
    binary::{BinMiniOp, TypedBinOp},
    cast::Cast,
    element_wise::{ElementWiseMiniOp, ElementWiseOp},
    identity::Identity,
    logic::{
        And, BitAnd, BitNot, BitOr, BitXor, CompEq, CompGT, CompGTE, CompLT, CompLTE, CompNE, Iff,
        Not, Or, Xor,
    },
    math::{self, IsInf, IsNan, PowConst},
    nn::{GeluApproximate, GeluExact, HardSwish, LeakyRelu, Sigmoid, Silu},
};

use super::{Node, Translated, tensor::element_of};
use crate::program::{Arithmetic, Comparison, Element, Unary, ValueId, builder::Builder};

pub(super) fn translate(
    node: &Node<'_>,
    builder: &mut Builder,
) -> Translated<Option<Vec<ValueId>>> {
    let value = if let Some(op) = node.op_as::<ElementWiseOp>() {
        single(op.0.as_ref(), node, builder)?
    } else if let Some(op) = node.op_as::<TypedBinOp>() {
        pair(op.0.as_ref(), node, builder)?
    } else if let Some(op) = node.op_as::<Cast>() {
        let element = element_of(op.to)?;
        builder.cast(node.operands[0], element)
    } else if node.op_as::<Iff>().is_some() {
        builder.select(node.operands[0], node.operands[1], node.operands[2])
    } else if node.op_as::<Identity>().is_some() {
        node.operands[0]
    } else {
        return Ok(None);
    };
    Ok(Some(vec![value]))
}

fn single(
    op: &dyn ElementWiseMiniOp,
    node: &Node<'_>,
    builder: &mut Builder,
) -> Translated<ValueId> {
    let value = node.operands[0];
    let element = builder.element(value);
    if let Some(unary) = unary(op, element) {
        return Ok(builder.unary(unary, value));
    }
    if op.is::<math::Tan>() {
        let (sine, cosine) = (builder.unary(Unary::Sin, value), builder.unary(Unary::Cos, value));
        return Ok(builder.arithmetic(Arithmetic::Div, sine, cosine));
    }
    if op.is::<IsNan>() {
        return Ok(builder.compare(Comparison::NotEqual, value, value));
    }
    if let Some(op) = op.downcast_ref::<IsInf>() {
        return Ok(infinite(op, value, builder));
    }
    let whole = element != Element::F32;
    if whole && (op.is::<math::Ceil>() || op.is::<math::Floor>() || op.is::<math::Round>()) {
        return Ok(value);
    }
    node.refusal(&format!("of {element}"))
}

fn unary(op: &dyn ElementWiseMiniOp, element: Element) -> Option<Unary> {
    match element {
        Element::F32 => of_singles(op),
        Element::I64 => of_integers(op),
        Element::Bool => (op.is::<Not>() || op.is::<BitNot>()).then_some(Unary::Not),
        Element::U8 => None,
    }
}

fn of_integers(op: &dyn ElementWiseMiniOp) -> Option<Unary> {
    let known = [
        (op.is::<math::Abs>(), Unary::Abs),
        (op.is::<math::Neg>(), Unary::Negate),
        (op.is::<math::Sign>(), Unary::Sign),
    ];
    known.into_iter().find_map(|(found, unary)| found.then_some(unary))
}

fn of_singles(op: &dyn ElementWiseMiniOp) -> Option<Unary> {
    if let Some(op) = op.downcast_ref::<PowConst>() {
        return Some(Unary::Power(op.exponent));
    }
    if let Some(op) = op.downcast_ref::<LeakyRelu>() {
        return Some(Unary::LeakyRelu(op.alpha));
    }
    if let Some(op) = op.downcast_ref::<GeluApproximate>() {
        // The fast variant is another function.
        return (!op.fast_impl).then_some(Unary::GeluTanh);
    }
    let known = [
        (op.is::<math::Abs>(), Unary::Abs),
        (op.is::<math::Ceil>(), Unary::Ceil),
        (op.is::<math::Cos>(), Unary::Cos),
        (op.is::<math::Erf>(), Unary::Erf),
        (op.is::<math::Exp>(), Unary::Exp),
        (op.is::<math::Floor>(), Unary::Floor),
        (op.is::<GeluExact>(), Unary::Gelu),
        (op.is::<HardSwish>(), Unary::HardSwish),
        (op.is::<math::Ln>(), Unary::Log),
        (op.is::<math::Neg>(), Unary::Negate),
        (op.is::<math::Recip>(), Unary::Reciprocal),
        (op.is::<math::Round>(), Unary::Round),
        (op.is::<math::RoundHalfToEven>(), Unary::RoundEven),
        (op.is::<math::Rsqrt>(), Unary::Rsqrt),
        (op.is::<Sigmoid>(), Unary::Sigmoid),
        (op.is::<math::Sign>(), Unary::Sign),
        (op.is::<Silu>(), Unary::Silu),
        (op.is::<math::Sin>(), Unary::Sin),
        (op.is::<math::Sqrt>(), Unary::Sqrt),
        (op.is::<math::Square>(), Unary::Square),
        (op.is::<math::Tanh>(), Unary::Tanh),
    ];
    known.into_iter().find_map(|(found, unary)| found.then_some(unary))
}

fn infinite(op: &IsInf, value: ValueId, builder: &mut Builder) -> ValueId {
    let mut equals = |limit: f32| {
        let limit = builder.single_like(value, limit);
        builder.compare(Comparison::Equal, value, limit)
    };
    let above = op.detect_positive.then(|| equals(f32::INFINITY));
    let below = op.detect_negative.then(|| equals(f32::NEG_INFINITY));
    match (above, below) {
        (Some(above), Some(below)) => builder.arithmetic(Arithmetic::Or, above, below),
        (Some(one), None) | (None, Some(one)) => one,
        // Nothing is both less and greater.
        (None, None) => builder.compare(Comparison::Less, value, value),
    }
}

fn pair(op: &dyn BinMiniOp, node: &Node<'_>, builder: &mut Builder) -> Translated<ValueId> {
    let (a, b) = (node.operands[0], node.operands[1]);
    let element = builder.element(a);
    if element != builder.element(b) {
        return node.refusal(&format!("of {element} and {}", builder.element(b)));
    }
    if let Some(comparison) = comparison(op) {
        return Ok(builder.compare(comparison, a, b));
    }
    if op.is::<math::SubF>() {
        return Ok(builder.arithmetic(Arithmetic::Sub, b, a));
    }
    if op.is::<math::ShiftLeft>() && element == Element::I64 {
        return shifted(node, builder);
    }
    match arithmetic(op, element) {
        Some(arithmetic) => Ok(builder.arithmetic(arithmetic, a, b)),
        None => node.refusal(&format!("of {element}")),
    }
}

/// Multiplications by powers of two become shifts on the way; they become multiplications again.
fn shifted(node: &Node<'_>, builder: &mut Builder) -> Translated<ValueId> {
    let by = builder.numbers(node.operands[1]).and_then(|numbers| numbers.uniform_integer());
    let factor = by.and_then(|by| 1_i64.checked_shl(u32::try_from(by).ok()?));
    let Some(factor) = factor.filter(|factor| *factor > 0) else {
        return node.refusal("by other than one known number");
    };
    let shape = builder.shape(node.operands[1]).to_vec();
    let len = shape.iter().product();
    let factor = builder.integers(shape, vec![factor; len]);
    Ok(builder.arithmetic(Arithmetic::Mul, node.operands[0], factor))
}

fn comparison(op: &dyn BinMiniOp) -> Option<Comparison> {
    let known = [
        (op.is::<CompEq>(), Comparison::Equal),
        (op.is::<CompNE>(), Comparison::NotEqual),
        (op.is::<CompLT>(), Comparison::Less),
        (op.is::<CompLTE>(), Comparison::LessOrEqual),
        (op.is::<CompGT>(), Comparison::Greater),
        (op.is::<CompGTE>(), Comparison::GreaterOrEqual),
    ];
    known.into_iter().find_map(|(found, comparison)| found.then_some(comparison))
}

fn arithmetic(op: &dyn BinMiniOp, element: Element) -> Option<Arithmetic> {
    let truths = [
        (op.is::<And>() || op.is::<BitAnd>(), Arithmetic::And),
        (op.is::<Or>() || op.is::<BitOr>(), Arithmetic::Or),
        (op.is::<Xor>() || op.is::<BitXor>(), Arithmetic::Xor),
    ];
    let numbers = [
        (op.is::<math::Add>(), Arithmetic::Add),
        (op.is::<math::Sub>(), Arithmetic::Sub),
        (op.is::<math::Mul>(), Arithmetic::Mul),
        (op.is::<math::Div>(), Arithmetic::Div),
        (op.is::<math::Rem>(), Arithmetic::Remainder),
        (op.is::<math::Min>(), Arithmetic::Min),
        (op.is::<math::Max>(), Arithmetic::Max),
    ];
    let known: &[(bool, Arithmetic)] = match element {
        Element::Bool => &truths,
        Element::F32 | Element::I64 => &numbers,
        // Bytes wrap around; no exporter computes with them.
        Element::U8 => &[],
    };
    known.iter().find_map(|(found, arithmetic)| found.then_some(*arithmetic))
}
