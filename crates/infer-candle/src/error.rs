//! Why a model does not run on this backend.

use std::error::Error;

use detections_infer::InferError;
use detections_types::ErrorKind;

/// The name of this backend.
pub(crate) const BACKEND: &str = "candle";

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
    /// Not yet.
    #[error("programs are not made yet")]
    Unfinished,
}

impl InferCandleError {
    /// Whether the device, rather than the model, is at fault: it is not there, or what was asked of it in the end was
    /// refused by its driver.
    #[must_use]
    pub fn is_of_device(&self) -> bool {
        match self {
            Self::Device { .. } => true,
            Self::Unfinished => false,
        }
    }

    /// What kind of failure this is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Device { .. } => ErrorKind::Unavailable,
            Self::Unfinished => ErrorKind::Unsupported,
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
