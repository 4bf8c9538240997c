//! What clients and probes see of a model that panics: an error without details, then a failed health.

use std::{num::NonZeroUsize, sync::Arc};

use actix_web::web::Data;
use detections::{
    engine::{Engine, ModelCard},
    http::Service,
};
use detections_classes::ClassMap;
use detections_frames::StillLimits;
use detections_infer::{
    Detector, DetectorOptions, InferError, InputShape, Manifest, ManifestOptions, Model,
    OutputTensor, Outputs, Session,
};
use detections_media::hash_bytes;
use detections_pipeline::{StillPipeline, VideoPipeline};
use detections_types::{Dim, ElementType, ModelDescription, Signature, TensorInfo};

use super::fixture::{detect, get, loading, picture};

const SHAPE: InputShape = InputShape { max_batch: 1, height: 32, width: 32 };
/// Cells of strides 8, 16 and 32, and numbers of a cell for one class.
const OUTPUT: [usize; 3] = [1, 16 + 4 + 1, 6];

/// Answers its warm-up and panics at the first picture.
#[derive(Debug)]
struct Fragile(ModelDescription);

impl Model for Fragile {
    fn description(&self) -> &ModelDescription {
        &self.0
    }

    fn input_shape(&self) -> InputShape {
        SHAPE
    }

    fn session(&self) -> Result<Box<dyn Session>, InferError> {
        let input = vec![0.0; SHAPE.batch_len()];
        Ok(Box::new(FragileSession { input, output: vec![0.0; OUTPUT.iter().product()], runs: 0 }))
    }
}

struct FragileSession {
    input: Vec<f32>,
    output: Vec<f32>,
    runs: usize,
}

impl Session for FragileSession {
    fn input(&mut self) -> &mut [f32] {
        &mut self.input
    }

    fn run(&mut self, _images: usize) -> Result<Outputs<'_>, InferError> {
        self.runs += 1;
        assert!(self.runs == 1, "a secret of the model");
        Ok(Outputs { tensors: vec![OutputTensor { shape: &OUTPUT, data: &self.output }] })
    }
}

fn tensor(name: &str, shape: &[usize]) -> TensorInfo {
    let shape = shape.iter().map(|axis| Dim::Fixed(*axis)).collect();
    TensorInfo { name: name.into(), element: ElementType::F32, shape }
}

fn engine() -> Engine {
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
        device: "cpu",
    };
    let classes = Arc::new(ClassMap::identity().bind(manifest.labels()).unwrap());
    let one = NonZeroUsize::MIN;
    let options = DetectorOptions { workers: one, queue_capacity: one };
    let detector =
        Arc::new(Detector::spawn(Arc::new(Fragile(description)), manifest, options).unwrap());
    let video = VideoPipeline::new(Arc::clone(&detector), Arc::clone(&classes));
    let pipeline = StillPipeline::new(Arc::clone(&detector), classes, StillLimits::default());
    Engine { pipeline: Arc::new(pipeline), video, detector, model: card }
}

#[actix_web::test]
async fn a_panicking_model_is_a_500_without_details_and_then_a_failed_health() {
    let service: Data<Service> = loading(&[]);
    service.engine_loaded(engine()).unwrap();
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
