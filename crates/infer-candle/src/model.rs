//! A loaded model (to come).

use detections_infer::{InferError, InputShape, Model, Session};
use detections_onnx::OnnxFile;
use detections_types::{FixedInput, ModelDescription};

use crate::{CandleDevice, InferCandleError};

/// A model on a device of candle's.
#[derive(Debug)]
pub struct CandleModel {
    description: ModelDescription,
    input: InputShape,
}

impl CandleModel {
    /// Lowers a file's graph.
    ///
    /// # Errors
    /// Always, so far.
    pub fn load(
        file: &OnnxFile,
        input: InputShape,
        device: &CandleDevice,
    ) -> Result<Self, InferCandleError> {
        Self::load_with(file, input, &[], device)
    }

    /// The same with fixed inputs.
    ///
    /// # Errors
    /// Always, so far.
    pub fn load_with(
        file: &OnnxFile,
        input: InputShape,
        _fixed: &[FixedInput],
        device: &CandleDevice,
    ) -> Result<Self, InferCandleError> {
        let _tensors = device.inner();
        drop(Self { description: file.description().clone(), input });
        Err(InferCandleError::Unfinished)
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
        Err(InferCandleError::Unfinished.into())
    }
}
