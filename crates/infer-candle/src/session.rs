//! One worker's scratch memory: the input of a whole batch, the slots of every plan, the last outputs.

use std::{fmt, sync::Arc};

use candle_core::Tensor;
use detections_infer::{InferError, InputShape, OutputTensor, Outputs, Session};

use crate::{CandleDevice, InferCandleError, plan::Plan};

/// Runs plans on the images of a batch.
pub(crate) struct CandleSession {
    plans: Arc<[Plan]>,
    device: CandleDevice,
    shape: InputShape,
    input: Vec<f32>,
    /// For each plan its slots, empty but for the constants.
    slots: Vec<Vec<Option<Tensor>>>,
    outputs: Vec<Gathered>,
}

/// One output of all images that were run, one behind the other.
#[derive(Default)]
struct Gathered {
    shape: Vec<usize>,
    data: Vec<f32>,
}

impl CandleSession {
    pub(crate) fn new(plans: Arc<[Plan]>, device: CandleDevice, shape: InputShape) -> Self {
        let slots = plans.iter().map(|plan| plan.slots.clone()).collect();
        let input = vec![0.0; shape.batch_len()];
        Self { plans, device, shape, input, slots, outputs: Vec::new() }
    }

    fn run_all(&mut self, images: usize) -> Result<(), InferCandleError> {
        self.outputs.clear();
        let mut first = 0;
        while first < images {
            first += self.run_some(first, images - first)?;
        }
        Ok(())
    }

    /// Runs as many images from `first` on as one plan takes, and tells how many.
    fn run_some(&mut self, first: usize, wanted: usize) -> Result<usize, InferCandleError> {
        let fits = self.plans.iter().position(|plan| plan.batch >= wanted);
        let chosen = fits.unwrap_or(self.plans.len() - 1);
        let batch = self.plans[chosen].batch;
        let outputs = self.run_plan(chosen, first)?;
        self.outputs.resize_with(outputs.len(), Gathered::default);
        for (gathered, output) in self.outputs.iter_mut().zip(outputs) {
            gathered.push(&output)?;
        }
        Ok(batch)
    }

    fn run_plan(&mut self, chosen: usize, first: usize) -> Result<Vec<Tensor>, InferCandleError> {
        let plan = &self.plans[chosen];
        let len = self.shape.image_len();
        let InputShape { height, width, .. } = self.shape;
        let shape = [plan.batch, InputShape::CHANNELS, height, width];
        let pixels = &self.input[first * len..(first + plan.batch) * len];
        let input = Tensor::from_slice(pixels, shape.as_slice(), self.device.inner());
        let input =
            input.map_err(|source| transfer("bringing pictures onto the device", source))?;
        let outputs = plan.run(&mut self.slots[chosen], input);
        if outputs.is_err() {
            // A run that broke off leaves values of its own.
            self.slots[chosen].clone_from(&plan.slots);
        }
        outputs
    }
}

impl Session for CandleSession {
    fn input(&mut self) -> &mut [f32] {
        &mut self.input
    }

    fn run(&mut self, images: usize) -> Result<Outputs<'_>, InferError> {
        self.run_all(images)?;
        Ok(Outputs { tensors: self.outputs.iter().map(Gathered::tensor).collect() })
    }
}

impl fmt::Debug for CandleSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CandleSession").field("shape", &self.shape).finish_non_exhaustive()
    }
}

impl Gathered {
    /// Appends what one run gave, whose first axis counts images, or rows of the one image.
    fn push(&mut self, output: &Tensor) -> Result<(), InferCandleError> {
        let numbers = output.flatten_all().and_then(|flat| flat.to_vec1::<f32>());
        let numbers = numbers.map_err(|source| transfer("bringing the outputs back", source))?;
        if self.shape.is_empty() {
            (self.shape, self.data) = (output.dims().to_vec(), numbers);
            return Ok(());
        }
        self.shape[0] += output.dims()[0];
        self.data.extend_from_slice(&numbers);
        Ok(())
    }

    fn tensor(&self) -> OutputTensor<'_> {
        OutputTensor { shape: &self.shape, data: &self.data }
    }
}

fn transfer(stage: &'static str, source: candle_core::Error) -> InferCandleError {
    InferCandleError::Transfer { stage, source: source.into() }
}
