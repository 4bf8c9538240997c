//! What clients and probes see of a model that panics, and of one whose device fails: an error without details,
//! then a failed health.

use std::{num::NonZeroUsize, sync::Arc};

use actix_web::web::Data;
use detections::{
    engine::{Engine, ModelCard},
    http::Service,
};
use detections_classes::ClassMap;
use detections_frames::StillLimits;
use detections_infer::{
    Detector, DetectorOptions, DeviceName, InferError, InputShape, Manifest, ManifestOptions,
    Model, OutputTensor, Outputs, Session,
};
use detections_media::hash_bytes;
use detections_pipeline::{StillPipeline, VideoPipeline};
use detections_types::{Dim, ElementType, ModelDescription, Signature, TensorInfo};

use super::fixture::{detect, get, loading, picture};

const SHAPE: InputShape = InputShape { max_batch: 1, height: 32, width: 32 };
/// Cells of strides 8, 16 and 32, and numbers of a cell for one class.
const OUTPUT: [usize; 3] = [1, 16 + 4 + 1, 6];

/// What happens at the first picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Panic,
    Device,
}

/// Answers its warm-up and fails at the first picture.
#[derive(Debug)]
struct Fragile(ModelDescription, Fault);

impl Model for Fragile {
    fn description(&self) -> &ModelDescription {
        &self.0
    }

    fn input_shape(&self) -> InputShape {
        SHAPE
    }

    fn session(&self) -> Result<Box<dyn Session>, InferError> {
        let input = vec![0.0; SHAPE.batch_len()];
        let output = vec![0.0; OUTPUT.iter().product()];
        Ok(Box::new(FragileSession { input, output, runs: 0, fault: self.1 }))
    }
}

struct FragileSession {
    input: Vec<f32>,
    output: Vec<f32>,
    runs: usize,
    fault: Fault,
}

impl Session for FragileSession {
    fn input(&mut self) -> &mut [f32] {
        &mut self.input
    }

    fn run(&mut self, _images: usize) -> Result<Outputs<'_>, InferError> {
        self.runs += 1;
        if self.runs > 1 && self.fault == Fault::Device {
            let source = "a secret of the device".into();
            return Err(InferError::Device { backend: "test", source });
        }
        assert!(self.runs == 1, "a secret of the model");
        Ok(Outputs { tensors: vec![OutputTensor { shape: &OUTPUT, data: &self.output }] })
    }
}

fn tensor(name: &str, shape: &[usize]) -> TensorInfo {
    let shape = shape.iter().map(|axis| Dim::Fixed(*axis)).collect();
    TensorInfo { name: name.into(), element: ElementType::F32, shape }
}

fn engine(fault: Fault) -> Engine {
    let description = ModelDescription {
        signature: Signature {
            inputs: vec![tensor("images", &[1, 3, 32, 32])],
            outputs: vec![tensor("output", &OUTPUT)],
        },
        metadata: [("names".into(), "{0: 'thing'}".into())].into(),
        ..Default::default()
    };
    let manifest = Manifest::resolve(&description, &ManifestOptions::default()).unwrap();
    let card = ModelCard {
        name: "fragile".into(),
        sha256: hash_bytes(b"fragile").sha256,
        head: manifest.head.kind(),
        head_reason: manifest.head_reason.clone(),
        input: [32, 32],
        preprocess: manifest.preprocess.to_string(),
        labels: manifest.labels.clone(),
        backend: "test",
        device: DeviceName::Cpu,
        device_description: "a double".into(),
    };
    let classes = Arc::new(ClassMap::identity().bind(manifest.labels()).unwrap());
    let one = NonZeroUsize::MIN;
    let options = DetectorOptions { workers: one, queue_capacity: one };
    let model = Arc::new(Fragile(description, fault));
    let detector = Arc::new(Detector::spawn(model, manifest, options).unwrap());
    let video = VideoPipeline::new(Arc::clone(&detector), Arc::clone(&classes));
    let pipeline = StillPipeline::new(Arc::clone(&detector), classes, StillLimits::default());
    Engine { pipeline: Arc::new(pipeline), video, detector, model: card }
}

#[actix_web::test]
async fn a_panicking_model_is_a_500_without_details_and_then_a_failed_health() {
    let service: Data<Service> = loading(&[]);
    service.engine_loaded(engine(Fault::Panic)).unwrap();
    assert_eq!(get(&service, "/health").await.json()["status"], "healthy");

    let (code, detail) = detect(&service, "", picture("town.jpg")).await.problem(500);
    assert_eq!(code, "internal");
    assert!(!detail.contains("secret"), "{detail}");

    let health = get(&service, "/health").await;
    assert_eq!((health.status, health.json()["status"].as_str()), (503, Some("failed")));
    assert_eq!(get(&service, "/health/ready").await.problem(503).0, "model_failed");
    assert_eq!(detect(&service, "", picture("town.jpg")).await.problem(503).0, "model_failed");
    assert_eq!(service.gate().load().items, 0);
}

#[actix_web::test]
async fn a_lost_device_is_a_503_without_details_and_then_a_failed_health_and_the_end() {
    let service: Data<Service> = loading(&[]);
    service.engine_loaded(engine(Fault::Device)).unwrap();
    assert_eq!(service.device_failure(), None);

    let (code, detail) = detect(&service, "", picture("town.jpg")).await.problem(503);
    assert_eq!(code, "model_failed");
    assert!(!detail.contains("secret"), "{detail}");

    let health = get(&service, "/health").await;
    assert_eq!((health.status, health.json()["status"].as_str()), (503, Some("failed")));
    assert_eq!(detect(&service, "", picture("town.jpg")).await.problem(503).0, "model_failed");
    // What ends the service, and what its last words say.
    let reason = service.device_failure().unwrap();
    assert!(reason.contains("a secret of the device"), "{reason}");
    assert_eq!(service.gate().load().items, 0);
}

#[actix_web::test]
async fn a_device_that_fails_under_the_first_model_is_a_failed_health_too() {
    let service: Data<Service> = loading(&[]);
    service.fail_device("no memory left".to_owned());
    let health = get(&service, "/health").await;
    assert_eq!((health.status, health.json()["status"].as_str()), (503, Some("failed")));
    assert_eq!(service.device_failure().as_deref(), Some("no memory left"));
}
