//! All that detection needs to know of a model, settled before it runs: input, preprocessing, head, labels.
//! Whatever cannot be settled from the file is refused with what was seen; nothing is guessed.

mod coco;
mod input;
mod names;
mod recognise;
mod undecoded;

use detections_types::{ElementType, FixedInput, ModelDescription};

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
    /// What happens when the file names more or fewer classes than its head has.
    pub labels: LabelPolicy,
}

/// What happens when a file names more or fewer classes than its head has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LabelPolicy {
    /// It is refused.
    #[default]
    Strict,
    /// Names that are too many are dropped, classes without one are numbered.
    Fit,
}

/// A model's input, head and labels, ready for a [`Detector`](crate::Detector).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Manifest {
    /// The input tensor with all axes settled.
    pub input: InputShape,
    /// What the inputs besides the pictures get.
    pub fixed: Vec<FixedInput>,
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
        let inputs = input::resolve(description, options)?;
        let names = labels_in(description)?;
        let seen = recognise::Seen::new(description, &inputs, names.as_deref(), options)?;
        let found = seen.recognise()?;
        let preprocess = preprocessing(found.head.kind(), &inputs);
        let (labels, origin) = labels(names, found.head.classes());
        let head_reason = format!("{}; {preprocess}; {origin}", found.reason);
        let input::Inputs { shape: input, fixed, .. } = inputs;
        Ok(Self { input, fixed, preprocess, head: found.head, head_reason, labels })
    }

    /// The model's word for each class.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }
}

fn labels_in(description: &ModelDescription) -> Result<Option<Vec<String>>, InferError> {
    // Transformers' configurations spell it so.
    let names = description.metadata.get("names").or(description.metadata.get("id2label"));
    names.map(|text| names::parse(text)).transpose().map_err(InferError::NamesMetadata)
}

/// The pixels that the training code of each family feeds to its models.
const fn preprocessing(head: HeadKind, inputs: &input::Inputs) -> Preprocess {
    use ChannelOrder::{Bgr, Rgb};
    use PixelScale::{Bytes, ImageNet, Unit};
    use Placement::{Centre, Stretch, TopLeft};
    let (order, scale, placement) = match head {
        HeadKind::Yolov5
        | HeadKind::Yolov5Raw
        | HeadKind::Yolov7Raw
        | HeadKind::Yolov8
        | HeadKind::EndToEnd
        | HeadKind::NmsInput
        | HeadKind::YoloObb
        | HeadKind::YoloSeg
        | HeadKind::YoloPose
        | HeadKind::YoloNas
        | HeadKind::YoloNasFlat => (Rgb, Unit, Centre),
        HeadKind::Yolox | HeadKind::YoloxDecoded => (Bgr, Bytes, TopLeft),
        HeadKind::RtDetrUltralytics
        | HeadKind::RtDetr
        | HeadKind::RtDetrTransformers
        | HeadKind::PpYoloe => (Rgb, Unit, Stretch),
        HeadKind::RfDetr | HeadKind::PicoDet => (Rgb, ImageNet, Stretch),
        HeadKind::NanoDet => (Bgr, ImageNet, Stretch),
        HeadKind::Ssd => (Bgr, Bytes, Stretch),
        HeadKind::SsdTensorflow => (Rgb, Bytes, Stretch),
        HeadKind::DamoYolo => (Rgb, Bytes, TopLeft),
    };
    // Grey is weighed from red, green and blue; a graph that takes bytes scales them itself.
    let order = if inputs.channels == 1 { Rgb } else { order };
    let scale = if matches!(inputs.element, ElementType::U8) { Bytes } else { scale };
    let pad = if matches!(head, HeadKind::DamoYolo) { 0 } else { Preprocess::GREY };
    Preprocess { order, scale, placement, pad }
}

/// As many names as there are classes; what the file has too many or too few of was settled before.
fn labels(names: Option<Vec<String>>, classes: usize) -> (Vec<String>, &'static str) {
    match names {
        Some(mut names) => {
            names.truncate(classes);
            names.extend((names.len()..classes).map(numbered));
            (names, "labels from the metadata")
        }
        None if classes == coco::NAMES.len() => (
            coco::NAMES.map(String::from).to_vec(),
            "no names in the file, so the 80 classes get COCO's names",
        ),
        None if classes == recognise::COCO_CATEGORIES => (
            coco::by_category(),
            "no names in the file, so the 91 classes get the names of COCO's categories",
        ),
        None => {
            ((0..classes).map(numbered).collect(), "no names in the file, so classes are numbered")
        }
    }
}

/// Metadata as it is repeated in messages: a file may hold megabytes of it.
fn cut(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn numbered(class: usize) -> String {
    format!("class_{class}")
}

#[cfg(test)]
mod tests;
