//! From the file's message to a typed graph with all shapes settled.

use std::fmt;

use detections_types::{Dim, ElementType, FixedInput, PictureLayout, Signature, TensorInfo};
use tract_onnx::{
    pb::ModelProto,
    prelude::{Framework, InferenceModel, InferenceModelExt, TractResult, TypedModel},
    tract_core::optim::Optimizer,
    tract_hir::internal::bail,
};

use crate::{OnnxError, Program, adapt, decoding::Decoding, guard::guarded, program};

/// The first passes of the importer's: constants, values that depend on places only, single operators.
const SIMPLE_PASSES: usize = 5;

/// The shape in which a graph is wanted to take its pictures: `[batch, 3, height, width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GraphInput {
    /// Pictures of one run.
    pub batch: usize,
    /// Rows of a picture.
    pub height: usize,
    /// Columns of a picture.
    pub width: usize,
}

impl GraphInput {
    /// Elements of a tensor at most, be it the input or an inner one: 1 GiB of them, far above what a detector takes.
    pub(crate) const MAX_ELEMENTS: usize = 1 << 28;

    const fn shape(self) -> [usize; 4] {
        [self.batch, 3, self.height, self.width]
    }

    fn is_sensible(self) -> bool {
        let elements = self.shape().into_iter().try_fold(1, usize::checked_mul);
        elements.is_some_and(|elements| (1..=Self::MAX_ELEMENTS).contains(&elements))
    }
}

impl fmt::Display for GraphInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pictures of shape {:?}", self.shape())
    }
}

/// A graph whose every tensor has a known type and shape: f32 in, constants folded.
///
/// Only backends look inside.
#[derive(Debug)]
pub struct TypedGraph(TypedModel);

impl TypedGraph {
    /// The graph in the importer's own form, for a backend to compile.
    #[must_use]
    pub fn into_inner(self) -> TypedModel {
        self.0
    }
}

impl TypedGraph {
    /// The settled shapes of its outputs, if they are as many.
    pub(crate) fn output_shapes<const N: usize>(&self) -> Option<[Vec<usize>; N]> {
        let facts = (0..self.0.outputs.len()).map(|index| self.0.output_fact(index).ok());
        let shapes = facts.map(|fact| Some(fact?.shape.as_concrete()?.to_vec()));
        shapes.collect::<Option<Vec<_>>>()?.try_into().ok()
    }
}

impl AsRef<TypedModel> for TypedGraph {
    fn as_ref(&self) -> &TypedModel {
        &self.0
    }
}

/// Where a graph ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End<'a> {
    /// In the file's outputs.
    File,
    /// In front of the decoding of its boxes.
    Undecoded(&'a Decoding),
}

/// Translates the graph of a lifted model for one input shape; `fixed` says what its other inputs get.
pub(crate) fn import(
    proto: &ModelProto,
    signature: &Signature,
    input: GraphInput,
    fixed: &[FixedInput],
    end: End<'_>,
) -> Result<TypedGraph, OnnxError> {
    let model = typed(proto, signature, input, fixed, end)?;
    guarded("folding constants", || model.into_decluttered()).map(TypedGraph)
}

/// Translates it into plain operators.
///
/// Of the importer's simplifications only those of single operators are asked for: the others split
/// operators or turn their axes, which its own kernels like better, and others' do not.
pub(crate) fn list(
    proto: &ModelProto,
    signature: &Signature,
    input: GraphInput,
    fixed: &[FixedInput],
) -> Result<Program, OnnxError> {
    let mut model = typed(proto, signature, input, fixed, End::File)?;
    guarded("folding constants", || {
        let mut simple = Optimizer::declutter();
        simple.passes.truncate(SIMPLE_PASSES);
        simple.optimize(&mut model)
    })?;
    guarded("listing its operators", || Ok(program::translate(&model)))?
}

fn typed(
    proto: &ModelProto,
    signature: &Signature,
    input: GraphInput,
    fixed: &[FixedInput],
    end: End<'_>,
) -> Result<TypedModel, OnnxError> {
    let (picture, layout) = picture(signature, input, fixed)?;
    let model = guarded("translating its nodes", || {
        let source = adapt::Source { picture, layout: &layout, input, fixed };
        translate(proto, signature, &source, end)
    })?;
    let mut model = guarded("inferring shapes", || model.into_typed())?;
    check_sizes(&model)?;
    if matches!(end, End::File) {
        check_outputs(&model, signature)?;
    }
    guarded("adapting its input", || adapt::take_planes(&mut model, picture, &layout, input))?;
    Ok(model)
}

/// No tensor on the way may be larger than an input may be.
fn check_sizes(model: &TypedModel) -> Result<(), OnnxError> {
    let limit = GraphInput::MAX_ELEMENTS;
    for node in model.nodes() {
        for dims in node.outputs.iter().filter_map(|output| output.fact.shape.as_concrete()) {
            let elements = dims.iter().fold(1_usize, |all, dim| all.saturating_mul(*dim));
            if elements > limit && !dims.contains(&0) {
                return Err(OnnxError::TensorTooLarge { node: node.name.clone(), elements, limit });
            }
        }
    }
    Ok(())
}

/// From what the file says of its outputs it was told how they are read, so it has to be true.
fn check_outputs(model: &TypedModel, signature: &Signature) -> Result<(), OnnxError> {
    for (outlet, output) in model.outputs.iter().zip(&signature.outputs) {
        let fact = guarded("looking at its outputs", || model.outlet_fact(*outlet))?;
        let Some(dims) = fact.shape.as_concrete() else { continue };
        let fits = |(said, dim): (&Dim, &usize)| said.fixed().is_none_or(|said| said == *dim);
        if dims.len() != output.shape.len() || !output.shape.iter().zip(dims).all(fits) {
            let dims: Vec<String> = dims.iter().map(ToString::to_string).collect();
            let (output, shape) = (output.clone(), dims.join(", "));
            return Err(OnnxError::OutputMismatch { output, shape });
        }
    }
    Ok(())
}

/// The one input that is not fixed, and how it holds pictures of the wanted size.
fn picture<'a>(
    signature: &'a Signature,
    wanted: GraphInput,
    fixed: &[FixedInput],
) -> Result<(&'a TensorInfo, PictureLayout), OnnxError> {
    let open = |input: &&TensorInfo| fixed.iter().all(|fixed| fixed.name != input.name);
    let mut inputs = signature.inputs.iter().filter(open);
    let (Some(input), None) = (inputs.next(), inputs.next()) else {
        return Err(OnnxError::InputCount { inputs: signature.inputs.clone() });
    };
    let layout =
        input.picture().filter(|layout| wanted.is_sensible() && takes(input, layout, wanted));
    let mismatch = || OnnxError::InputMismatch { input: input.clone(), wanted };
    layout.map(|layout| (input, layout)).ok_or_else(mismatch)
}

fn takes(input: &TensorInfo, layout: &PictureLayout, wanted: GraphInput) -> bool {
    let fits = |dim: &Dim, length: usize| dim.fixed().is_none_or(|fixed| fixed == length);
    matches!(input.element, ElementType::F32 | ElementType::F16 | ElementType::U8)
        && fits(&layout.batch, wanted.batch)
        && fits(&layout.height, wanted.height)
        && fits(&layout.width, wanted.width)
}

/// Shapes that the file notes of inner values are left aside: they may name dimensions that `source`
/// has just settled, and are inferred anyway.
fn translate(
    proto: &ModelProto,
    signature: &Signature,
    source: &adapt::Source<'_>,
    end: End<'_>,
) -> TractResult<InferenceModel> {
    let importer = tract_onnx::onnx().with_ignore_value_info(true);
    let mut model = importer.model_for_proto_model(proto)?;
    if let End::Undecoded(Decoding { boxes, scores, .. }) = end {
        let outlets = (model.find_outlet_label(boxes), model.find_outlet_label(scores));
        let (Some(boxes), Some(scores)) = outlets else { bail!("no such tensors") };
        model.select_output_outlets(&[boxes, scores])?;
    }
    adapt::settle_inputs(&mut model, signature, source)?;
    Ok(model)
}
