//! What models run on: the tensor runtime, its device, and how many pictures at once. What this build lacks, or
//! what does not go together, is refused here, before anything is loaded.

use std::{fmt, num::NonZeroUsize};

use detections_infer::DeviceName;

use super::reader::{Reader, number};

/// How much of the machine inference may use, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InferConfig {
    /// Pictures that are inferred at the same time, each on a thread of its own.
    pub threads: NonZeroUsize,
    /// The tensor runtime.
    pub backend: BackendName,
    /// The device that it runs on.
    pub device: DeviceName,
}

/// A tensor runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BackendName {
    /// tract, on the processor.
    #[default]
    Tract,
    /// candle, on the processor or on NVIDIA devices.
    Candle,
}

impl BackendName {
    /// As it is written in settings and told in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tract => "tract",
            Self::Candle => "candle",
        }
    }
}

impl fmt::Display for BackendName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl InferConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            threads: reader.get("infer.threads", machine_threads(), threads),
            backend: reader.get("infer.backend", BackendName::default(), backend),
            device: reader.get("infer.device", DeviceName::default(), device),
        }
    }

    /// A device that the backend cannot run on is a fault, not a wish.
    pub(super) fn check(&self, reader: &mut Reader) {
        if let (BackendName::Tract, device @ DeviceName::Cuda(_)) = (self.backend, self.device) {
            let problem =
                format!("{device} is for the backend candle; tract runs on the cpu alone");
            reader.fault("infer.device", problem);
        }
    }
}

fn machine_threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    number(1..=1024)(text).map(|count| NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN))
}

fn backend(text: &str) -> Result<BackendName, String> {
    match text {
        "tract" => Ok(BackendName::Tract),
        "candle" if cfg!(feature = "candle") => Ok(BackendName::Candle),
        "candle" => {
            Err("must be tract in this build, which is without the feature `candle`".to_owned())
        }
        _ => Err("must be tract or candle".to_owned()),
    }
}

fn device(text: &str) -> Result<DeviceName, String> {
    let name: DeviceName = text.parse().map_err(|error| format!("{error}"))?;
    match name {
        DeviceName::Cuda(_) if !cfg!(feature = "cuda") => {
            Err("must be cpu: CUDA is not in this build, which is without the feature `cuda`"
                .to_owned())
        }
        DeviceName::Cpu | DeviceName::Cuda(_) => Ok(name),
    }
}
