//! Why detection cannot start, by the step that failed.

use detections_classes::ClassesError;
use detections_infer::InferError;
use detections_models::ModelsError;
use detections_onnx::OnnxError;
use detections_types::ErrorKind;

use super::{Backend, BackendError, ClassOrigin};
use crate::config::BackendName;

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
    /// The device that was asked for is not there, or fails before it has run anything.
    #[error(transparent)]
    Device(BackendError),
    /// The backend does not run the model.
    #[error("model {model} is refused by {backend}")]
    Backend {
        /// Where the model came from.
        model: String,
        /// The backend.
        backend: BackendName,
        /// What it said.
        #[source]
        source: BackendError,
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
    /// What a backend said of a model, or of its device while it loaded the model.
    pub(super) fn of_backend(model: &str, backend: &Backend, source: BackendError) -> Self {
        let name = backend.name();
        if source.is_of_device() {
            return Self::Device(source);
        }
        Self::Backend { model: model.to_owned(), backend: name, source }
    }

    /// Whether the device is at fault: another machine may do.
    #[must_use]
    pub fn is_of_device(&self) -> bool {
        match self {
            Self::Device(_) => true,
            Self::Detector { source, .. } => source.is_of_device(),
            Self::Source(_)
            | Self::Onnx { .. }
            | Self::Manifest { .. }
            | Self::Backend { .. }
            | Self::Classes { .. } => false,
        }
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Source(source) => source.kind(),
            Self::Onnx { source, .. } => source.kind(),
            Self::Manifest { source, .. } | Self::Detector { source, .. } => source.kind(),
            Self::Device(source) | Self::Backend { source, .. } => source.kind(),
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
            | Self::Device(_)
            | Self::Backend { .. }
            | Self::Detector { .. } => false,
        }
    }
}
