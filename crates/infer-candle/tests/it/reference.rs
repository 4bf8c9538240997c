//! What tract makes of a file, and how near candle comes to it.

use detections_infer::{InputShape, Model};
use detections_infer_candle::{CandleDevice, CandleModel};
use detections_onnx::{GraphInput, OnnxFile};
use detections_types::FixedInput;
use tract_core::prelude::{IntoTValue, Tensor, TypedSimplePlan, tvec};

/// One output.
#[derive(Debug, PartialEq)]
pub(crate) struct Output {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f32>,
}

/// The outputs of tract.
pub(crate) fn tract(
    file: &OnnxFile,
    input: InputShape,
    fixed: &[FixedInput],
    pixels: &[f32],
) -> Vec<Output> {
    let InputShape { max_batch: batch, height, width } = input;
    let graph = file.typed_graph_with(GraphInput { batch, height, width }, fixed).unwrap();
    let plan = TypedSimplePlan::new(graph.into_inner().into_optimized().unwrap()).unwrap();
    let pixels = Tensor::from_shape(&[batch, 3, height, width], pixels).unwrap();
    let outputs = plan.run(tvec!(pixels.into_tvalue())).unwrap();
    let output = |output: &Tensor| {
        let single = output.cast_to::<f32>().unwrap();
        let data = single.try_as_plain_ram().unwrap().as_slice::<f32>().unwrap().to_vec();
        Output { shape: output.shape().to_vec(), data }
    };
    outputs.iter().map(|value| output(value)).collect()
}

/// The outputs of candle.
pub(crate) fn candle(
    file: &OnnxFile,
    input: InputShape,
    fixed: &[FixedInput],
    pixels: &[f32],
) -> Vec<Output> {
    let model = CandleModel::load_with(file, input, fixed, &CandleDevice::cpu());
    let model = model.unwrap_or_else(|error| panic!("{}", told(&error)));
    let mut session = model.session().unwrap();
    session.input().copy_from_slice(pixels);
    let outputs = session.run(input.max_batch).unwrap_or_else(|error| panic!("{}", told(&error)));
    let output = |tensor: &detections_infer::OutputTensor<'_>| Output {
        shape: tensor.shape.to_vec(),
        data: tensor.data.to_vec(),
    };
    outputs.tensors.iter().map(output).collect()
}

/// An error with all its causes.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Why two outputs are not the same up to `tolerance`, absolutely below 1 and relatively above.
pub(crate) fn difference(found: &Output, expected: &Output, tolerance: f32) -> Option<String> {
    if found.shape != expected.shape {
        return Some(format!("shape {:?}, not {:?}", found.shape, expected.shape));
    }
    let pairs = found.data.iter().zip(&expected.data).enumerate();
    let far = |(_, (found, expected)): &(usize, (&f32, &f32))| {
        let same = found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
        let near = (*found - *expected).abs() <= tolerance * expected.abs().max(1.0);
        !same && !near
    };
    let mut far = pairs.filter(far);
    let (at, (number, wanted)) = far.next()?;
    let count = far.count() + 1;
    Some(format!("{count} of {} differ: element {at} is {number}, not {wanted}", found.data.len()))
}
