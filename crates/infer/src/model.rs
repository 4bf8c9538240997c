//! The seam to a tensor runtime, in three steps: a [`Model`] holds the weights once and is shared, each
//! worker thread makes a [`Session`] of its own from it, and the session runs without a lock.

use std::fmt::Debug;

use detections_types::ModelDescription;

use crate::InferError;

/// The input tensor of a loaded model: `[max_batch, 3, height, width]`, f32, all axes settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InputShape {
    /// Images of one run at most.
    pub max_batch: usize,
    /// Rows of an image in model pixels.
    pub height: usize,
    /// Columns of an image in model pixels.
    pub width: usize,
}

impl InputShape {
    /// Colour planes of an image.
    pub const CHANNELS: usize = 3;

    /// Elements of one image.
    #[must_use]
    pub const fn image_len(&self) -> usize {
        Self::CHANNELS * self.height * self.width
    }

    /// Elements of a full batch.
    #[must_use]
    pub const fn batch_len(&self) -> usize {
        self.max_batch * self.image_len()
    }
}

/// A loaded model: immutable, shared by all workers, one copy of the weights however many they are.
pub trait Model: Debug + Send + Sync {
    /// What the file says of itself.
    fn description(&self) -> &ModelDescription;

    /// The settled shape of the input tensor.
    fn input_shape(&self) -> InputShape;

    /// The scratch memory of one worker.
    ///
    /// # Errors
    /// [`InferError::Backend`] when the runtime cannot give it.
    fn session(&self) -> Result<Box<dyn Session>, InferError>;
}

/// One worker's scratch memory: filled, run, read, and used again for the next batch.
pub trait Session: Send {
    /// The input tensor to fill, NCHW, [`InputShape::batch_len`] elements: image `i` starts at
    /// element `i * image_len()`. It keeps its address and may hold an earlier batch.
    fn input(&mut self) -> &mut [f32];

    /// Runs the first `images` images of the input, `1..=max_batch`.
    ///
    /// An image's rows of the outputs do not depend on what else is in the batch.
    ///
    /// # Errors
    /// [`InferError::Backend`] when the runtime fails; the session may be used again.
    fn run(&mut self, images: usize) -> Result<Outputs<'_>, InferError>;
}

/// What a run gave: the model's outputs in the order of its signature, borrowed from the session.
#[derive(Debug, Clone, Default)]
pub struct Outputs<'a> {
    /// One tensor for each output.
    pub tensors: Vec<OutputTensor<'a>>,
}

/// One output tensor, row-major f32; its first axis counts the images.
#[derive(Debug, Clone, Copy)]
pub struct OutputTensor<'a> {
    /// The axes, at least as many images as were run first.
    pub shape: &'a [usize],
    /// All elements.
    pub data: &'a [f32],
}

impl<'a> OutputTensor<'a> {
    /// The elements of image `index`; empty when the run had fewer images.
    #[must_use]
    pub fn image(&self, index: usize) -> &'a [f32] {
        let len: usize = self.shape.iter().skip(1).product();
        self.data.get(index * len..(index + 1) * len).unwrap_or_default()
    }
}
