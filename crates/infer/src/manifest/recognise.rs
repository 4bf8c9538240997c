//! Which head a model has: every supported layout is tried on the outputs, the file's own words decide
//! between several that fit, and what then is not certain is refused.

mod doubt;
mod several;
mod single;

use std::fmt;

use detections_types::{
    BoxNumbers, Dim, ElementType, ModelDescription, Proposals, Suppression, TensorInfo,
};

use super::{LabelPolicy, ManifestOptions, input::Inputs};
use crate::{
    Head, HeadKind, InferError, InputShape,
    head::{Reading, anchors},
    numeric::float,
};

/// More classes than any detector has; a head that wide is another layout, and so many names are a mistake.
pub(super) const MAX_CLASSES: usize = 65_536;

/// Classes of a head that tells them by number alone, where no names say how many there are.
const NUMBERED_CLASSES: usize = 256;

/// Categories of COCO with 0, which is none.
pub(super) const COCO_CATEGORIES: usize = 91;

/// Sides that the file leaves open are multiples of the coarsest common stride.
const SIDE_STEP: usize = 32;

/// All that speaks for one head or another.
pub(super) struct Seen<'a> {
    description: &'a ModelDescription,
    outputs: &'a [TensorInfo],
    input: InputShape,
    input_name: &'a str,
    names: Option<&'a [String]>,
    task: Task,
    wanted: Option<HeadKind>,
    policy: LabelPolicy,
}

/// What the metadata says that the model does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Unsaid,
    Detect,
    Obb,
    Segment,
    Pose,
}

/// How well a head is attested, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    /// Its shapes fit.
    Shape,
    /// Its tensors have the names that its exporter gives them, or its graph has operators that only it has.
    Names,
    /// The metadata says so.
    Metadata,
}

/// A head and why.
pub(super) struct Recognised {
    pub(super) head: Head,
    pub(super) reason: String,
    evidence: Evidence,
    /// Whether the head's shape settles how many classes there are.
    counted: bool,
    /// Whether models that detect nothing have this shape too.
    common: bool,
}

impl<'a> Seen<'a> {
    pub(super) fn new(
        description: &'a ModelDescription,
        inputs: &'a Inputs,
        names: Option<&'a [String]>,
        options: &ManifestOptions,
    ) -> Result<Self, InferError> {
        let outputs = description.signature.outputs.as_slice();
        let (input, input_name, task) = (inputs.shape, inputs.name.as_str(), task(description)?);
        let (wanted, policy) = (options.head, options.labels);
        Ok(Self { description, outputs, input, input_name, names, task, wanted, policy })
    }

    /// The one head that fits, or the wanted one if it fits.
    pub(super) fn recognise(&self) -> Result<Recognised, InferError> {
        let mut fits = match self.suppression() {
            Some(Suppression { given: Proposals::Apart, boxes, .. }) => self.nms_input(*boxes),
            Some(_) | None => self.single().into_iter().chain(self.several()).collect(),
        };
        fits.retain(|fit| self.wanted.is_none_or(|wanted| fit.head.kind() == wanted));
        let mut found = self.decide(fits)?;
        if self.wanted.is_some() {
            found.reason.push_str(", as chosen");
        }
        if let Some(Suppression { node, .. }) = self.suppression() {
            found.reason.push_str("; the graph is cut in front of its ");
            found.reason.push_str(node);
            found
                .reason
                .push_str(", whose place is taken by a suppression with the request's thresholds");
        }
        self.check_sides()?;
        let classes = found.head.classes();
        match self.names.map(<[_]>::len) {
            Some(labels) if labels != classes && self.policy == LabelPolicy::Strict => {
                let (head, seen) = (found.head.kind(), self.to_string());
                Err(InferError::LabelCount { labels, head, classes, seen })
            }
            _ => Ok(found),
        }
    }

    /// The only fit; of several, those whose classes are as many as the names, and of these the best attested.
    fn decide(&self, mut fits: Vec<Recognised>) -> Result<Recognised, InferError> {
        let named = |fit: &Recognised| {
            !fit.counted || self.names.map(<[_]>::len) == Some(fit.head.classes())
        };
        if self.names.is_some() && fits.iter().any(named) {
            fits.retain(named);
        }
        if let Some(best) = fits.iter().map(|fit| fit.evidence).max() {
            fits.retain(|fit| fit.evidence == best);
        }
        // Of one family in two orders of axes that of its exporter counts, which is looked for first.
        fits.dedup_by_key(|fit| fit.head.kind());
        if fits.len() > 1 {
            let heads: Vec<&str> = fits.iter().map(|fit| fit.head.kind().name()).collect();
            return Err(InferError::HeadAmbiguous {
                seen: self.to_string(),
                heads: heads.join(", "),
            });
        }
        self.settle(fits.pop())
    }

    /// Sides that the file leaves open were settled elsewhere, and may not be what the graph works with.
    fn check_sides(&self) -> Result<(), InferError> {
        let pictures = self.description.signature.inputs.iter().find_map(TensorInfo::picture);
        let open = pictures.is_some_and(|picture| {
            picture.height.fixed().is_none() || picture.width.fixed().is_none()
        });
        let InputShape { max_batch, height, width } = self.input;
        if open && (height % SIDE_STEP != 0 || width % SIDE_STEP != 0) {
            let limit = super::input::MAX_ELEMENTS;
            return Err(InferError::InputSizeRefused { max_batch, height, width, limit });
        }
        Ok(())
    }

    const fn suppression(&self) -> Option<&Suppression> {
        self.description.suppression.as_ref()
    }

    /// What the four numbers of a box are in a family whose exports give its centre and size.
    fn numbers(&self) -> BoxNumbers {
        self.suppression().map_or(BoxNumbers::Centre, |suppression| suppression.boxes)
    }

    fn is_wanted(&self, kind: HeadKind) -> bool {
        self.wanted == Some(kind)
    }

    /// How many classes a head has that tells them by number.
    fn numbered_classes(&self) -> usize {
        self.names.map_or(NUMBERED_CLASSES, <[_]>::len)
    }

    /// What the metadata's author and description say, in lower case.
    fn words(&self) -> String {
        let keys = ["author", "description", "producer", "model_type", "architectures"].into_iter();
        let texts = keys.filter_map(|key| self.description.metadata.get(key));
        texts.map(|text| text.to_lowercase() + " ").collect()
    }

    fn has_operator(&self, name: &str) -> bool {
        self.description.operators.contains(name)
    }

    /// Anchors of an input that all strides divide.
    fn anchors(&self, strides: &[usize]) -> Option<usize> {
        let InputShape { height, width, .. } = self.input;
        let divides = |stride: &usize| height % stride == 0 && width % stride == 0;
        strides.iter().all(divides).then(|| anchors(height, width, strides))
    }

    /// The first of the `strides` whose anchors, `times` for each cell, are as many as `count`, in words; also
    /// where the count is open.
    fn anchor_words(&self, count: &Dim, times: usize, strides: &[&[usize]]) -> Option<String> {
        let Some(count) = count.fixed() else {
            return Some("an open number of anchors".into());
        };
        let fits = |s: &&&[usize]| self.anchors(s).map(|anchors| anchors * times) == Some(count);
        let strides: Vec<String> =
            strides.iter().find(fits)?.iter().map(usize::to_string).collect();
        let InputShape { height, width, .. } = self.input;
        let times = if times == 1 { String::new() } else { format!("{times} times the ") };
        Some(format!(
            "{count} = {times}anchors of strides {} at {height}x{width}",
            strides.join(", ")
        ))
    }

    fn name_words(&self, classes: usize) -> String {
        match self.names {
            Some(names) if names.len() == classes => {
                format!(" for the {classes} names in the metadata")
            }
            _ => String::new(),
        }
    }

    /// What shares of the input are multiplied with to be its pixels.
    const fn pixels(&self) -> [f32; 2] {
        [float(self.input.width), float(self.input.height)]
    }
}

impl Recognised {
    fn new(kind: HeadKind, reading: Reading, evidence: Evidence, reason: String) -> Self {
        let head = Head::new(kind, reading);
        Self { head, reason, evidence, counted: true, common: false }
    }

    /// Of a head that tells classes by number.
    fn numbered(self) -> Self {
        Self { counted: false, ..self }
    }
}

fn task(description: &ModelDescription) -> Result<Task, InferError> {
    match description.metadata.get("task").map(|task| task.trim()) {
        None => Ok(Task::Unsaid),
        Some("detect") => Ok(Task::Detect),
        Some("obb") => Ok(Task::Obb),
        Some("segment") => Ok(Task::Segment),
        Some("pose") => Ok(Task::Pose),
        Some(task) => Err(InferError::Task { task: super::cut(task) }),
    }
}

/// What was seen, for messages: "outputs output0 F32 [1, 84, 8400]; input 640x640; 80 names".
impl fmt::Display for Seen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outputs: Vec<String> = self.outputs.iter().map(TensorInfo::to_string).collect();
        let InputShape { height, width, .. } = self.input;
        let outputs = if outputs.is_empty() { "none".to_owned() } else { outputs.join(" and ") };
        write!(f, "outputs {outputs}; input {height}x{width}; ")?;
        match self.names {
            Some(names) => write!(f, "{} names", names.len()),
            None => f.write_str("no names"),
        }
    }
}

/// A tensor's name and shape.
struct Named<'a>(&'a TensorInfo);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape: Vec<String> = self.0.shape.iter().map(Dim::to_string).collect();
        write!(f, "{} [{}]", self.0.name, shape.join(", "))
    }
}

fn class_count(dim: &Dim, others: usize) -> Option<usize> {
    dim.fixed()?.checked_sub(others).filter(|classes| (1..=MAX_CLASSES).contains(classes))
}

fn is_float(tensor: &TensorInfo) -> bool {
    matches!(tensor.element, ElementType::F32 | ElementType::F16)
}
