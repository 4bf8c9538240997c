//! Makes every graph take the same pictures: planes of red, green and blue as float32. What a file takes
//! instead (channels last, one grey plane, bytes, inputs besides the picture) is computed in the graph.

use detections_types::{
    ElementType, FixedInput, PictureAxes, PictureLayout, Signature, TensorInfo,
};
use tract_onnx::{
    prelude::{
        DatumExt, DatumType, InferenceFact, InferenceModel, IntoArcTensor, Tensor, TractResult,
        TypedFact, TypedModel, tvec,
    },
    tract_core::ops::{
        cast::cast,
        change_axes::AxisOp,
        konst::Const,
        math::{mul, round_half_to_even},
        nn::{Reduce, Reducer},
    },
    tract_hir::internal::{InletId, OutletId, SpecialOps, bail},
};

use crate::GraphInput;

/// The weights of red, green and blue in grey: ITU-R BT.601, as OpenCV and Pillow have them.
const GREY: [f32; 3] = [0.299, 0.587, 0.114];

/// What a graph's inputs are to be.
pub(crate) struct Source<'a> {
    pub(crate) picture: &'a TensorInfo,
    pub(crate) layout: &'a PictureLayout,
    pub(crate) input: GraphInput,
    pub(crate) fixed: &'a [FixedInput],
}

/// Settles the picture's shape as the file has it and makes constants of the other inputs.
pub(crate) fn settle_inputs(
    model: &mut InferenceModel,
    signature: &Signature,
    source: &Source<'_>,
) -> TractResult<()> {
    let inputs = model.inputs.clone();
    let mut pictures = Vec::new();
    for outlet in inputs {
        let name = model.node(outlet.node).name.clone();
        let Some(fixed) = source.fixed.iter().find(|fixed| fixed.name == name) else {
            pictures.push(outlet);
            continue;
        };
        let info = signature.inputs.iter().find(|input| input.name == name);
        let value = constant(info, fixed, source.input.batch)?;
        let value = value.into_arc_tensor();
        model.set_outlet_fact(outlet, InferenceFact::try_from(&value)?)?;
        model.node_mut(outlet.node).op = Box::new(Const::new(value)?);
    }
    model.set_input_outlets(&pictures)?;
    let GraphInput { batch, height, width } = source.input;
    let channels = source.layout.channels;
    let shape = match source.layout.axes {
        PictureAxes::ChannelsFirst => [batch, channels, height, width],
        PictureAxes::ChannelsLast => [batch, height, width, channels],
    };
    model.set_input_fact(0, TypedFact::dt_shape(element(source.picture), shape).into())
}

/// Halves were lifted before, so only bytes are left besides singles.
fn element(picture: &TensorInfo) -> DatumType {
    if picture.element == ElementType::U8 { DatumType::U8 } else { DatumType::F32 }
}

fn constant(info: Option<&TensorInfo>, fixed: &FixedInput, batch: usize) -> TractResult<Tensor> {
    let Some(info) = info else {
        bail!("the graph has an input `{}` that the file does not list", fixed.name);
    };
    let shape = match info.shape.len() {
        0 => vec![],
        1 => vec![fixed.row.len()],
        _ => vec![batch, fixed.row.len()],
    };
    let numbers = shape.iter().product();
    let numbers: Vec<f32> = fixed.row.iter().copied().cycle().take(numbers).collect();
    let singles = Tensor::from_shape(&shape, &numbers)?;
    let known = [
        (ElementType::I64, DatumType::I64),
        (ElementType::I32, DatumType::I32),
        (ElementType::F32, DatumType::F32),
        (ElementType::F16, DatumType::F32),
    ];
    let Some((_, element)) = known.into_iter().find(|(element, _)| *element == info.element) else {
        bail!("the input `{}` is of a type that no number can be given for", fixed.name);
    };
    Ok(singles.cast_to_dt(element)?.into_owned())
}

/// Puts in front of the graph's own input one of planes of red, green and blue in float32.
pub(crate) fn take_planes(
    model: &mut TypedModel,
    picture: &TensorInfo,
    layout: &PictureLayout,
    input: GraphInput,
) -> TractResult<()> {
    let bytes = element(picture) == DatumType::U8;
    let plain = layout.axes == PictureAxes::ChannelsFirst && layout.channels == GREY.len();
    if plain && !bytes {
        return Ok(());
    }
    let own = model.input_outlets()?[0];
    let GraphInput { batch, height, width } = input;
    let planes = f32::fact([batch, GREY.len(), height, width]);
    let mut outlet = model.add_source("planes", planes)?;
    let taken = outlet;
    if layout.channels == 1 {
        outlet = grey(model, outlet)?;
    }
    if bytes {
        outlet = model.wire_node("planes.rounded", round_half_to_even(), &[outlet])?[0];
    }
    if layout.axes == PictureAxes::ChannelsLast {
        outlet = model.wire_node("planes.last", AxisOp::Move(1, 3), &[outlet])?[0];
    }
    // The graph's own source becomes the last step of the adaption, so that all that read it still do.
    model.node_mut(own.node).op = Box::new(cast(element(picture)));
    model.add_edge(outlet, InletId::new(own.node, 0))?;
    model.set_input_outlets(&[taken])
}

fn grey(model: &mut TypedModel, planes: OutletId) -> TractResult<OutletId> {
    let weights = Tensor::from_shape(&[1, GREY.len(), 1, 1], &GREY)?;
    let weights = model.add_const("planes.weights", weights)?;
    let weighted = model.wire_node("planes.weighted", mul(), &[planes, weights])?[0];
    let sum = Reduce { axes: tvec![1], reducer: Reducer::Sum };
    Ok(model.wire_node("planes.grey", sum, &[weighted])?[0])
}
