//! Bytes as a model file: reading, checking and describing it, and the decision how it is used, end in a value or an
//! error.
#![no_main]

use detections_infer::{LabelPolicy, Manifest, ManifestOptions};
use detections_onnx::OnnxFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(file) = OnnxFile::parse(bytes) else { return };
    let fit = ManifestOptions { labels: LabelPolicy::Fit, ..Default::default() };
    for options in [ManifestOptions::default(), fit] {
        if let Ok(manifest) = Manifest::resolve(file.description(), &options) {
            assert_eq!(manifest.labels().len(), manifest.head.classes());
        }
    }
});
