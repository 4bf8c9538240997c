//! The few functions of the driver that are called from here, with their C types from `cuda.h` (CUDA Driver
//! API), and its codes.

use std::ffi::{CStr, c_char, c_int, c_uint};

use libloading::Library;

use crate::CudaDriverError;

/// `CUresult`.
pub(crate) type Code = c_int;

pub(crate) const SUCCESS: Code = 0;
pub(crate) const NO_DEVICE: Code = 100;
/// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR` and `…_MINOR`.
pub(crate) const COMPUTE_CAPABILITY: [c_int; 2] = [75, 76];

/// What is asked of a driver, bound to one library that is never unloaded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calls {
    pub(crate) init: unsafe extern "C" fn(flags: c_uint) -> Code,
    pub(crate) version: unsafe extern "C" fn(version: *mut c_int) -> Code,
    pub(crate) count: unsafe extern "C" fn(count: *mut c_int) -> Code,
    pub(crate) device: unsafe extern "C" fn(device: *mut c_int, ordinal: c_int) -> Code,
    pub(crate) name: unsafe extern "C" fn(name: *mut c_char, len: c_int, device: c_int) -> Code,
    pub(crate) memory: unsafe extern "C" fn(bytes: *mut usize, device: c_int) -> Code,
    pub(crate) attribute:
        unsafe extern "C" fn(value: *mut c_int, attribute: c_int, device: c_int) -> Code,
    error_name: Option<unsafe extern "C" fn(code: Code, name: *mut *const c_char) -> Code>,
}

impl Calls {
    pub(crate) fn bind(library: &'static Library, path: &str) -> Result<Self, CudaDriverError> {
        Ok(Self {
            init: function(library, path, "cuInit")?,
            version: function(library, path, "cuDriverGetVersion")?,
            count: function(library, path, "cuDeviceGetCount")?,
            device: function(library, path, "cuDeviceGet")?,
            name: function(library, path, "cuDeviceGetName")?,
            memory: function(library, path, "cuDeviceTotalMem_v2")?,
            attribute: function(library, path, "cuDeviceGetAttribute")?,
            error_name: function(library, path, "cuGetErrorName").ok(),
        })
    }

    /// The driver's own name of a code, for example `CUDA_ERROR_SYSTEM_DRIVER_MISMATCH`.
    fn meaning(&self, code: Code) -> String {
        let mut name = std::ptr::null();
        // SAFETY: `name` is a place for one pointer, and the type is that of `cuGetErrorName`.
        let told = self.error_name.map(|ask| unsafe { ask(code, &raw mut name) });
        if told != Some(SUCCESS) || name.is_null() {
            return "a code without a name".to_owned();
        }
        // SAFETY: the driver gives a constant text that ends with a zero byte and lives as long as its library.
        unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
    }

    /// What a call's code means for its caller.
    pub(crate) fn checked(
        &self,
        function: &'static str,
        code: Code,
    ) -> Result<(), CudaDriverError> {
        match code {
            SUCCESS => Ok(()),
            NO_DEVICE => Err(CudaDriverError::NoDevice),
            code => Err(CudaDriverError::Refused { function, code, meaning: self.meaning(code) }),
        }
    }
}

fn function<F: Copy>(
    library: &'static Library,
    path: &str,
    name: &'static str,
) -> Result<F, CudaDriverError> {
    // SAFETY: each field of `Calls` has the C type that `cuda.h` gives the function of this name.
    let found = unsafe { library.get::<F>(name) };
    let missing = |_error| CudaDriverError::Function { library: path.to_owned(), function: name };
    found.map(|symbol| *symbol).map_err(missing)
}
