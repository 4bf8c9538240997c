//! The driver's functions as a linked runtime calls them: before a driver is bound, and after. In a process of
//! its own, since binding is for the whole process.

#[path = "../it/stand_in.rs"]
mod stand_in;

use std::ffi::c_int;

use detections_cuda_driver::CudaDriver;

use crate::stand_in::StandIn;

unsafe extern "C" {
    fn cuInit(flags: u32) -> c_int;
    fn cuDeviceGetCount(count: *mut c_int) -> c_int;
    fn cuStreamSynchronize(stream: *mut c_int) -> c_int;
}

/// What the three say: `cuInit`, `cuDeviceGetCount` with its count, and a function that the stand-in lacks.
fn ask() -> (c_int, c_int, c_int, c_int) {
    let mut count = -1;
    // SAFETY: the types are those of `cuda.h`, and the null stream is one that may be waited for.
    unsafe {
        let (init, counted) = (cuInit(0), cuDeviceGetCount(&raw mut count));
        (init, counted, count, cuStreamSynchronize(std::ptr::null_mut()))
    }
}

#[test]
fn calls_say_that_there_is_no_driver_until_one_is_bound() {
    let stub_library = 34;
    assert_eq!(ask(), (stub_library, stub_library, -1, stub_library));
    // Naming the crate's code is what links it, as the backend does.
    assert!(CudaDriver::load_from("libcuda-that-nobody-has.so.1").is_err());
    assert_eq!(ask(), (stub_library, stub_library, -1, stub_library));

    let Some(library) = StandIn::of_the_driver(&["DEVICES=3"]) else { return };
    let driver = CudaDriver::load_from(library.path()).unwrap();
    let not_found = 500;
    assert_eq!((driver.devices(), ask()), (3, (0, 0, 3, not_found)));
}
