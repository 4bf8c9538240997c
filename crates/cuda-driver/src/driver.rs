//! The driver as it was found: how many devices it knows, and what each of them is.

use std::{ffi::OsStr, fmt};

use libloading::Library;

use crate::{
    CudaDriverError,
    calls::{COMPUTE_CAPABILITY, Calls},
    entries,
};

/// What the driver's library is called, wherever the system keeps it.
const LIBRARY: &str = "libcuda.so.1";
/// Bytes of a device's name at most, its end included.
const NAME_BYTES: usize = 256;

/// A driver that is loaded and has started.
#[derive(Debug, Clone, Copy)]
pub struct CudaDriver {
    calls: Calls,
    version: i32,
    devices: u32,
}

/// What a device is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CudaDeviceReport {
    /// Its name.
    pub name: String,
    /// All of its memory.
    pub memory_bytes: u64,
    /// Its compute capability, for example 9 and 0.
    pub compute_capability: [i32; 2],
    /// The newest CUDA that the driver runs, for example 13 and 0.
    pub driver_cuda: [i32; 2],
}

impl CudaDriver {
    /// Loads the driver of this machine, binds the functions that the tensor runtime calls to it, and starts it.
    ///
    /// # Errors
    /// [`CudaDriverError::Library`] where there is none, [`CudaDriverError::Function`] where it is something else,
    /// [`CudaDriverError::NoDevice`] and [`CudaDriverError::Refused`] as the driver says.
    pub fn load() -> Result<Self, CudaDriverError> {
        Self::load_from(LIBRARY)
    }

    /// The same with a library of another name, or at a path.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn load_from(library: impl AsRef<OsStr>) -> Result<Self, CudaDriverError> {
        let path = library.as_ref().to_string_lossy().into_owned();
        // SAFETY: loading runs the library's initialisers. It is the driver, by its name or by the caller's word, and
        // whoever asks for a CUDA device asks for exactly that.
        let opened = unsafe { Library::new(library.as_ref()) };
        let opened = opened.map_err(|error| CudaDriverError::Library {
            library: path.clone(),
            reason: error.to_string(),
        })?;
        // Never unloaded: from now on the slots point into it.
        let opened: &'static Library = Box::leak(Box::new(opened));
        let calls = Calls::bind(opened, &path)?;
        entries::bind(opened);
        Self::start(calls)
    }

    /// How many devices there are, at least one.
    #[must_use]
    pub const fn devices(&self) -> u32 {
        self.devices
    }

    /// What the device of this number is.
    ///
    /// # Errors
    /// [`CudaDriverError::Index`] where there is none, [`CudaDriverError::Refused`] as the driver says.
    pub fn device(&self, index: u32) -> Result<CudaDeviceReport, CudaDriverError> {
        let absent = CudaDriverError::Index { index, count: self.devices };
        let Some(ordinal) = i32::try_from(index).ok().filter(|_| index < self.devices) else {
            return Err(absent);
        };
        let calls = &self.calls;
        let mut device = 0;
        // SAFETY: here and below each pointer is to a place of the type that the function writes.
        calls.checked("cuDeviceGet", unsafe { (calls.device)(&raw mut device, ordinal) })?;
        let mut memory = 0_usize;
        calls.checked("cuDeviceTotalMem", unsafe { (calls.memory)(&raw mut memory, device) })?;
        let mut compute_capability = [0; 2];
        for (part, attribute) in compute_capability.iter_mut().zip(COMPUTE_CAPABILITY) {
            let code = unsafe { (calls.attribute)(part, attribute, device) };
            calls.checked("cuDeviceGetAttribute", code)?;
        }
        Ok(CudaDeviceReport {
            name: self.name(device)?,
            memory_bytes: memory as u64,
            compute_capability,
            driver_cuda: [self.version / 1000, self.version % 1000 / 10],
        })
    }

    fn start(calls: Calls) -> Result<Self, CudaDriverError> {
        // SAFETY: 0 is the only value that `flags` may have; each pointer is to one `int`.
        calls.checked("cuInit", unsafe { (calls.init)(0) })?;
        let mut version = 0;
        calls.checked("cuDriverGetVersion", unsafe { (calls.version)(&raw mut version) })?;
        let mut count = 0;
        calls.checked("cuDeviceGetCount", unsafe { (calls.count)(&raw mut count) })?;
        match u32::try_from(count) {
            Ok(devices) if devices > 0 => Ok(Self { calls, version, devices }),
            _ => Err(CudaDriverError::NoDevice),
        }
    }

    fn name(&self, device: i32) -> Result<String, CudaDriverError> {
        let mut text = [0_u8; NAME_BYTES];
        let len = i32::try_from(text.len()).unwrap_or(0);
        // SAFETY: at most `len` bytes are written, as many as `text` has.
        let code = unsafe { (self.calls.name)(text.as_mut_ptr().cast(), len, device) };
        self.calls.checked("cuDeviceGetName", code)?;
        let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
        Ok(String::from_utf8_lossy(&text[..end]).into_owned())
    }
}

impl fmt::Display for CudaDeviceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, memory_bytes, compute_capability, driver_cuda } = self;
        #[expect(clippy::cast_precision_loss, reason = "a tenth of a GiB is told")]
        let gib = *memory_bytes as f64 / f64::from(1 << 30);
        let [major, minor] = compute_capability;
        let [cuda, point] = driver_cuda;
        write!(
            f,
            "{name}, {gib:.1} GiB, compute capability {major}.{minor}, driver for CUDA {cuda}.{point}"
        )
    }
}
