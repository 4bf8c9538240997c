//! Why there is no CUDA device to work with.

use detections_types::ErrorKind;

/// Why there is no CUDA device to work with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CudaDriverError {
    /// The driver's library is not on this machine, or cannot be loaded.
    #[error("no NVIDIA driver: the library {library} cannot be loaded ({reason})")]
    Library {
        /// Its name, or its path.
        library: String,
        /// What the system's loader said.
        reason: String,
    },
    /// The library is there and lacks a function that every driver has.
    #[error("{library} is no NVIDIA driver that can be used: it has no function {function}")]
    Function {
        /// The library's name, or its path.
        library: String,
        /// What it lacks.
        function: &'static str,
    },
    /// The driver is there and knows no device.
    #[error("the NVIDIA driver says that there is no device")]
    NoDevice,
    /// The driver knows devices, but not this one.
    #[error("there is no device cuda:{index}: the driver knows {count}, counted from cuda:0")]
    Index {
        /// The one asked for.
        index: u32,
        /// How many there are.
        count: u32,
    },
    /// The driver refused a call.
    #[error("the NVIDIA driver refused {function} with {code} ({meaning})")]
    Refused {
        /// What was asked of it.
        function: &'static str,
        /// Its code.
        code: i32,
        /// The code's name.
        meaning: String,
    },
}

impl CudaDriverError {
    /// What kind of failure this is: another machine, or another time, may do.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Library { .. }
            | Self::Function { .. }
            | Self::NoDevice
            | Self::Index { .. }
            | Self::Refused { .. } => ErrorKind::Unavailable,
        }
    }
}
