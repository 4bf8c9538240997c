//! The words for each way in which there is no device, and the report of one that is there.

use detections_cuda_driver::{CudaDriver, CudaDriverError};
use detections_types::ErrorKind;

use crate::stand_in::StandIn;

#[test]
fn a_library_that_is_not_there_is_told_by_its_name_with_the_loaders_words() {
    let error = CudaDriver::load_from("libcuda-that-nobody-has.so.1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let text = error.to_string();
    assert!(text.contains("libcuda-that-nobody-has.so.1 cannot be loaded"), "{text}");
    assert!(text.contains("No such file"), "{text}");
}

#[test]
fn a_library_that_is_no_driver_is_told_by_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a.c");
    std::fs::write(&source, "int cuInit(unsigned f) { return (int)f; }").unwrap();
    let Some(library) = StandIn::compile(&source, &[]) else { return };
    let error = CudaDriver::load_from(library.path()).unwrap_err();
    let CudaDriverError::Function { function, .. } = error else { panic!("{error:?}") };
    assert_eq!(function, "cuDriverGetVersion");
}

#[test]
fn no_device_is_said_however_the_driver_says_it() {
    for macros in [["INIT=100"], ["DEVICES=0"]] {
        let Some(library) = StandIn::of_the_driver(&macros) else { return };
        let error = CudaDriver::load_from(library.path()).unwrap_err();
        assert_eq!(error, CudaDriverError::NoDevice, "{macros:?}");
    }
}

#[test]
fn a_refusal_is_told_with_the_drivers_own_name_for_it() {
    let Some(library) = StandIn::of_the_driver(&["INIT=803"]) else { return };
    let text = CudaDriver::load_from(library.path()).unwrap_err().to_string();
    for word in ["cuInit", "803", "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"] {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn a_device_is_reported_and_one_too_many_is_not_there() {
    let Some(library) = StandIn::of_the_driver(&["DEVICES=2"]) else { return };
    let driver = CudaDriver::load_from(library.path()).unwrap();
    assert_eq!(driver.devices(), 2);
    assert_eq!(
        driver.device(1).unwrap().to_string(),
        "Stand-in 1, 24.0 GiB, compute capability 8.6, driver for CUDA 13.0"
    );
    for index in [2, u32::MAX] {
        let error = driver.device(index).unwrap_err();
        assert_eq!(error, CudaDriverError::Index { index, count: 2 });
        assert!(error.to_string().contains(&format!("cuda:{index}")), "{error}");
    }
}
