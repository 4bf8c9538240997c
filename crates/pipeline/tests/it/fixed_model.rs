//! A model that sees the same objects in every picture. It looks at nothing but how bright the picture is:
//! in the dark the car is hard to see, and in front of white the model fails.

use std::sync::{Arc, Mutex, mpsc};

use detections_infer::{
    Detector, DetectorOptions, InferError, InputShape, Manifest, ManifestOptions, Model,
    OutputTensor, Outputs, Session,
};
use detections_types::{Dim, ElementType, ModelDescription, Signature, TensorInfo};

const SIDE: usize = 64;
const ANCHORS: usize = 84;
const ROWS: usize = 4 + 3;

/// Centre x, centre y, width, height, then the scores of `car`, `truck` and `boat`.
const OBJECTS: [[f32; ROWS]; 4] = [
    [16.0, 16.0, 8.0, 8.0, 0.9, 0.0, 0.0],
    [40.0, 16.0, 8.0, 8.0, 0.0, 0.6, 0.0],
    [40.0, 40.0, 8.0, 8.0, 0.0, 0.0, 0.4],
    [16.0, 40.0, 8.0, 8.0, 0.0, 0.0, 0.2],
];

/// The car's score in the dark: too weak to be told, strong enough to be followed.
const IN_THE_DARK: f32 = 0.2;

/// A detector over the model, with one worker and one place in its queue.
pub(crate) fn detector() -> Arc<Detector> {
    spawn(1, 1, None)
}

/// A detector with more workers and a place for everything.
pub(crate) fn detector_of(workers: usize) -> Arc<Detector> {
    spawn(workers, 64, None)
}

/// A detector whose every run tells that it began and then waits to be let go on.
pub(crate) fn gated_detector(workers: usize) -> (Arc<Detector>, Control) {
    let (entered, runs) = mpsc::channel();
    let (permits, let_go) = mpsc::channel();
    let gate = Gate { entered, let_go: Arc::new(Mutex::new(let_go)) };
    (spawn(workers, 64, Some(gate)), Control { runs, permits })
}

/// What a gated detector waits for; once it is dropped, nothing waits any more.
pub(crate) struct Control {
    /// One message for each run that began.
    pub(crate) runs: mpsc::Receiver<()>,
    /// One message lets one run go on.
    pub(crate) permits: mpsc::Sender<()>,
}

#[derive(Debug, Clone)]
struct Gate {
    entered: mpsc::Sender<()>,
    let_go: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Gate {
    fn pass(&self) {
        self.entered.send(()).ok();
        self.let_go.lock().unwrap().recv().ok();
    }
}

fn spawn(workers: usize, queue_capacity: usize, gate: Option<Gate>) -> Arc<Detector> {
    let description = description();
    let manifest = Manifest::resolve(&description, &ManifestOptions::default()).unwrap();
    let [workers, queue_capacity] = [workers, queue_capacity].map(|n| n.try_into().unwrap());
    let options = DetectorOptions { workers, queue_capacity };
    let model = Arc::new(FixedModel { description, gate });
    Arc::new(Detector::spawn(model, manifest, options).unwrap())
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
        ..Default::default()
    }
}

#[derive(Debug)]
struct FixedModel {
    description: ModelDescription,
    gate: Option<Gate>,
}

impl Model for FixedModel {
    fn description(&self) -> &ModelDescription {
        &self.description
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
        let (input, gate) = (vec![0.0; 3 * SIDE * SIDE], self.gate.clone());
        Ok(Box::new(FixedSession { input, output, gate, warm: false }))
    }
}

struct FixedSession {
    input: Vec<f32>,
    output: Vec<f32>,
    gate: Option<Gate>,
    warm: bool,
}

impl Session for FixedSession {
    fn input(&mut self) -> &mut [f32] {
        &mut self.input
    }

    fn run(&mut self, _images: usize) -> Result<Outputs<'_>, InferError> {
        if let Some(gate) = self.gate.as_ref().filter(|_| self.warm) {
            gate.pass();
        }
        let middle = self.input[(SIDE + 1) * SIDE / 2];
        assert!(!self.warm || middle < 0.99, "the model fails in front of white");
        let car = if middle < 0.1 { IN_THE_DARK } else { OBJECTS[0][4] };
        self.output[4 * ANCHORS] = car;
        self.warm = true;
        let tensor = OutputTensor { shape: &[1, ROWS, ANCHORS], data: &self.output };
        Ok(Outputs { tensors: vec![tensor] })
    }
}
