//! What a device is called: where a model runs, as it is written in settings and told in answers.

use std::{fmt, str::FromStr};

/// Where a model runs.
///
/// ```
/// use detections_infer::DeviceName;
///
/// assert_eq!("cuda:1".parse(), Ok(DeviceName::Cuda(1)));
/// assert_eq!(DeviceName::Cpu.to_string(), "cpu");
/// assert!("cuda".parse::<DeviceName>().is_err(), "which one is never guessed");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DeviceName {
    /// The processor.
    #[default]
    Cpu,
    /// The graphics processor of this number, as the driver counts them.
    Cuda(u32),
}

/// A text that names no device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be cpu, or cuda: with the number of a device, such as cuda:0")]
pub struct DeviceNameError;

impl FromStr for DeviceName {
    type Err = DeviceNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "cpu" {
            return Ok(Self::Cpu);
        }
        let number = text.strip_prefix("cuda:").ok_or(DeviceNameError)?;
        // Each device has one name: no sign and no zeros in front.
        let parsed: u32 = number.parse().map_err(|_error| DeviceNameError)?;
        (parsed.to_string() == number).then_some(Self::Cuda(parsed)).ok_or(DeviceNameError)
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DeviceName;

    #[test]
    fn a_device_has_one_name_and_no_other() {
        for name in ["cpu", "cuda:0", "cuda:17"] {
            assert_eq!(name.parse::<DeviceName>().unwrap().to_string(), name);
        }
        for text in [
            "",
            "gpu",
            "CPU",
            "cuda",
            "cuda:",
            "cuda:-1",
            "cuda:+1",
            "cuda:01",
            "cuda:x",
            "cuda:4294967296",
        ] {
            let error = text.parse::<DeviceName>().unwrap_err();
            assert!(error.to_string().contains("cuda:0"), "{text}: {error}");
        }
    }
}
