//! Why detection cannot start, by the step that failed.

use detections_classes::ClassesError;
use detections_infer::InferError;
use detections_infer_tract::InferTractError;
use detections_models::ModelsError;
use detections_onnx::OnnxError;
use detections_types::ErrorKind;

use super::{BACKEND, ClassOrigin};

/// Why detection cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The model file is not there or cannot be read.
    #[error(transparent)]
    Source(#[from] ModelsError),
    /// The model file is not an ONNX model that can be read.
    #[error("model {model} is refused")]
    Onnx {
        /// Where the model came from.
        model: String,
        /// What is wrong with the file.
        #[source]
        source: OnnxError,
    },
    /// The model is not a detector that can be read.
    #[error("model {model} is refused")]
    Manifest {
        /// Where the model came from.
        model: String,
        /// What does not fit.
        #[source]
        source: InferError,
    },
    /// The backend does not run the model.
    #[error("model {model} is refused by {BACKEND}")]
    Backend {
        /// Where the model came from.
        model: String,
        /// What the backend said.
        #[source]
        source: InferTractError,
    },
    /// The workers do not start, or fail in their warm-up.
    #[error("model {model} does not run")]
    Detector {
        /// Where the model came from.
        model: String,
        /// What a worker said.
        #[source]
        source: InferError,
    },
    /// The class map is wrong, or does not fit the model.
    #[error("the class map {origin} is refused")]
    Classes {
        /// Where it came from, and who named it.
        origin: ClassOrigin,
        /// What is wrong with it.
        #[source]
        source: ClassesError,
    },
}

impl EngineError {
    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Source(source) => source.kind(),
            Self::Onnx { source, .. } => source.kind(),
            Self::Manifest { source, .. } | Self::Detector { source, .. } => source.kind(),
            Self::Backend { source, .. } => source.kind(),
            Self::Classes { source, .. } => source.kind(),
        }
    }

    /// Whether a setting is at fault, rather than the model file or this machine.
    #[must_use]
    pub const fn is_configuration(&self) -> bool {
        match self {
            Self::Classes { origin: ClassOrigin::Model | ClassOrigin::File(_), .. }
            | Self::Source(ModelsError::NotBuiltIn)
            | Self::Manifest {
                source: InferError::InputSizeFixed { .. } | InferError::InputSizeOpen { .. },
                ..
            } => true,
            Self::Classes { origin: ClassOrigin::Loader(_), .. }
            | Self::Source(_)
            | Self::Onnx { .. }
            | Self::Manifest { .. }
            | Self::Backend { .. }
            | Self::Detector { .. } => false,
        }
    }
}
