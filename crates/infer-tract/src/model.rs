//! A loaded model: one optimised plan with one copy of the weights, however many sessions run it.

use std::{fmt, sync::Arc};

use detections_infer::{InferError, InputShape, Manifest, Model, Session};
use detections_onnx::{GraphInput, OnnxFile};
use detections_types::{Dim, FixedInput, ModelDescription, TensorInfo};
use tract_core::prelude::TypedSimplePlan;

use crate::{
    InferTractError, plan,
    session::{ImageByImage, WholeBatch},
};

/// The name of this backend.
pub(crate) const BACKEND: &str = "tract";

/// A model on the CPU.
///
/// There is exactly one plan. A file with a fixed batch axis is planned for that many images and
/// always runs that many. A file whose batch axis is dynamic is planned for one image, and a
/// batch is run image by image: on one thread a larger plan is slower, it would need weights
/// packed a second time, and this way an image's numbers cannot depend on its neighbours.
pub struct TractModel {
    description: ModelDescription,
    input: InputShape,
    planned_batch: usize,
    plan: Arc<TypedSimplePlan>,
}

impl TractModel {
    /// Compiles a file's graph for one shape of input.
    ///
    /// The file is not needed afterwards; drop it to give back its copy of the weights.
    ///
    /// # Errors
    /// [`InferTractError::Graph`] when the file has no graph for this shape (a fixed axis of another
    /// length among the reasons), [`InferTractError::Output`] when an output does not count images,
    /// [`InferTractError::Refused`] and [`InferTractError::Panicked`] when it cannot be compiled.
    pub fn load(file: &OnnxFile, input: InputShape) -> Result<Self, InferTractError> {
        Self::load_with(file, input, &[])
    }

    /// The same for a model with inputs besides the picture, which always get the numbers of `fixed`.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn load_with(
        file: &OnnxFile,
        input: InputShape,
        fixed: &[FixedInput],
    ) -> Result<Self, InferTractError> {
        let description = file.description().clone();
        let planned_batch = planned_batch(&description, input);
        let InputShape { height, width, .. } = input;
        let graph =
            file.typed_graph_with(GraphInput { batch: planned_batch, height, width }, fixed)?;
        let plan = plan::compile(graph, &description.signature, planned_batch)?;
        Ok(Self { description, input, planned_batch, plan })
    }

    /// The same, and without the decoding of boxes that the graph ends in, where the manifest's head can do that
    /// for those that count alone; the manifest that comes back reads what this model gives.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn load_undecoded(
        file: &OnnxFile,
        manifest: Manifest,
    ) -> Result<(Self, Manifest), InferTractError> {
        let (input, mut description) = (manifest.input, file.description().clone());
        let planned_batch = planned_batch(&description, input);
        let InputShape { height, width, .. } = input;
        let wanted = GraphInput { batch: planned_batch, height, width };
        let undecoded = file.undecoded_graph(wanted, &manifest.fixed)?;
        if let Some((graph, undecoded)) = undecoded
            && let Some(manifest) = manifest.undecoded(&undecoded)
        {
            description.signature.outputs = undecoded.outputs;
            let plan = plan::compile(graph, &description.signature, planned_batch)?;
            return Ok((Self { description, input, planned_batch, plan }, manifest));
        }
        let model = Self::load_with(file, input, &manifest.fixed)?;
        Ok((model, manifest))
    }
}

impl Model for TractModel {
    fn description(&self) -> &ModelDescription {
        &self.description
    }

    fn input_shape(&self) -> InputShape {
        self.input
    }

    fn session(&self) -> Result<Box<dyn Session>, InferError> {
        let planned = InputShape { max_batch: self.planned_batch, ..self.input };
        let session = WholeBatch::new(Arc::clone(&self.plan), planned)?;
        if self.planned_batch == self.input.max_batch {
            return Ok(Box::new(session));
        }
        Ok(Box::new(ImageByImage::new(session, self.input)))
    }
}

impl fmt::Debug for TractModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TractModel")
            .field("description", &self.description)
            .field("input", &self.input)
            .field("planned_batch", &self.planned_batch)
            .finish_non_exhaustive()
    }
}

/// How many images the plan takes at once. A batch of none is left for the graph to refuse.
fn planned_batch(description: &ModelDescription, input: InputShape) -> usize {
    let picture = description.signature.inputs.iter().find_map(TensorInfo::picture);
    match picture.map(|picture| picture.batch) {
        Some(Dim::Dynamic(_)) => input.max_batch.min(1),
        Some(Dim::Fixed(_)) | None => input.max_batch,
    }
}
