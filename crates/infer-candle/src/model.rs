//! A loaded model: its plans, which share one copy of the weights, however many sessions run them.

use std::{fmt, sync::Arc};

use candle_core::{DType, Tensor};
use detections_infer::{InferError, InputShape, Model, Session};
use detections_onnx::{GraphInput, OnnxFile, Program};
use detections_types::{Dim, FixedInput, ModelDescription, TensorInfo};

use crate::{
    CandleDevice, InferCandleError, StepDescription, guard::guarded, lower::lower, plan::Plan,
    session::CandleSession, weights::Weights,
};

/// The name of this backend.
pub(crate) const BACKEND: &str = "candle";

/// A model on a device of candle's.
///
/// A file with a fixed batch axis has one plan, for that many images, and always runs that many. A file whose
/// batch axis is dynamic has a plan for one image on the processor, where a batch is run image by image. On a
/// card it has one for every power of two up to the largest batch, and a batch is run by the smallest that it
/// fits in.
pub struct CandleModel {
    description: ModelDescription,
    input: InputShape,
    device: CandleDevice,
    /// From the smallest batch to the largest.
    plans: Arc<[Plan]>,
}

impl CandleModel {
    /// Makes a file's plans for one shape of input and runs each once.
    ///
    /// The file is not needed afterwards; drop it to give back its copy of the weights.
    ///
    /// # Errors
    /// [`InferCandleError::Graph`] when the file has no graph for this shape or one with an operator that no
    /// program can express, [`InferCandleError::Output`] when an output does not count images,
    /// [`InferCandleError::Operator`], [`InferCandleError::Refused`] and [`InferCandleError::Panicked`] when
    /// candle cannot do what an operator asks for.
    pub fn load(
        file: &OnnxFile,
        input: InputShape,
        device: &CandleDevice,
    ) -> Result<Self, InferCandleError> {
        Self::load_with(file, input, &[], device)
    }

    /// The same for a model with inputs besides the picture, which always get the numbers of `fixed`.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn load_with(
        file: &OnnxFile,
        input: InputShape,
        fixed: &[FixedInput],
        device: &CandleDevice,
    ) -> Result<Self, InferCandleError> {
        let description = file.description().clone();
        let mut weights = Weights::new(device.inner());
        let mut plans = Vec::new();
        for batch in batches(&description, input, device) {
            let InputShape { height, width, .. } = input;
            let program = file.program(GraphInput { batch, height, width }, fixed)?;
            check_outputs(&description, &program, batch)?;
            plans.push(guarded("lowering its graph", || plan(&program, &mut weights))?);
        }
        device.settle()?;
        Ok(Self { description, input, device: device.clone(), plans: plans.into() })
    }

    /// What a run of the largest plan does, step by step.
    #[must_use]
    pub fn steps(&self) -> Vec<StepDescription> {
        let steps = self.plans.last().map(|plan| plan.steps.iter());
        steps.into_iter().flatten().map(|step| step.about.clone()).collect()
    }
}

impl Model for CandleModel {
    fn description(&self) -> &ModelDescription {
        &self.description
    }

    fn input_shape(&self) -> InputShape {
        self.input
    }

    fn session(&self) -> Result<Box<dyn Session>, InferError> {
        let (plans, device) = (Arc::clone(&self.plans), self.device.clone());
        Ok(Box::new(CandleSession::new(plans, device, self.input)))
    }
}

impl fmt::Debug for CandleModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CandleModel")
            .field("description", &self.description)
            .field("input", &self.input)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

fn plan(program: &Program, weights: &mut Weights<'_>) -> Result<Plan, InferCandleError> {
    let plan = lower(program, weights)?;
    let shape = program.value(program.input()).shape.as_slice();
    let input = Tensor::zeros(shape, DType::F32, weights.device());
    let input = input.map_err(|source| InferCandleError::Transfer {
        stage: "bringing pictures onto the device",
        source: source.into(),
    })?;
    plan.prove(input)?;
    Ok(plan)
}

/// How many images the plans take at once, from the smallest on. A batch of none is left for the graph to
/// refuse.
fn batches(description: &ModelDescription, input: InputShape, device: &CandleDevice) -> Vec<usize> {
    let picture = description.signature.inputs.iter().find_map(TensorInfo::picture);
    match picture.map(|picture| picture.batch) {
        Some(Dim::Dynamic(_)) if device.inner().is_cpu() => vec![input.max_batch.min(1)],
        Some(Dim::Dynamic(_)) => {
            let powers = (0..usize::BITS).map(|power| 1_usize << power);
            powers.take_while(|&power| power < input.max_batch).chain([input.max_batch]).collect()
        }
        Some(Dim::Fixed(_)) | None => vec![input.max_batch],
    }
}

/// A plan for one image may give outputs that do not count images: all of them are that image's.
fn check_outputs(
    description: &ModelDescription,
    program: &Program,
    batch: usize,
) -> Result<(), InferCandleError> {
    let outputs = description.signature.outputs.iter().zip(program.outputs());
    for (output, &id) in outputs {
        let shape = &program.value(id).shape;
        if batch != 1 && shape.first() != Some(&batch) {
            let (output, shape) = (output.name.clone(), shape.clone());
            return Err(InferCandleError::Output { output, shape, batch });
        }
    }
    Ok(())
}
