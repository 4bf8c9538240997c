//! A model that sees the same three objects in every picture, whatever its pixels.

use std::sync::Arc;

use detections_infer::{
    Detector, DetectorOptions, InferError, InputShape, Manifest, ManifestOptions, Model,
    OutputTensor, Outputs, Session,
};
use detections_types::{Dim, ElementType, ModelDescription, Signature, TensorInfo};

const SIDE: usize = 64;
const ANCHORS: usize = 84;
const ROWS: usize = 4 + 3;

/// Centre x, centre y, width, height, then the scores of `car`, `truck` and `boat`.
const OBJECTS: [[f32; ROWS]; 3] = [
    [16.0, 16.0, 8.0, 8.0, 0.9, 0.0, 0.0],
    [40.0, 16.0, 8.0, 8.0, 0.0, 0.6, 0.0],
    [40.0, 40.0, 8.0, 8.0, 0.0, 0.0, 0.4],
];

/// A detector over the model, with one worker.
pub(crate) fn detector() -> Arc<Detector> {
    let description = description();
    let manifest = Manifest::resolve(&description, &ManifestOptions::default()).unwrap();
    let one = 1.try_into().unwrap();
    let options = DetectorOptions { workers: one, queue_capacity: one };
    Arc::new(Detector::spawn(Arc::new(FixedModel(description)), manifest, options).unwrap())
}

fn description() -> ModelDescription {
    let tensor = |name: &str, shape: &[usize]| TensorInfo {
        name: name.into(),
        element: ElementType::F32,
        shape: shape.iter().copied().map(Dim::Fixed).collect(),
    };
    ModelDescription {
        signature: Signature {
            inputs: vec![tensor("images", &[1, 3, SIDE, SIDE])],
            outputs: vec![tensor("output0", &[1, ROWS, ANCHORS])],
        },
        metadata: [("names".into(), "{0: 'car', 1: 'truck', 2: 'boat'}".into())].into(),
    }
}

#[derive(Debug)]
struct FixedModel(ModelDescription);

impl Model for FixedModel {
    fn description(&self) -> &ModelDescription {
        &self.0
    }

    fn input_shape(&self) -> InputShape {
        InputShape { max_batch: 1, height: SIDE, width: SIDE }
    }

    fn session(&self) -> Result<Box<dyn Session>, InferError> {
        let mut output = vec![0.0; ROWS * ANCHORS];
        for (anchor, object) in OBJECTS.iter().enumerate() {
            for (row, value) in object.iter().enumerate() {
                output[row * ANCHORS + anchor] = *value;
            }
        }
        Ok(Box::new(FixedSession { input: vec![0.0; 3 * SIDE * SIDE], output }))
    }
}

struct FixedSession {
    input: Vec<f32>,
    output: Vec<f32>,
}

impl Session for FixedSession {
    fn input(&mut self) -> &mut [f32] {
        &mut self.input
    }

    fn run(&mut self, _images: usize) -> Result<Outputs<'_>, InferError> {
        let tensor = OutputTensor { shape: &[1, ROWS, ANCHORS], data: &self.output };
        Ok(Outputs { tensors: vec![tensor] })
    }
}
