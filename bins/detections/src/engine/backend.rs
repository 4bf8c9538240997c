//! The tensor runtime that was asked for, on its device: opened once, before any model is loaded, or refused.
//! Nothing else in the program names a runtime.

use std::sync::Arc;

use detections_infer::{DeviceName, Manifest, Model};
#[cfg(feature = "candle")]
use detections_infer_candle::{CandleDevice, CandleModel, InferCandleError};
use detections_infer_tract::{InferTractError, TractModel};
use detections_onnx::OnnxFile;
use detections_types::ErrorKind;

use super::EngineError;
use crate::config::{BackendName, InferConfig};

/// A tensor runtime on its device. Copies share the device.
#[derive(Debug, Clone)]
pub struct Backend {
    device: DeviceName,
    runtime: Runtime,
}

#[derive(Debug, Clone)]
enum Runtime {
    Tract,
    #[cfg(feature = "candle")]
    Candle(CandleDevice),
}

/// What a runtime said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// tract's words.
    #[error(transparent)]
    Tract(#[from] InferTractError),
    /// candle's words.
    #[cfg(feature = "candle")]
    #[error(transparent)]
    Candle(#[from] InferCandleError),
    /// A setting that the configuration lets through only where it can hold.
    #[error("{backend} is not in this build for {device}")]
    NotBuilt {
        /// The runtime asked for.
        backend: BackendName,
        /// Its device.
        device: DeviceName,
    },
}

impl Backend {
    /// Opens the configured device for the configured runtime; there is no other in its place.
    ///
    /// # Errors
    /// [`EngineError::Device`] where it is not there.
    pub fn open(config: &InferConfig) -> Result<Self, EngineError> {
        let &InferConfig { backend, device, .. } = config;
        let runtime = Runtime::open(backend, device).map_err(EngineError::Device)?;
        let opened = Self { device, runtime };
        let (what, precision) = (opened.description(), "f32");
        tracing::info!(%backend, %device, what, precision, "opened");
        Ok(opened)
    }

    /// The runtime's name.
    #[must_use]
    pub const fn name(&self) -> BackendName {
        match self.runtime {
            Runtime::Tract => BackendName::Tract,
            #[cfg(feature = "candle")]
            Runtime::Candle(_) => BackendName::Candle,
        }
    }

    /// The device's name.
    #[must_use]
    pub const fn device(&self) -> DeviceName {
        self.device
    }

    /// What the device is, in words.
    #[must_use]
    pub fn description(&self) -> &str {
        match &self.runtime {
            Runtime::Tract => "the processor",
            #[cfg(feature = "candle")]
            Runtime::Candle(device) => device.description(),
        }
    }

    /// Compiles a file's graph for its manifest; where the runtime leaves a part of it to the head, the manifest that
    /// comes back says so.
    ///
    /// # Errors
    /// [`BackendError`] with the runtime's words.
    pub fn load(
        &self,
        file: &OnnxFile,
        manifest: Manifest,
    ) -> Result<(Arc<dyn Model>, Manifest), BackendError> {
        match &self.runtime {
            Runtime::Tract => {
                let (model, manifest) = TractModel::load_undecoded(file, manifest)?;
                Ok((Arc::new(model), manifest))
            }
            #[cfg(feature = "candle")]
            Runtime::Candle(device) => {
                let model = CandleModel::load_with(file, manifest.input, &manifest.fixed, device)?;
                Ok((Arc::new(model), manifest))
            }
        }
    }
}

impl Runtime {
    fn open(backend: BackendName, device: DeviceName) -> Result<Self, BackendError> {
        match (backend, device) {
            (BackendName::Tract, DeviceName::Cpu) => Ok(Self::Tract),
            #[cfg(feature = "candle")]
            (BackendName::Candle, device) => Ok(Self::Candle(CandleDevice::open(device)?)),
            (backend, device) => Err(BackendError::NotBuilt { backend, device }),
        }
    }
}

impl BackendError {
    /// What kind of failure this is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Tract(source) => source.kind(),
            #[cfg(feature = "candle")]
            Self::Candle(source) => source.kind(),
            Self::NotBuilt { .. } => ErrorKind::Unsupported,
        }
    }

    /// Whether the device, rather than the model, is at fault.
    #[must_use]
    pub fn is_of_device(&self) -> bool {
        match self {
            Self::Tract(_) => false,
            #[cfg(feature = "candle")]
            Self::Candle(source) => source.is_of_device(),
            Self::NotBuilt { .. } => true,
        }
    }
}
