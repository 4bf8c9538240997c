//! Why a model does not run on this backend.

use std::error::Error;

use detections_infer::InferError;
use detections_onnx::OnnxError;
use detections_types::ErrorKind;

use crate::model::BACKEND;

/// Why a model was not loaded, or its plan not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferTractError {
    /// The file does not give a graph of the wanted shape.
    #[error("the model's graph cannot be used")]
    Graph(#[from] OnnxError),
    /// An output's first axis does not count the images.
    #[error("output `{output}` of shape [{shape}] does not begin with an axis of {batch} images")]
    Output {
        /// Which output.
        output: String,
        /// Its shape in the settled graph.
        shape: String,
        /// How many images the graph takes at once.
        batch: usize,
    },
    /// The runtime refuses the graph.
    #[error("the runtime refused the graph while {stage}")]
    Refused {
        /// What was being done.
        stage: &'static str,
        /// What it said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The runtime panicked over the graph.
    #[error("the runtime panicked while {stage}: {message}")]
    Panicked {
        /// What was being done.
        stage: &'static str,
        /// The panic's message.
        message: String,
    },
    /// A run failed.
    #[error("the plan failed")]
    Run {
        /// What the runtime said; it names the node.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl InferTractError {
    /// What kind of failure this is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Graph(source) => source.kind(),
            Self::Output { .. } | Self::Refused { .. } | Self::Panicked { .. } => {
                ErrorKind::Unsupported
            }
            Self::Run { .. } => ErrorKind::Internal,
        }
    }
}

impl From<InferTractError> for InferError {
    fn from(error: InferTractError) -> Self {
        Self::Backend { backend: BACKEND, source: Box::new(error) }
    }
}
