//! `detections model inspect`: everything that is known of a model file, and what would be refused of it.
//! What can be said is said even where the model is refused.

mod text;

use std::{collections::BTreeMap, num::NonZeroUsize};

use detections_infer::{Detector, DetectorOptions, Manifest, ManifestOptions};
use detections_models::{ModelArtifact, ModelSource};
use detections_onnx::OnnxFile;
use detections_types::{Dim, ModelDescription, TensorInfo};
use serde::Serialize;

use super::{
    args::InspectArgs,
    exit::{Exit, Failure, explain},
    output::Output,
};
use crate::{
    config::Config,
    engine::{Backend, EngineError, fetch_classes, fetch_model, manifest_options},
};

/// Runs the subcommand.
pub(super) fn run(args: &InspectArgs, config: &Config) -> Result<Exit, Failure> {
    let backend = Backend::open(&config.infer)?;
    let options = manifest_options(&config.model, None);
    let artifact = match &args.file {
        Some(path) => ModelSource::Path(path.clone()).fetch().map_err(EngineError::from)?,
        None => fetch_model(config)?,
    };
    let mut inspection = Inspection::of(&artifact, &options, &backend);
    let classes = inspection.bind(config);
    let text = if args.json { inspection.json()? } else { text::sheet(&inspection) };
    // Whether anybody reads on makes no difference: this is all.
    let _reader = Output::plain().print(&text)?;
    classes?;
    Ok(if inspection.refused.is_empty() { Exit::Done } else { Exit::BadInput })
}

/// What is known of a model file.
#[derive(Debug, Serialize)]
struct Inspection {
    model: String,
    origin: String,
    bytes: usize,
    sha256: String,
    metadata: BTreeMap<String, String>,
    inputs: Vec<Tensor>,
    outputs: Vec<Tensor>,
    /// What the file does behind these outputs and is not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOut>,
    #[serde(flatten)]
    detector: Option<DetectorSheet>,
    /// Why it would not run, in the order in which it would be noticed.
    refused: Vec<String>,
}

/// A tensor of the signature.
#[derive(Debug, Serialize)]
struct Tensor {
    name: String,
    element: String,
    shape: Vec<String>,
}

/// A suppression of the file's own, which is left out.
#[derive(Debug, Serialize)]
struct LeftOut {
    node: String,
    outputs: Vec<Tensor>,
}

/// How a model that is a detector is read.
#[derive(Debug, Serialize)]
struct DetectorSheet {
    head: String,
    head_reason: String,
    preprocess: String,
    /// Height and width.
    input: [usize; 2],
    batch: Batch,
    labels: Vec<String>,
    /// The product's classes, where a class file is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    classes: Option<ClassesSheet>,
}

/// Images of one run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Batch {
    /// The file fixes it.
    Fixed(usize),
    /// Any number.
    Open,
}

/// How a class file fits the model.
#[derive(Debug, Serialize)]
struct ClassesSheet {
    mapped: Vec<Mapped>,
    unmapped_labels: Vec<String>,
}

/// One of the model's classes in the product's words.
#[derive(Debug, Serialize)]
struct Mapped {
    index: u32,
    id: u32,
    name: String,
    color: String,
}

impl Inspection {
    fn of(artifact: &ModelArtifact, options: &ManifestOptions, backend: &Backend) -> Self {
        let mut inspection = Self {
            model: artifact.name.clone(),
            origin: artifact.origin.to_string(),
            bytes: artifact.bytes.len(),
            sha256: artifact.sha256.to_string(),
            metadata: BTreeMap::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            left_out: None,
            detector: None,
            refused: Vec::new(),
        };
        match OnnxFile::parse(&artifact.bytes) {
            Ok(file) => inspection.look_into(&file, options, backend),
            Err(error) => inspection.refused.push(explain(&error)),
        }
        inspection
    }

    fn look_into(&mut self, file: &OnnxFile, options: &ManifestOptions, backend: &Backend) {
        let description = file.description();
        self.metadata.clone_from(&description.metadata);
        self.inputs = description.signature.inputs.iter().map(Tensor::from).collect();
        self.outputs = description.signature.outputs.iter().map(Tensor::from).collect();
        self.left_out = description.suppression.as_ref().map(|suppression| LeftOut {
            node: suppression.node.clone(),
            outputs: suppression.outputs.iter().map(Tensor::from).collect(),
        });
        match Manifest::resolve(description, options) {
            Ok(manifest) => {
                let manifest = match try_out(file, manifest.clone(), backend) {
                    Ok(manifest) => manifest,
                    Err(refused) => {
                        self.refused.push(refused);
                        manifest
                    }
                };
                self.detector = Some(DetectorSheet::new(manifest, description));
            }
            Err(error) => self.refused.push(explain(&error)),
        }
    }

    /// Shows how the configured class file fits, if there is one and the model has labels.
    fn bind(&mut self, config: &Config) -> Result<(), Failure> {
        let configured = config.classes.path.is_some() || config.classes.name.is_some();
        let Some(detector) = self.detector.as_mut().filter(|_| configured) else {
            return Ok(());
        };
        let classes = fetch_classes(config)?.bind(&detector.labels)?;
        let mapped = classes.iter().map(|(index, class)| Mapped {
            index: index.0,
            id: class.id,
            name: class.name.to_string(),
            color: class.color.to_string(),
        });
        let unmapped_labels = classes.unmapped_labels().to_vec();
        detector.classes = Some(ClassesSheet { mapped: mapped.collect(), unmapped_labels });
        Ok(())
    }

    fn json(&self) -> Result<String, Failure> {
        let text = serde_json::to_string(self);
        text.map(|text| text + "\n").map_err(|error| Failure::failed(error.to_string()))
    }
}

/// Makes a worker as the service does, which looks at an empty picture; gives how the model is then read, or says in
/// words why it is not.
fn try_out(file: &OnnxFile, manifest: Manifest, backend: &Backend) -> Result<Manifest, String> {
    let (model, manifest) = backend
        .load(file, manifest)
        .map_err(|error| format!("{}: {}", backend.name(), explain(&error)))?;
    let one = NonZeroUsize::MIN;
    let options = DetectorOptions { workers: one, queue_capacity: one };
    let detector = Detector::spawn(model, manifest.clone(), options);
    detector.map(|_works| manifest).map_err(|error| explain(&error))
}

impl DetectorSheet {
    fn new(manifest: Manifest, description: &ModelDescription) -> Self {
        let pictures = description.signature.inputs.iter().find_map(TensorInfo::picture);
        Self {
            head: manifest.head.kind().to_string(),
            head_reason: manifest.head_reason,
            preprocess: manifest.preprocess.to_string(),
            input: [manifest.input.height, manifest.input.width],
            batch: pictures.and_then(|p| p.batch.fixed()).map_or(Batch::Open, Batch::Fixed),
            labels: manifest.labels,
            classes: None,
        }
    }
}

impl From<&TensorInfo> for Tensor {
    fn from(tensor: &TensorInfo) -> Self {
        Self {
            name: tensor.name.clone(),
            element: format!("{:?}", tensor.element).to_lowercase(),
            shape: tensor.shape.iter().map(Dim::to_string).collect(),
        }
    }
}
