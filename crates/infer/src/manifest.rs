//! All that detection needs to know of a model, settled before it runs: input, preprocessing, head, labels.
//! Whatever cannot be settled from the file is refused with what was seen; nothing is guessed.

mod coco;
mod input;
mod names;
mod recognise;

use detections_types::ModelDescription;

use crate::{
    ChannelOrder, Head, HeadKind, InferError, InputShape, PixelScale, Placement, Preprocess,
};

pub use self::names::NamesError;

/// What a caller settles where the file leaves it open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ManifestOptions {
    /// The head, instead of recognising it; it must still fit the outputs.
    pub head: Option<HeadKind>,
    /// Height and width for an input that leaves them open; wins over the `imgsz` metadata.
    pub input_size: Option<(usize, usize)>,
    /// Images of one run for an input that leaves the batch open; 1 without it.
    pub max_batch: Option<usize>,
}

/// A model's input, head and labels, ready for a [`Detector`](crate::Detector).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Manifest {
    /// The input tensor with all axes settled.
    pub input: InputShape,
    /// What is done to a picture's pixels.
    pub preprocess: Preprocess,
    /// How the output is read.
    pub head: Head,
    /// Why this head, these pixels and these labels, in a sentence for people.
    pub head_reason: String,
    /// The model's word for each class, as many as the head has classes.
    pub labels: Vec<String>,
}

impl Manifest {
    /// Settles input, head and labels from what the file says of itself.
    ///
    /// # Errors
    /// [`InferError`] with what was seen, where the input, the outputs or the metadata are not those of a
    /// supported detector, or do not agree with each other or with `options`.
    pub fn resolve(
        description: &ModelDescription,
        options: &ManifestOptions,
    ) -> Result<Self, InferError> {
        check_task(description)?;
        let input = input::resolve(description, options)?;
        let names = labels_in(description)?;
        let outputs = &description.signature.outputs;
        let seen =
            recognise::Seen { description, outputs, input, names: names.as_ref().map(Vec::len) };
        let found = seen.recognise(options.head)?;
        let preprocess = preprocessing(found.head.kind());
        let (labels, origin) = labels(names, found.head.classes());
        let head_reason = format!("{}; {preprocess}; {origin}", found.reason);
        Ok(Self { input, preprocess, head: found.head, head_reason, labels })
    }

    /// The model's word for each class.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }
}

/// Other tasks than detection give outputs of like shapes that mean something else.
fn check_task(description: &ModelDescription) -> Result<(), InferError> {
    match description.metadata.get("task") {
        Some(task) if task.trim() != "detect" => Err(InferError::Task { task: task.clone() }),
        _ => Ok(()),
    }
}

fn labels_in(description: &ModelDescription) -> Result<Option<Vec<String>>, InferError> {
    let names = description.metadata.get("names");
    names.map(|text| names::parse(text)).transpose().map_err(InferError::NamesMetadata)
}

/// The pixels that the training code of each family feeds to its models.
const fn preprocessing(head: HeadKind) -> Preprocess {
    match head {
        HeadKind::Yolov8 => Preprocess {
            order: ChannelOrder::Rgb,
            scale: PixelScale::Unit,
            placement: Placement::Centre,
            pad: Preprocess::GREY,
        },
        HeadKind::Yolox => Preprocess {
            order: ChannelOrder::Bgr,
            scale: PixelScale::Bytes,
            placement: Placement::TopLeft,
            pad: Preprocess::GREY,
        },
    }
}

fn labels(names: Option<Vec<String>>, classes: usize) -> (Vec<String>, &'static str) {
    match names {
        Some(names) => (names, "labels from the metadata"),
        None if classes == coco::NAMES.len() => (
            coco::NAMES.map(String::from).to_vec(),
            "no names in the file, so the 80 classes get COCO's names",
        ),
        None => (
            (0..classes).map(|class| format!("class_{class}")).collect(),
            "no names in the file, so classes are numbered",
        ),
    }
}

#[cfg(test)]
mod tests;
