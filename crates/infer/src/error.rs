//! What can go wrong between pixels and detections.

use std::sync::Arc;

use detections_types::{ErrorKind, Interrupt};

use crate::{HeadKind, InputShape, NamesError};

/// Why a model was refused or a picture was not searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferError {
    /// The tensor runtime failed.
    #[error("the {backend} backend failed")]
    Backend {
        /// Which one.
        backend: &'static str,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The device that the model runs on is lost, or has no memory left: it runs nothing any more.
    #[error("the device of the {backend} backend failed")]
    Device {
        /// Which backend.
        backend: &'static str,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The work was stopped before its end.
    #[error("{}", match .0 { Interrupt::Cancelled => "cancelled", Interrupt::TimedOut => "deadline passed" })]
    Interrupted(Interrupt),
    /// The model does not take exactly one tensor.
    #[error(
        "the model has {found} inputs{seen}, of which not exactly one takes pictures; models that look at one \
         picture at a time are supported"
    )]
    InputCount {
        /// How many it takes.
        found: usize,
        /// Some of them, in words.
        seen: String,
    },
    /// The input tensor is not an image in the supported layout.
    #[error(
        "input {tensor} is not supported; [batch, 3, height, width] of F32, F16 or U8 is, also with 1 channel \
         and with the channels last"
    )]
    InputLayout {
        /// Name, type and shape in the file.
        tensor: String,
    },
    /// Nobody knows what an input besides the pictures wants.
    #[error(
        "input {tensor} is not known; besides the pictures `orig_target_sizes`, `im_shape` and `scale_factor` \
         of two numbers are, and `score_threshold` and `iou_threshold` of one"
    )]
    InputUnknown {
        /// Name, type and shape in the file.
        tensor: String,
    },
    /// The input's height or width is open and nothing settles it.
    #[error(
        "input {tensor} leaves its size open and no `imgsz` metadata settles it; set model.input_size"
    )]
    InputSizeOpen {
        /// Name, type and shape in the file.
        tensor: String,
    },
    /// The asked input size is not the one in the file.
    #[error("input {tensor} is fixed and cannot become {height}x{width} (height x width)")]
    InputSizeFixed {
        /// Name, type and shape in the file.
        tensor: String,
        /// Asked rows.
        height: usize,
        /// Asked columns.
        width: usize,
    },
    /// The input size cannot be worked with.
    #[error(
        "an input of {max_batch}x3x{height}x{width} is not supported; a batch has 1 to {limit} elements, and \
         sides that the file leaves open are multiples of 32"
    )]
    InputSizeRefused {
        /// Images of a batch.
        max_batch: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
        /// Most elements of a batch.
        limit: usize,
    },
    /// The `imgsz` metadata cannot be read.
    #[error("metadata `imgsz` is {text:?}; one or two numbers were expected")]
    ImageSizeMetadata {
        /// The metadata as written.
        text: String,
    },
    /// The `names` metadata cannot be read.
    #[error("metadata `names` cannot be read")]
    NamesMetadata(#[source] NamesError),
    /// The model does something else than finding objects.
    #[error(
        "metadata `task` is {task:?}; \"detect\", \"obb\", \"segment\" and \"pose\" are supported"
    )]
    Task {
        /// The metadata as written.
        task: String,
    },
    /// No supported output layout fits.
    #[error("no supported head fits: {seen}; supported are {}", HeadKind::names())]
    HeadUnknown {
        /// The model's outputs, input size and number of names.
        seen: String,
    },
    /// More than one output layout fits.
    #[error("more than one head fits: {seen}; set model.head to one of {heads}")]
    HeadAmbiguous {
        /// The model's outputs, input size and number of names.
        seen: String,
        /// The heads that fit.
        heads: String,
    },
    /// Nothing but its shape speaks for an output layout, and models that detect nothing have that shape too.
    #[error(
        "only the shape of the outputs speaks for the {head} head: {seen}; set model.head to {head} if the model is \
         a detector of that kind"
    )]
    HeadUnattested {
        /// The model's outputs, input size and number of names.
        seen: String,
        /// The head that fits.
        head: HeadKind,
    },
    /// The model names more or fewer classes than its head has.
    #[error(
        "the model names {labels} classes, but its {head} head has {classes} ({seen}); set model.labels to \
         \"fit\" to drop names that are too many and to number classes that have none"
    )]
    LabelCount {
        /// Number of names.
        labels: usize,
        /// The head recognised.
        head: HeadKind,
        /// Number of classes of the head.
        classes: usize,
        /// The model's outputs, input size and number of names.
        seen: String,
    },
    /// The loaded model was prepared for another input than the manifest's.
    #[error("the manifest wants input {manifest:?}, the loaded model has {model:?}")]
    InputMismatch {
        /// What the manifest says.
        manifest: InputShape,
        /// What the model says.
        model: InputShape,
    },
    /// A session's input tensor is too short for its own shape.
    #[error("an input tensor of {found} elements cannot hold {expected}")]
    InputBuffer {
        /// Elements needed.
        expected: usize,
        /// Elements there.
        found: usize,
    },
    /// A run gave an output that is not of the head's shape.
    #[error("the {head} head cannot read an output of shape {found:?}; {expected} was expected")]
    OutputShape {
        /// The head.
        head: HeadKind,
        /// The shape that came; empty when there was no output.
        found: Vec<usize>,
        /// The shape that the head reads.
        expected: String,
    },
    /// The warm-up gave what is no number.
    #[error(
        "output `{output}` holds NaN in {count} of {elements} places for an empty picture: weights or a conversion to \
         half precision are broken, export a sound checkpoint"
    )]
    NotANumber {
        /// The output's name.
        output: String,
        /// How many of its elements are no numbers.
        count: usize,
        /// How many elements it has.
        elements: usize,
    },
    /// The picture's pixels are in a layout that is not supported here.
    #[error("pixel format {format:?} is not supported")]
    PixelFormat {
        /// Its layout.
        format: detections_types::PixelFormat,
    },
    /// A detection parameter is out of range.
    #[error("{name} is {value}; {expected} was expected")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// The blank picture of the warm-up could not be made.
    #[error("the warm-up's blank picture cannot be made")]
    Blank(#[source] detections_types::ImageError),
    /// A part of the picture is none of it.
    #[error("a part of the picture cannot be searched")]
    Part(#[source] detections_types::ImageError),
    /// The queue in front of the workers is full.
    #[error("all {capacity} places of the queue are taken")]
    QueueFull {
        /// Places of the queue.
        capacity: usize,
    },
    /// The detector no longer works: it is being dropped, or its last worker ended.
    #[error("the detector has stopped")]
    Stopped,
    /// The worker panicked while it had this picture.
    #[error("a worker panicked: {reason}")]
    WorkerPanicked {
        /// The panic's message.
        reason: String,
    },
    /// A worker thread could not be started.
    #[error("a worker thread cannot be started")]
    Thread(#[source] std::io::Error),
    /// The run failed for all pictures of its batch.
    #[error(transparent)]
    Batch(Arc<InferError>),
}

impl InferError {
    /// Whether the device under the model failed, so that nothing more can be run on it.
    #[must_use]
    pub fn is_of_device(&self) -> bool {
        if let Self::Batch(source) = self {
            return source.is_of_device();
        }
        matches!(self, Self::Device { .. })
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InputCount { .. }
            | Self::InputLayout { .. }
            | Self::InputUnknown { .. }
            | Self::InputSizeRefused { .. }
            | Self::Task { .. }
            | Self::HeadUnknown { .. }
            | Self::PixelFormat { .. } => ErrorKind::Unsupported,
            Self::InputSizeOpen { .. }
            | Self::InputSizeFixed { .. }
            | Self::ImageSizeMetadata { .. }
            | Self::NamesMetadata(_)
            | Self::HeadAmbiguous { .. }
            | Self::HeadUnattested { .. }
            | Self::NotANumber { .. }
            | Self::LabelCount { .. }
            | Self::Parameter { .. } => ErrorKind::InvalidInput,
            Self::Backend { .. }
            | Self::InputMismatch { .. }
            | Self::InputBuffer { .. }
            | Self::OutputShape { .. }
            | Self::Blank(_)
            | Self::Part(_)
            | Self::Thread(_)
            | Self::WorkerPanicked { .. } => ErrorKind::Internal,
            Self::QueueFull { .. } => ErrorKind::Overloaded,
            Self::Stopped | Self::Device { .. } => ErrorKind::Unavailable,
            Self::Batch(source) => source.kind(),
            Self::Interrupted(Interrupt::Cancelled) => ErrorKind::Cancelled,
            Self::Interrupted(Interrupt::TimedOut) => ErrorKind::TimedOut,
        }
    }
}
