//! Bytes as a model file whose graph is translated: the importer may refuse it and may panic, which is caught; it may
//! not exhaust the stack, memory or patience.
#![no_main]

use std::sync::Once;

use detections_infer::{Manifest, ManifestOptions};
use detections_onnx::{GraphInput, OnnxFile};
use libfuzzer_sys::fuzz_target;

/// The fuzzer's hook ends the process at every panic, also at one that is caught; one that is not is still a finding.
static CAUGHT_PANICS_ARE_NONE: Once = Once::new();

/// The most pixels: time goes into the graph, not into constants of the size of the picture.
const PIXELS: usize = 256 * 256;

fuzz_target!(|bytes: &[u8]| {
    CAUGHT_PANICS_ARE_NONE.call_once(|| std::panic::set_hook(Box::new(|_| ())));
    let Ok(file) = OnnxFile::parse(bytes) else { return };
    let manifest = Manifest::resolve(file.description(), &ManifestOptions::default());
    let Ok(Manifest { input, fixed, .. }) = manifest else { return };
    if input.height * input.width * input.max_batch <= PIXELS {
        let input = GraphInput { batch: input.max_batch, height: input.height, width: input.width };
        drop(file.typed_graph_with(input, &fixed));
    }
});
