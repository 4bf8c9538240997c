//! A model whose pictures are commands: pictures of one colour that make its session answer, fail,
//! panic or wait. It is a double for faults only.

use std::sync::{Arc, Mutex, mpsc};

use detections_infer::{
    Detector, DetectorOptions, InferError, InputShape, Manifest, ManifestOptions, Model,
    OutputTensor, Outputs, Session,
};
use detections_types::{Dim, ElementType, Image, ModelDescription, Signature, TensorInfo};

/// A picture of this grey makes the run fail.
pub(crate) const FAIL: u8 = 7;
/// A picture of this grey makes the run panic.
pub(crate) const PANIC: u8 = 13;
/// A picture of this grey makes the run lose its device.
pub(crate) const LOSE_DEVICE: u8 = 21;
/// A picture of this grey makes the run wait until it is let go.
pub(crate) const WAIT: u8 = 99;
/// The grey of a warm-up's picture.
const BLANK: u8 = 114;

const SIDE: usize = 32;
/// Cells of strides 8, 16 and 32, and numbers of a cell for one class.
const SHAPE: [usize; 2] = [16 + 4 + 1, 6];

/// What a session does instead of answering a blank picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WarmUp {
    Answer,
    Fail,
    Panic,
    ShortInput,
    WrongOutput,
    NotANumber,
    NoSession,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Double {
    description: ModelDescription,
    shape: InputShape,
    warm_up: WarmUp,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    entered: mpsc::Sender<()>,
    let_go: Mutex<mpsc::Receiver<()>>,
    runs: Mutex<Vec<Vec<f32>>>,
}

/// The other end of a [`Double`].
pub(crate) struct Control {
    pub(crate) entered: mpsc::Receiver<()>,
    pub(crate) let_go: mpsc::Sender<()>,
    shared: Arc<Shared>,
}

impl Control {
    /// How many pictures each run had.
    pub(crate) fn runs(&self) -> Vec<usize> {
        self.shared.runs.lock().unwrap().iter().map(Vec::len).collect()
    }

    /// The greys of all pictures in the order in which they were run.
    pub(crate) fn order(&self) -> Vec<u8> {
        self.shared.runs.lock().unwrap().iter().flatten().map(|grey| *grey as u8).collect()
    }
}

impl Double {
    pub(crate) fn new(max_batch: usize, warm_up: WarmUp) -> (Self, Control) {
        let (entered, has_entered) = mpsc::channel();
        let (let_go, may_go) = mpsc::channel();
        let shared =
            Arc::new(Shared { entered, let_go: Mutex::new(may_go), runs: Mutex::default() });
        let shape = InputShape { max_batch, height: SIDE, width: SIDE };
        let description = describe(max_batch);
        let control = Control { entered: has_entered, let_go, shared: Arc::clone(&shared) };
        (Self { description, shape, warm_up, shared }, control)
    }
}

fn describe(batch: usize) -> ModelDescription {
    let tensor = |name: &str, shape: &[usize]| TensorInfo {
        name: name.into(),
        element: ElementType::F32,
        shape: shape.iter().map(|axis| Dim::Fixed(*axis)).collect(),
    };
    ModelDescription {
        signature: Signature {
            inputs: vec![tensor("images", &[batch, 3, SIDE, SIDE])],
            outputs: vec![tensor("output", &[batch, SHAPE[0], SHAPE[1]])],
        },
        metadata: [("names".into(), "{0: 'grey'}".into())].into(),
        ..Default::default()
    }
}

impl Model for Double {
    fn description(&self) -> &ModelDescription {
        &self.description
    }

    fn input_shape(&self) -> InputShape {
        self.shape
    }

    fn session(&self) -> Result<Box<dyn Session>, InferError> {
        if self.warm_up == WarmUp::NoSession {
            return Err(failure());
        }
        let short = usize::from(self.warm_up == WarmUp::ShortInput);
        Ok(Box::new(DoubleSession {
            input: vec![f32::NAN; self.shape.batch_len() - short],
            output: vec![0.0; self.shape.max_batch * SHAPE[0] * SHAPE[1]],
            shape: [self.shape.max_batch, SHAPE[0], SHAPE[1]],
            warm_up: self.warm_up,
            shared: Arc::clone(&self.shared),
        }))
    }
}

struct DoubleSession {
    input: Vec<f32>,
    output: Vec<f32>,
    shape: [usize; 3],
    warm_up: WarmUp,
    shared: Arc<Shared>,
}

impl Session for DoubleSession {
    fn input(&mut self) -> &mut [f32] {
        &mut self.input
    }

    fn run(&mut self, images: usize) -> Result<Outputs<'_>, InferError> {
        let greys: Vec<f32> =
            (0..images).map(|image| self.input[image * 3 * SIDE * SIDE]).collect();
        let has = |grey: u8| greys.contains(&f32::from(grey));
        if has(BLANK) {
            self.warm_up()?;
        } else {
            self.shared.runs.lock().unwrap().push(greys.clone());
        }
        if has(WAIT) {
            self.shared.entered.send(()).unwrap();
            self.shared.let_go.lock().unwrap().recv().unwrap();
        }
        assert!(!has(PANIC), "told to panic");
        if has(FAIL) {
            return Err(failure());
        }
        if has(LOSE_DEVICE) {
            let source = "told to fall off the bus".into();
            return Err(InferError::Device { backend: "double", source });
        }
        for (image, grey) in self.output.chunks_exact_mut(SHAPE[0] * SHAPE[1]).zip(greys) {
            image[..6].copy_from_slice(&[1.0, 1.0, 0.0, 0.0, grey / 255.0, 1.0]);
        }
        Ok(Outputs { tensors: vec![OutputTensor { shape: &self.shape, data: &self.output }] })
    }
}

impl DoubleSession {
    fn warm_up(&mut self) -> Result<(), InferError> {
        assert!(self.warm_up != WarmUp::Panic, "told to panic at the warm-up");
        if self.warm_up == WarmUp::WrongOutput {
            self.shape.swap(1, 2);
        }
        if self.warm_up == WarmUp::NotANumber {
            self.output[8..10].fill(f32::NAN);
        }
        if self.warm_up == WarmUp::Fail {
            return Err(failure());
        }
        Ok(())
    }
}

fn failure() -> InferError {
    InferError::Backend { backend: "double", source: "told to fail".into() }
}

/// A detector over a double.
pub(crate) fn spawn(
    max_batch: usize,
    workers: usize,
    queue_capacity: usize,
) -> (Detector, Control) {
    let (model, control) = Double::new(max_batch, WarmUp::Answer);
    (spawn_over(model, workers, queue_capacity).unwrap(), control)
}

pub(crate) fn spawn_over(
    model: Double,
    workers: usize,
    queue_capacity: usize,
) -> Result<Detector, InferError> {
    let manifest = Manifest::resolve(model.description(), &ManifestOptions::default()).unwrap();
    let options = DetectorOptions {
        workers: workers.try_into().unwrap(),
        queue_capacity: queue_capacity.try_into().unwrap(),
    };
    Detector::spawn(Arc::new(model), manifest, options)
}

/// A picture of one grey.
pub(crate) fn grey(value: u8) -> Arc<Image> {
    Arc::new(Image::rgb8(64, 64, vec![value; 64 * 64 * 3]).unwrap())
}
