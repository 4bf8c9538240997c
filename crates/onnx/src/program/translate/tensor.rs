//! Elements, shapes and constants of the importer's in a program's words.

use tract_onnx::{
    prelude::{DatumType, Tensor, TypedFact},
    tract_hir::internal::TDim,
};

use super::{Refusal, Translated};
use crate::program::{Element, Numbers, ValueId, builder::Builder};

/// The shape of a value, all of which must be known.
pub(super) fn settled(fact: &TypedFact) -> Translated<Vec<usize>> {
    let shape = fact.shape.as_concrete().map(<[usize]>::to_vec);
    shape.ok_or_else(|| {
        let shape: Vec<String> = fact.shape.iter().map(ToString::to_string).collect();
        Refusal::Unsupported(format!(
            "a shape that depends on the picture ([{}])",
            shape.join(", ")
        ))
    })
}

/// A length or a place that must be known.
pub(super) fn length(dim: &TDim) -> Translated<usize> {
    dim.as_i64().and_then(|length| usize::try_from(length).ok()).ok_or_else(|| {
        Refusal::Unsupported(format!("a length that depends on the picture ({dim})"))
    })
}

/// What a program calls these elements.
pub(super) fn element_of(kind: DatumType) -> Translated<Element> {
    const KNOWN: [(DatumType, Element); 8] = [
        (DatumType::F32, Element::F32),
        (DatumType::I64, Element::I64),
        (DatumType::I32, Element::I64),
        (DatumType::U32, Element::I64),
        (DatumType::U64, Element::I64),
        (DatumType::TDim, Element::I64),
        (DatumType::U8, Element::U8),
        (DatumType::Bool, Element::Bool),
    ];
    let known = KNOWN.iter().find(|(known, _)| *known == kind);
    known
        .map(|(_, element)| *element)
        .ok_or_else(|| Refusal::Unsupported(format!("elements of type {kind:?}")))
}

/// Takes a constant tensor in.
pub(super) fn constant(builder: &mut Builder, tensor: &Tensor) -> Translated<ValueId> {
    let element = element_of(tensor.datum_type())?;
    let numbers = match element {
        Element::F32 => Numbers::F32(singles(tensor)?.into()),
        Element::I64 => Numbers::I64(integers(tensor)?.into()),
        Element::U8 | Element::Bool => Numbers::U8(bytes(tensor)?.into()),
    };
    Ok(builder.constant(element, tensor.shape().to_vec(), numbers))
}

/// The elements of a tensor as float32.
pub(super) fn singles(tensor: &Tensor) -> Translated<Vec<f32>> {
    Ok(tensor.cast_to::<f32>()?.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
}

/// The elements of a tensor as whole numbers.
pub(super) fn integers(tensor: &Tensor) -> Translated<Vec<i64>> {
    Ok(tensor.cast_to::<i64>()?.try_as_plain_ram()?.as_slice::<i64>()?.to_vec())
}

fn bytes(tensor: &Tensor) -> Translated<Vec<u8>> {
    Ok(tensor.cast_to::<u8>()?.try_as_plain_ram()?.as_slice::<u8>()?.to_vec())
}
