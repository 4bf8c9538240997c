//! Each operator over random shapes and parameters: what candle's CPU device gives is what tract gives.

mod convolutions;
mod elements;
mod matrices;
mod movements;
mod places;
mod resizes;

use detections_infer::InputShape;
use detections_onnx::OnnxFile;
use proptest::test_runner::{Config, TestCaseError};

use crate::{
    reference::{candle, difference, tract},
    write::{Graph, Kind},
};

/// How far one number may be off.
const TOLERANCE: f32 = 2e-5;

/// Enough cases to meet every branch, few enough to be run often.
fn config() -> Config {
    Config { cases: 64, failure_persistence: None, ..Config::default() }
}

/// Holds the outputs of both against each other for numbers in -`range`..`range`.
fn agrees(graph: &Graph, outputs: &[(&str, Kind)], range: f32) -> Result<(), TestCaseError> {
    agrees_within(graph, outputs, range, TOLERANCE)
}

fn agrees_within(
    graph: &Graph,
    outputs: &[(&str, Kind)],
    range: f32,
    tolerance: f32,
) -> Result<(), TestCaseError> {
    let file = OnnxFile::parse(&graph.file(outputs)).unwrap();
    let input = InputShape { max_batch: 1, height: 1, width: graph.width() };
    let pixels = numbers(input.batch_len(), range);
    let expected = tract(&file, input, &[], &pixels);
    let found = candle(&file, input, &[], &pixels);
    for (found, expected) in found.iter().zip(&expected) {
        if let Some(difference) = difference(found, expected, tolerance) {
            return Err(TestCaseError::fail(difference));
        }
    }
    Ok(())
}

/// Numbers that do not repeat soon: the fractions of multiples of the golden ratio.
fn numbers(count: usize, range: f32) -> Vec<f32> {
    let number = |at: usize| {
        let at = f32::from(u16::try_from(at % 65_536).unwrap());
        ((at * 0.618_034).fract() * 2.0 - 1.0) * range
    };
    (0..count).map(number).collect()
}

/// The same as constants, shifted so that they are not the operand's.
fn constants(count: usize) -> Vec<f32> {
    numbers(count + 17, 1.0).split_off(17)
}

fn ints(numbers: &[usize]) -> Vec<i64> {
    numbers.iter().map(|&number| i64::try_from(number).unwrap()).collect()
}
