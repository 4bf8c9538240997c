//! The device that programs run on: the processor, or a CUDA device that is looked for, and told of where it is
//! not there, before the tensor runtime is asked for it.

use candle_core::{Device, Error};
#[cfg(feature = "cuda")]
use detections_cuda_driver::{CudaDriver, CudaDriverError};
use detections_infer::DeviceName;

use crate::InferCandleError;

/// A device that is open. Copies are the same device.
#[derive(Debug, Clone)]
pub struct CandleDevice {
    device: Device,
    name: DeviceName,
    description: String,
}

/// Why a device was not opened; the cause of [`InferCandleError::Device`].
#[derive(Debug, thiserror::Error)]
enum Missing {
    /// CUDA is not compiled in.
    #[cfg(not(feature = "cuda"))]
    #[error("CUDA is not in this build, which is without the feature `cuda`")]
    NotBuilt,
    /// There is no driver, or it knows no such device.
    #[cfg(feature = "cuda")]
    #[error(transparent)]
    Driver(#[from] CudaDriverError),
    /// The runtime does not get the device, though the driver knows it.
    #[cfg(feature = "cuda")]
    #[error("the driver knows it and does not give it: {0}")]
    Open(Error),
    /// The runtime panicked over the device.
    #[cfg(feature = "cuda")]
    #[error("the runtime panicked over it: {0}")]
    Panicked(String),
}

impl CandleDevice {
    /// The processor.
    #[must_use]
    pub fn cpu() -> Self {
        Self { device: Device::Cpu, name: DeviceName::Cpu, description: "the processor".to_owned() }
    }

    /// Opens the device of this name, or says what is missing. There is no other device in its place.
    ///
    /// # Errors
    /// [`InferCandleError::Device`]: a build without CUDA, no driver, a driver that knows no such device, or one that
    /// does not give it.
    pub fn open(name: DeviceName) -> Result<Self, InferCandleError> {
        let opened = match name {
            DeviceName::Cpu => return Ok(Self::cpu()),
            DeviceName::Cuda(index) => open_cuda(index),
        };
        let (device, description) = opened.map_err(|missing| InferCandleError::Device {
            name: name.to_string(),
            source: Box::new(missing),
        })?;
        Ok(Self { device, name, description })
    }

    /// What it is called.
    #[must_use]
    pub const fn name(&self) -> DeviceName {
        self.name
    }

    /// What it is, in words: of a CUDA device its name, memory, compute capability and driver.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Waits until all that this thread has asked of the device is done. Each thread asks in a stream of its own, so what
    /// one has put there is not yet there for the others.
    pub(crate) fn settle(&self) -> Result<(), InferCandleError> {
        self.device.synchronize().map_err(|source| InferCandleError::Transfer {
            stage: "bringing weights onto the device",
            source: source.into(),
        })
    }

    /// The device in candle's words.
    pub(crate) const fn inner(&self) -> &Device {
        &self.device
    }
}

/// Whether a run failed because of its device. What the driver refuses once in a program that has answered its
/// warm-up, be it for want of memory or because the device is gone, it goes on to refuse: CUDA's errors of a run
/// stick to the process (CUDA Driver API, `CUDA_ERROR_ILLEGAL_ADDRESS` and its neighbours).
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a foreign enum of many kinds, most of them of shapes"
)]
pub(crate) fn is_of_device(error: &Error) -> bool {
    match error {
        Error::Cuda(_) => true,
        Error::Context { inner, .. }
        | Error::WithPath { inner, .. }
        | Error::WithBacktrace { inner, .. } => is_of_device(inner),
        Error::WrappedContext { wrapped, .. } => {
            wrapped.downcast_ref::<Error>().is_some_and(is_of_device)
        }
        _ => false,
    }
}

/// The driver is asked first: the runtime is linked to functions that are there only once it is loaded.
#[cfg(feature = "cuda")]
fn open_cuda(index: u32) -> Result<(Device, String), Missing> {
    let report = CudaDriver::load()?.device(index)?;
    let ordinal = usize::try_from(index).unwrap_or(usize::MAX);
    let opened =
        detections_types::caught(|| Device::new_cuda(ordinal)).map_err(Missing::Panicked)?;
    Ok((opened.map_err(Missing::Open)?, report.to_string()))
}

#[cfg(not(feature = "cuda"))]
const fn open_cuda(_index: u32) -> Result<(Device, String), Missing> {
    Err(Missing::NotBuilt)
}

#[cfg(test)]
mod tests {
    use std::{error::Error as _, io};

    use candle_core::Error;
    use detections_infer::{DeviceName, InferError};
    use detections_types::ErrorKind;

    use super::{CandleDevice, is_of_device};

    #[test]
    fn the_processor_is_always_there() {
        let device = CandleDevice::open(DeviceName::Cpu).unwrap();
        assert_eq!((device.name(), device.inner().is_cpu()), (DeviceName::Cpu, true));
    }

    #[test]
    fn a_device_that_is_not_there_is_an_error_and_never_another_device() {
        let error = CandleDevice::open(DeviceName::Cuda(4_000_000_000)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let text = error.source().map(ToString::to_string).unwrap_or_default();
        let missing = if cfg!(feature = "cuda") { "NVIDIA driver" } else { "not in this build" };
        assert!(text.contains(missing) || text.contains("there is no device"), "{text}");
        assert!(InferError::from(error).is_of_device());
    }

    #[test]
    fn errors_of_the_driver_are_those_of_the_device_however_they_are_wrapped() {
        let driver = || Error::Cuda(Box::new(io::Error::other("CUDA_ERROR_OUT_OF_MEMORY")));
        for error in [driver(), driver().bt(), driver().context("step 3")] {
            assert!(is_of_device(&error), "{error}");
        }
        let shape = Error::Msg("a shape".to_owned());
        assert!(!is_of_device(&shape.context("step 3")));
    }
}
