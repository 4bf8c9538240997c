//! From the file's message to a typed graph with all shapes settled.

use std::fmt;

use detections_types::{Dim, ElementType, Signature, TensorInfo};
use tract_onnx::{
    pb::ModelProto,
    prelude::{DatumExt, Framework, InferenceModel, InferenceModelExt, TractResult, TypedModel},
};

use crate::{OnnxError, guard::guarded};

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
    /// Elements of an input tensor at most: 1 GiB of them, far above what a detector takes.
    const MAX_ELEMENTS: usize = 1 << 28;

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

impl AsRef<TypedModel> for TypedGraph {
    fn as_ref(&self) -> &TypedModel {
        &self.0
    }
}

/// Translates the graph of a lifted model for one input shape.
pub(crate) fn import(
    proto: &ModelProto,
    signature: &Signature,
    input: GraphInput,
) -> Result<TypedGraph, OnnxError> {
    check_input(signature, input)?;
    let model = guarded("translating its nodes", || translate(proto, input))?;
    let model = guarded("inferring shapes", || model.into_typed())?;
    guarded("folding constants", || model.into_decluttered()).map(TypedGraph)
}

fn check_input(signature: &Signature, wanted: GraphInput) -> Result<(), OnnxError> {
    let [input] = signature.inputs.as_slice() else {
        return Err(OnnxError::InputCount { inputs: signature.inputs.clone() });
    };
    if !wanted.is_sensible() || !takes(input, wanted) {
        return Err(OnnxError::InputMismatch { input: input.clone(), wanted });
    }
    Ok(())
}

fn takes(input: &TensorInfo, wanted: GraphInput) -> bool {
    let fits = |(dim, length): (&Dim, usize)| dim.fixed().is_none_or(|fixed| fixed == length);
    matches!(input.element, ElementType::F32 | ElementType::F16)
        && input.shape.len() == 4
        && input.shape.iter().zip(wanted.shape()).all(fits)
}

/// Shapes that the file notes of inner values are left aside: they may name dimensions that `input`
/// has just settled, and are inferred anyway.
fn translate(proto: &ModelProto, input: GraphInput) -> TractResult<InferenceModel> {
    let importer = tract_onnx::onnx().with_ignore_value_info(true);
    let model = importer.model_for_proto_model(proto)?;
    model.with_input_fact(0, f32::fact(input.shape()).into())
}
