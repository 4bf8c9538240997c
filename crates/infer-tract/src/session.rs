//! One worker's scratch memory: the input tensor, the plan's running state, the last outputs.

use std::sync::Arc;

use detections_infer::{InferError, InputShape, OutputTensor, Outputs, Session};
use tract_core::prelude::{
    IntoTValue, TValue, TVec, Tensor, TractResult, TypedSimplePlan, TypedSimpleState,
    tract_ndarray::ArrayViewMutD, tvec,
};

use crate::InferTractError;

/// Runs a plan on the whole input tensor at once.
#[derive(Debug)]
pub(crate) struct WholeBatch {
    plan: Arc<TypedSimplePlan>,
    state: TypedSimpleState,
    input: Arc<Tensor>,
    outputs: TVec<TValue>,
}

impl WholeBatch {
    /// A session of `plan`, whose input is of shape `input`.
    pub(crate) fn new(
        plan: Arc<TypedSimplePlan>,
        input: InputShape,
    ) -> Result<Self, InferTractError> {
        let shape = [input.max_batch, InputShape::CHANNELS, input.height, input.width];
        let input = Tensor::zero::<f32>(&shape).map_err(run_error)?;
        let state = TypedSimpleState::new(&plan).map_err(run_error)?;
        Ok(Self { plan, state, input: Arc::new(input), outputs: tvec!() })
    }

    /// The input's elements, of all images. The runtime lets go of the tensor when a run ends and the
    /// outputs of the last run, which may be the input itself, are dropped here: so it is not shared
    /// any more, and `make_mut` neither copies it nor changes its address.
    fn elements(&mut self) -> &mut [f32] {
        self.outputs.clear();
        let view = Arc::make_mut(&mut self.input).to_plain_array_view_mut();
        // The tensor was made in memory, of f32 and row-major, so there is always a slice.
        view.ok().and_then(ArrayViewMutD::into_slice).unwrap_or_default()
    }

    fn run_plan(&mut self) -> Result<&[TValue], InferTractError> {
        self.outputs.clear();
        let input = Arc::clone(&self.input).into_tvalue();
        match self.state.run(tvec!(input)) {
            Ok(outputs) => self.outputs = outputs,
            Err(error) => {
                // A run that broke off leaves values of its own in the state.
                self.state = TypedSimpleState::new(&self.plan).map_err(run_error)?;
                return Err(run_error(error));
            }
        }
        Ok(&self.outputs)
    }
}

impl Session for WholeBatch {
    fn input(&mut self) -> &mut [f32] {
        self.elements()
    }

    fn run(&mut self, _images: usize) -> Result<Outputs<'_>, InferError> {
        let values = self.run_plan()?;
        let tensors: Result<_, _> = values.iter().map(tensor).collect();
        Ok(Outputs { tensors: tensors.map_err(run_error)? })
    }
}

/// Runs a plan for one image on each image of a batch in turn.
#[derive(Debug)]
pub(crate) struct ImageByImage {
    single: WholeBatch,
    /// All images. The runtime wants a tensor of its own for each run, so an image is copied into it:
    /// some hundred microseconds at 640×640, beside tens of milliseconds for the run.
    batch: Vec<f32>,
    image_len: usize,
    gathered: Vec<Gathered>,
}

/// One output of all images that were run, one behind the other.
#[derive(Debug, Default)]
struct Gathered {
    shape: Vec<usize>,
    data: Vec<f32>,
}

impl ImageByImage {
    /// A session that runs `single` on up to `input.max_batch` images.
    pub(crate) fn new(single: WholeBatch, input: InputShape) -> Self {
        let batch = vec![0.0; input.batch_len()];
        Self { single, batch, image_len: input.image_len(), gathered: Vec::new() }
    }

    fn run_image(&mut self, index: usize) -> Result<(), InferTractError> {
        let image = index * self.image_len..(index + 1) * self.image_len;
        self.single.elements().copy_from_slice(&self.batch[image]);
        let values = self.single.run_plan()?;
        self.gathered.resize_with(values.len(), Gathered::default);
        for (gathered, value) in self.gathered.iter_mut().zip(values) {
            gathered.push(tensor(value).map_err(run_error)?);
        }
        Ok(())
    }
}

impl Session for ImageByImage {
    fn input(&mut self) -> &mut [f32] {
        &mut self.batch
    }

    fn run(&mut self, images: usize) -> Result<Outputs<'_>, InferError> {
        self.gathered.iter_mut().for_each(Gathered::clear);
        for index in 0..images {
            self.run_image(index)?;
        }
        Ok(Outputs { tensors: self.gathered.iter().map(Gathered::tensor).collect() })
    }
}

impl Gathered {
    fn clear(&mut self) {
        self.shape.clear();
        self.data.clear();
    }

    /// Appends an image's output, whose first axis is 1 long: the plan was checked for that.
    fn push(&mut self, image: OutputTensor<'_>) {
        if self.shape.is_empty() {
            self.shape.extend_from_slice(image.shape);
        } else {
            self.shape[0] += 1;
        }
        self.data.extend_from_slice(image.data);
    }

    fn tensor(&self) -> OutputTensor<'_> {
        OutputTensor { shape: &self.shape, data: &self.data }
    }
}

fn tensor(value: &TValue) -> TractResult<OutputTensor<'_>> {
    let data = value.try_as_plain_ram()?.as_slice()?;
    Ok(OutputTensor { shape: value.shape(), data })
}

fn run_error(error: tract_core::prelude::TractError) -> InferTractError {
    InferTractError::Run { source: error.into() }
}
