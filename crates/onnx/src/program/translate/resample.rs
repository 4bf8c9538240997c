//! Enlarging and shrinking: along each axis either whole elements at known places, or a product with a matrix
//! of weights, which the importer computes.

use tract_onnx::tract_core::ops::nn::{Interpolator, Resize};

use super::{Node, Translated, reduction::along, tensor::singles};
use crate::program::{Element, ValueId, builder::Builder};

pub(super) fn translate(
    node: &Node<'_>,
    builder: &mut Builder,
) -> Translated<Option<Vec<ValueId>>> {
    let Some(op) = node.op_as::<Resize>() else { return Ok(None) };
    let from = builder.shape(node.operands[0]).to_vec();
    let scales = scales(op, node, &from)?;
    let mut value = node.operands[0];
    for (axis, &scale) in scales.iter().enumerate() {
        let (length, wanted) = (from[axis], node.shape[axis]);
        if length == wanted && (scale - 1.0).abs() < f32::EPSILON {
            continue;
        }
        value = resampled(op, value, (axis, wanted, scale), builder);
    }
    if builder.element(value) != Element::F32 {
        return node.refusal(&format!("of {}", builder.element(value)));
    }
    Ok(Some(vec![value]))
}

/// The stated scales, or else those that the lengths tell.
fn scales(op: &Resize, node: &Node<'_>, from: &[usize]) -> Translated<Vec<f32>> {
    let stated = op.optional_scales_input.and_then(|input| node.facts.get(input)?.konst.as_ref());
    if let Some(stated) = stated.filter(|scales| scales.len() == from.len()) {
        return singles(stated);
    }
    Ok(node.shape.iter().zip(from).map(|(&to, &from)| ratio(to, from)).collect())
}

#[expect(clippy::cast_precision_loss, reason = "axes of pictures are far shorter")]
fn ratio(to: usize, from: usize) -> f32 {
    to as f32 / from as f32
}

fn resampled(
    op: &Resize,
    value: ValueId,
    (axis, wanted, scale): (usize, usize, f32),
    builder: &mut Builder,
) -> ValueId {
    let length = builder.shape(value)[axis];
    let plan = op.plan_axis(scale, length, wanted);
    let taps = |place: usize| {
        let taps = place * plan.window..(place + 1) * plan.window;
        plan.indices[taps.clone()].iter().zip(&plan.weights[taps])
    };
    if matches!(op.interpolator, Interpolator::Nearest) {
        let heaviest =
            |place| taps(place).max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |tap| *tap.0);
        let places = (0..wanted).map(heaviest);
        let places = places.filter_map(|place| i64::try_from(place).ok()).collect();
        let places = builder.integers(vec![wanted], places);
        return builder.gather(value, places, axis);
    }
    let mut weights = vec![0.0; wanted * length];
    for place in 0..wanted {
        for (index, weight) in taps(place) {
            weights[place * length + index] += weight;
        }
    }
    let matrix = builder.singles(vec![wanted, length], weights);
    along(value, matrix, axis, builder)
}
