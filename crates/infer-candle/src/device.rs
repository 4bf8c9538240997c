//! Where a model runs.

use std::fmt;

use candle_core::Device;

use crate::InferCandleError;

/// The name of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceName {
    /// The processor.
    Cpu,
    /// The NVIDIA card of this number.
    Cuda(usize),
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

/// An opened device; clones are the same one.
#[derive(Debug, Clone)]
pub struct CandleDevice(Device);

impl CandleDevice {
    /// The processor.
    #[must_use]
    pub const fn cpu() -> Self {
        Self(Device::Cpu)
    }

    /// Opens a device.
    ///
    /// # Errors
    /// [`InferCandleError::Device`] when it is not there, or this build cannot use it.
    pub fn open(name: DeviceName) -> Result<Self, InferCandleError> {
        let opened = match name {
            DeviceName::Cpu => Ok(Device::Cpu),
            DeviceName::Cuda(number) => Device::new_cuda(number),
        };
        opened.map(Self).map_err(|source| InferCandleError::Device {
            name: name.to_string(),
            source: Box::new(source),
        })
    }

    /// What it is.
    #[must_use]
    pub fn description(&self) -> String {
        format!("{:?}", self.0.location())
    }

    /// The device in candle's words.
    pub(crate) const fn inner(&self) -> &Device {
        &self.0
    }
}
