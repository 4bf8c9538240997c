//! The driver's functions that the tensor runtime calls, defined here as jumps through slots, so that a program
//! that is linked with them starts on a machine that has no driver.

use std::{
    ffi::{CStr, c_int, c_void},
    hint::black_box,
    sync::atomic::{AtomicPtr, Ordering},
};

use libloading::Library;

/// `CUDA_ERROR_STUB_LIBRARY`: what is loaded under the driver's name is not the driver.
const STUB_LIBRARY: c_int = 34;
/// `CUDA_ERROR_NOT_FOUND`: the driver is older than the function.
const NOT_FOUND: c_int = 500;

/// One of the driver's functions.
struct Entry {
    name: &'static CStr,
    /// Where a call goes.
    slot: &'static AtomicPtr<c_void>,
    /// The jump itself. Naming it here is what makes the linker take it in.
    jump: unsafe extern "C" fn(),
}

/// From now on all calls go to this library.
pub(crate) fn bind(library: &'static Library) {
    for Entry { name, slot, jump } in ENTRIES {
        black_box(jump);
        // SAFETY: only the address is looked up; it is called with the types that its caller has from `cuda.h`.
        let found = unsafe { library.get::<*mut c_void>(*name) };
        let target = found.map_or(not_found as *mut c_void, |address| *address);
        slot.store(target, Ordering::Release);
    }
}

/// Where calls go until a driver is bound.
extern "C" fn stub_library() -> c_int {
    STUB_LIBRARY
}

/// Where calls go of which the driver knows nothing.
extern "C" fn not_found() -> c_int {
    NOT_FOUND
}

/// A jump of the function's name through a slot of its own. It leaves all registers as they are, so whatever
/// the arguments are, they arrive.
macro_rules! jump {
    ($name:ident) => {
        #[cfg(target_arch = "x86_64")]
        std::arch::global_asm!(
            concat!(".pushsection .text.", stringify!($name), ",\"ax\",@progbits"),
            concat!(".globl ", stringify!($name)),
            concat!(".hidden ", stringify!($name)),
            concat!(".type ", stringify!($name), ",@function"),
            concat!(stringify!($name), ":"),
            "jmp qword ptr [rip + {slot}]",
            ".popsection",
            slot = sym slots::$name,
        );
        // x16 is the register that the procedure call standard leaves to jumps like this one.
        #[cfg(target_arch = "aarch64")]
        std::arch::global_asm!(
            concat!(".pushsection .text.", stringify!($name), ",\"ax\",@progbits"),
            concat!(".globl ", stringify!($name)),
            concat!(".hidden ", stringify!($name)),
            concat!(".type ", stringify!($name), ",@function"),
            concat!(stringify!($name), ":"),
            "adrp x16, {slot}",
            "ldr x16, [x16, :lo12:{slot}]",
            "br x16",
            ".popsection",
            slot = sym slots::$name,
        );
    };
}

macro_rules! entries {
    ($($name:ident)*) => {
        mod slots {
            #![expect(non_upper_case_globals, reason = "they are called as the driver's functions are")]
            use super::{AtomicPtr, c_void, stub_library};
            $(pub(super) static $name: AtomicPtr<c_void> =
                AtomicPtr::new(stub_library as *mut c_void);)*
        }
        mod jumps {
            unsafe extern "C" { $(pub(super) fn $name();)* }
        }
        $(jump!($name);)*
        static ENTRIES: &[Entry] = &[$(Entry {
            name: match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                Ok(name) => name,
                Err(_) => c"",
            },
            slot: &slots::$name,
            jump: jumps::$name,
        }),*];
    };
}

// Everything that cudarc 0.19 calls for CUDA 13.0. One that is missing here is an undefined symbol when a program
// with the feature `cuda` is linked.
entries! {
    cuCtxCreate_v4 cuCtxDestroy_v2 cuCtxGetCacheConfig cuCtxGetCurrent cuCtxGetLimit
    cuCtxGetStreamPriorityRange cuCtxSetCacheConfig cuCtxSetCurrent cuCtxSetFlags cuCtxSetLimit
    cuCtxSynchronize cuDestroyExternalMemory cuDeviceGet cuDeviceGetAttribute cuDeviceGetCount
    cuDeviceGetDefaultMemPool cuDeviceGetMemPool cuDeviceGetName cuDeviceGetUuid cuDeviceGetUuid_v2
    cuDevicePrimaryCtxRelease_v2 cuDevicePrimaryCtxRetain cuDeviceSetMemPool cuDeviceTotalMem_v2
    cuEventCreate cuEventDestroy_v2 cuEventElapsedTime cuEventElapsedTime_v2 cuEventQuery
    cuEventRecord cuEventSynchronize cuExternalMemoryGetMappedBuffer cuFuncGetAttribute
    cuFuncSetAttribute cuFuncSetCacheConfig cuGetErrorName cuGetErrorString cuGraphClone
    cuGraphDestroy cuGraphExecDestroy cuGraphInstantiate cuGraphInstantiateWithFlags cuGraphLaunch
    cuGraphUpload cuImportExternalMemory cuInit cuLaunchCooperativeKernel cuLaunchHostFunc
    cuLaunchKernel cuMemAdvise_v2 cuMemAllocAsync cuMemAllocFromPoolAsync cuMemAllocManaged
    cuMemAlloc_v2 cuMemFreeAsync cuMemFreeHost cuMemFree_v2 cuMemGetInfo_v2 cuMemHostAlloc
    cuMemPoolCreate cuMemPoolDestroy cuMemPoolGetAttribute cuMemPoolSetAttribute cuMemPoolTrimTo
    cuMemPrefetchAsync_v2 cuMemcpyDtoDAsync_v2 cuMemcpyDtoD_v2 cuMemcpyDtoHAsync_v2 cuMemcpyDtoH_v2
    cuMemcpyHtoDAsync_v2 cuMemcpyHtoD_v2 cuMemcpyPeerAsync cuMemsetD8Async cuMemsetD8_v2
    cuModuleGetFunction cuModuleGetGlobal_v2 cuModuleLoad cuModuleLoadData cuModuleUnload
    cuOccupancyAvailableDynamicSMemPerBlock cuOccupancyMaxActiveBlocksPerMultiprocessor
    cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags cuOccupancyMaxActiveClusters
    cuOccupancyMaxPotentialBlockSize cuOccupancyMaxPotentialBlockSizeWithFlags
    cuOccupancyMaxPotentialClusterSize cuProfilerStart cuProfilerStop cuStreamAttachMemAsync
    cuStreamBeginCapture_v2 cuStreamCreate cuStreamCreateWithPriority cuStreamDestroy_v2
    cuStreamEndCapture cuStreamIsCapturing cuStreamSynchronize cuStreamWaitEvent
}
