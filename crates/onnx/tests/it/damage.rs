//! Damaged files: whatever is cut off or flipped, parsing and importing end in a value or an error.

use detections_onnx::{GraphInput, OnnxError, OnnxFile};

use crate::build::{bytes, convolution, half_precision};

/// Parses and imports; `Panicked` would be an importer's panic that reached the guard, which is fine.
fn digest(bytes: &[u8], input: GraphInput) -> Result<(), OnnxError> {
    OnnxFile::parse(bytes)?.typed_graph(input).map(drop)
}

/// A real detector's file, so that more operators are met in damaged form.
fn fixture() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/onnx/dynamic.onnx");
    std::fs::read(path).unwrap()
}

fn models() -> [(Vec<u8>, GraphInput); 2] {
    let small = GraphInput { batch: 1, height: 4, width: 4 };
    [(bytes(&convolution()), small), (bytes(&half_precision()), small)]
}

#[test]
fn every_truncation_ends() {
    for (model, input) in models() {
        assert!(digest(&model, input).is_ok());
        let refused = (0..model.len()).filter(|&end| digest(&model[..end], input).is_err());
        // Only a cut between two of the outermost fields can leave a model that works.
        assert!(refused.count() > model.len() - 8, "{} bytes", model.len());
    }
}

#[test]
fn every_flipped_byte_ends() {
    for (model, input) in models() {
        let mut refused = 0;
        for (position, mask) in (0..model.len()).flat_map(|at| [(at, 0x01), (at, 0x80), (at, 0xff)])
        {
            let mut damaged = model.clone();
            damaged[position] ^= mask;
            refused += usize::from(digest(&damaged, input).is_err());
        }
        assert!(refused > model.len(), "only {refused} of {} refused", model.len() * 3);
    }
}

#[test]
fn flipped_bytes_among_a_detectors_nodes_end() {
    let model = fixture();
    let input = GraphInput { batch: 2, height: 64, width: 64 };
    assert!(digest(&model, input).is_ok());
    let mut refused = 0;
    // The nodes come first in the file; behind them are weights, and any weights will do.
    for position in (0..1_500).step_by(11) {
        let mut damaged = model.clone();
        damaged[position] ^= 0x55;
        refused += usize::from(digest(&damaged, input).is_err());
    }
    assert!(refused > 80, "only {refused} refused");
}
