//! Why a model does not run on this backend.

use std::error::Error;

use detections_infer::InferError;
use detections_onnx::OnnxError;
use detections_types::ErrorKind;

use crate::{device, model::BACKEND};

/// What candle says; its types stay in this crate.
type Source = Box<dyn Error + Send + Sync>;

/// Why a device was not opened, a model not loaded, or a run broken off.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferCandleError {
    /// The device cannot be used.
    #[error("the device {name} cannot be used")]
    Device {
        /// Which one.
        name: String,
        /// Why.
        #[source]
        source: Source,
    },
    /// The file does not give a graph of the wanted shape, or one with an operator that no program can express.
    #[error("the model's graph cannot be used")]
    Graph(#[from] OnnxError),
    /// An output's first axis does not count the images.
    #[error("output `{output}` of shape {shape:?} does not begin with an axis of {batch} images")]
    Output {
        /// Which output.
        output: String,
        /// Its shape in the settled graph.
        shape: Vec<usize>,
        /// How many images the graph takes at once.
        batch: usize,
    },
    /// There is no way to do this on candle.
    #[error("the operator {operator} of node `{node}` is not supported: {what}")]
    Operator {
        /// The node of the file's graph.
        node: String,
        /// The plain operator.
        operator: String,
        /// What of it.
        what: String,
    },
    /// candle refuses a step, on this device perhaps.
    #[error("the operator {operator} of node `{node}` was refused")]
    Refused {
        /// The node of the file's graph.
        node: String,
        /// The plain operator.
        operator: String,
        /// What candle said.
        #[source]
        source: Source,
    },
    /// candle panicked over the graph.
    #[error("the runtime panicked while {stage}: {message}")]
    Panicked {
        /// What was being done.
        stage: &'static str,
        /// The panic's message.
        message: String,
    },
    /// A run failed.
    #[error("the run failed at the operator {operator} of node `{node}`")]
    Run {
        /// The node of the file's graph.
        node: String,
        /// The plain operator.
        operator: String,
        /// What candle said.
        #[source]
        source: Source,
    },
    /// The pictures could not be brought onto the device, or the outputs from it.
    #[error("the run failed while {stage}")]
    Transfer {
        /// What was being done.
        stage: &'static str,
        /// What candle said.
        #[source]
        source: Source,
    },
}

impl InferCandleError {
    /// Whether the device, rather than the model, is at fault: it is not there, or its driver refused what was to be
    /// done.
    #[must_use]
    pub fn is_of_device(&self) -> bool {
        match self {
            Self::Device { .. } => true,
            Self::Refused { source, .. }
            | Self::Run { source, .. }
            | Self::Transfer { source, .. } => {
                source.downcast_ref::<candle_core::Error>().is_some_and(device::is_of_device)
            }
            Self::Graph(_)
            | Self::Output { .. }
            | Self::Operator { .. }
            | Self::Panicked { .. } => false,
        }
    }

    /// What kind of failure this is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Graph(source) => source.kind(),
            Self::Device { .. } => ErrorKind::Unavailable,
            Self::Output { .. }
            | Self::Operator { .. }
            | Self::Refused { .. }
            | Self::Panicked { .. } => ErrorKind::Unsupported,
            Self::Run { .. } | Self::Transfer { .. } => ErrorKind::Internal,
        }
    }
}

impl From<InferCandleError> for InferError {
    fn from(error: InferCandleError) -> Self {
        if error.is_of_device() {
            return Self::Device { backend: BACKEND, source: Box::new(error) };
        }
        Self::Backend { backend: BACKEND, source: Box::new(error) }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use candle_core::Error;
    use detections_infer::InferError;

    use super::InferCandleError;

    fn run(source: Error) -> InferError {
        let (node, operator) = ("node".to_owned(), "Conv".to_owned());
        InferCandleError::Run { node, operator, source: source.into() }.into()
    }

    #[test]
    fn what_the_driver_refuses_in_a_run_is_the_devices_fault_and_all_else_is_not() {
        let driver = Error::Cuda(Box::new(io::Error::other("CUDA_ERROR_OUT_OF_MEMORY")));
        assert!(run(driver).is_of_device());
        assert!(!run(Error::Msg("a shape".to_owned())).is_of_device());
    }
}
