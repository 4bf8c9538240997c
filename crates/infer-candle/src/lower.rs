//! From a program of plain operators to a plan: once, at load. What depends on constants alone is computed here;
//! how every value lies in memory is known, so that a view serves wherever one can.

mod convolution;
mod elementwise;
mod grid;
mod matrix;
mod movement;
mod places;
mod pool;
mod reduction;

use candle_core::{DType, Device, Layout, Shape, Tensor};
use detections_onnx::{Element, Op, Program, Source, Value};

use crate::{
    InferCandleError,
    plan::{Kernel, Operands, Plan, Step},
    step::{Movement, StepDescription},
    weights::Weights,
};

/// Why an operator is not lowered.
pub(crate) enum Fault {
    /// There is no way to do it; what of it.
    Unsupported(String),
    /// candle refuses it.
    Candle(candle_core::Error),
}

impl From<candle_core::Error> for Fault {
    fn from(error: candle_core::Error) -> Self {
        Self::Candle(error)
    }
}

pub(crate) type Lowered<T> = Result<T, Fault>;

/// A value that will be in a slot when it is needed.
#[derive(Clone)]
pub(crate) struct Operand {
    slot: usize,
    layout: Layout,
    kind: DType,
}

impl Operand {
    pub(crate) fn dims(&self) -> &[usize] {
        self.layout.dims()
    }

    /// The bytes that reading it takes: what is repeated is read once.
    fn bytes(&self) -> usize {
        let axes = self.layout.dims().iter().zip(self.layout.stride());
        let lengths = axes.map(|(length, stride)| if *stride == 0 { 1 } else { *length });
        lengths.product::<usize>() * self.kind.size_in_bytes()
    }
}

/// Lowers a program for its number of images.
pub(crate) fn lower(
    program: &Program,
    weights: &mut Weights<'_>,
) -> Result<Plan, InferCandleError> {
    let input = program.value(program.input());
    let batch = input.shape.first().copied().unwrap_or_default();
    let mut lowering = Lowering::new(weights);
    let mut values: Vec<Operand> = Vec::with_capacity(program.values().len());
    for value in program.values() {
        let lowered = lowering.value(value, &values);
        values.push(lowered.map_err(|fault| error(value, fault))?);
    }
    let place = |id: &detections_onnx::ValueId| values[id.index()].clone();
    let mut outputs = Vec::new();
    for id in program.outputs() {
        let value = program.value(*id);
        let output = lowering.output(&place(id)).map_err(|fault| error(value, fault))?;
        outputs.push(output.slot);
    }
    Ok(lowering.finish(batch, place(&program.input()).slot, outputs))
}

fn error(value: &Value, fault: Fault) -> InferCandleError {
    let node = value.name.clone();
    let operator = match &value.source {
        Source::Input => "Input",
        Source::Constant(_) => "Constant",
        Source::Computed { op, .. } => op.name(),
    }
    .to_owned();
    match fault {
        Fault::Unsupported(what) => InferCandleError::Operator { node, operator, what },
        Fault::Candle(source) => {
            InferCandleError::Refused { node, operator, source: source.into() }
        }
    }
}

/// How candle holds these elements.
pub(crate) const fn kind(element: Element) -> DType {
    match element {
        Element::F32 => DType::F32,
        Element::I64 => DType::I64,
        Element::U8 | Element::Bool => DType::U8,
    }
}

/// A plan in the making.
pub(crate) struct Lowering<'a, 'd> {
    weights: &'a mut Weights<'d>,
    slots: Vec<Option<Tensor>>,
    steps: Vec<Step>,
    node: String,
    operator: &'static str,
}

impl<'a, 'd> Lowering<'a, 'd> {
    fn new(weights: &'a mut Weights<'d>) -> Self {
        let (node, operator) = (String::new(), "");
        Self { weights, slots: Vec::new(), steps: Vec::new(), node, operator }
    }

    pub(crate) fn device(&self) -> &'d Device {
        self.weights.device()
    }

    fn value(&mut self, value: &Value, values: &[Operand]) -> Lowered<Operand> {
        self.node.clone_from(&value.name);
        match &value.source {
            Source::Input => {
                Ok(self.slot(None, Layout::contiguous(value.shape.as_slice()), kind(value.element)))
            }
            Source::Constant(numbers) => {
                let tensor = self.weights.tensor(&value.shape, numbers)?;
                Ok(self.constant(tensor))
            }
            Source::Computed { op, operands } => {
                self.operator = op.name();
                let operands: Vec<&Operand> =
                    operands.iter().map(|id| &values[id.index()]).collect();
                self.op(op, &operands, value)
            }
        }
    }

    fn op(&mut self, op: &Op, from: &[&Operand], value: &Value) -> Lowered<Operand> {
        let shape = value.shape.as_slice();
        match op {
            Op::Convolution(op) => convolution::plain(self, op, from, shape),
            Op::TransposedConvolution(op) => convolution::transposed(self, op, from, shape),
            Op::Pool(op) => pool::pool(self, op, from[0], shape),
            Op::MatMul => matrix::product(self, from, shape),
            Op::Unary(op) => elementwise::unary(self, *op, from[0]),
            Op::Arithmetic(op) => elementwise::arithmetic(self, *op, from, shape),
            Op::Comparison(op) => elementwise::comparison(self, *op, from, shape),
            Op::Select => elementwise::select(self, from, shape),
            Op::Cast => elementwise::cast(self, from[0], value.element),
            Op::Reshape => movement::reshape(self, from[0], shape),
            Op::Permute(order) => movement::permute(self, from[0], order),
            Op::Broadcast => movement::broadcast(self, from[0], shape),
            Op::Slice(slice) => movement::slice(self, from[0], *slice, shape[slice.axis]),
            Op::Concat(axis) => movement::concat(self, from, *axis, shape),
            Op::Pad { around, with } => movement::pad(self, from[0], around, *with),
            Op::Reduce(op, axes) => reduction::reduce(self, *op, from[0], axes, shape),
            Op::Extreme { axis, largest } => reduction::extreme(self, from[0], *axis, *largest),
            Op::Softmax(axis) => reduction::softmax(self, from[0], *axis),
            Op::Gather(axis) => places::gather(self, from, *axis, shape),
            Op::GatherElements(axis) => places::gather_elements(self, from, *axis, shape),
            Op::ScatterElements(axis, op) => places::scatter_elements(self, *op, from, *axis),
            Op::Top { axis, count, largest } => places::top(
                self,
                from[0],
                places::Wanted { axis: *axis, count: *count, largest: *largest },
            ),
            Op::GridSample(op) => grid::sample(self, *op, from, shape),
        }
    }

    /// Outputs are f32, row-major.
    fn output(&mut self, operand: &Operand) -> Lowered<Operand> {
        self.operator = "Output";
        let single = elementwise::cast(self, operand, Element::F32)?;
        self.contiguous(&single)
    }

    /// A tensor that is there before the run.
    pub(crate) fn constant(&mut self, tensor: Tensor) -> Operand {
        let (layout, kind) = (tensor.layout().clone(), tensor.dtype());
        self.slot(Some(tensor), layout, kind)
    }

    /// The tensor of an operand that is there before the run.
    pub(crate) fn known(&self, operand: &Operand) -> Option<&Tensor> {
        self.slots[operand.slot].as_ref()
    }

    fn slot(&mut self, tensor: Option<Tensor>, layout: Layout, kind: DType) -> Operand {
        self.slots.push(tensor);
        Operand { slot: self.slots.len() - 1, layout, kind }
    }

    /// Another way to look at an operand.
    pub(crate) fn view(
        &mut self,
        does: &'static str,
        from: &Operand,
        layout: Layout,
        kernel: impl Fn(&Tensor) -> candle_core::Result<Tensor> + Send + Sync + 'static,
    ) -> Lowered<Operand> {
        let kernel: Kernel = Box::new(move |operands| kernel(operands.get(0)?));
        self.step((does, Movement::View), &[from], (layout, from.kind), kernel)
    }

    /// New elements, row-major.
    pub(crate) fn compute(
        &mut self,
        does: &'static str,
        from: &[&Operand],
        (shape, kind): (&[usize], DType),
        kernel: impl Fn(&Operands<'_>) -> candle_core::Result<Tensor> + Send + Sync + 'static,
    ) -> Lowered<Operand> {
        let layout = Layout::contiguous(shape);
        self.step((does, Movement::Compute), from, (layout, kind), Box::new(kernel))
    }

    /// The same elements in row-major order: itself if they lie so already.
    pub(crate) fn contiguous(&mut self, from: &Operand) -> Lowered<Operand> {
        if from.layout.is_contiguous() {
            return Ok(from.clone());
        }
        let layout = Layout::contiguous(from.layout.shape());
        let kernel: Kernel = Box::new(|operands| operands.get(0)?.contiguous());
        self.step(("contiguous", Movement::Copy), &[from], (layout, from.kind), kernel)
    }

    /// Appends a step, or takes it now if all it needs is there.
    pub(crate) fn step(
        &mut self,
        (does, movement): (&'static str, Movement),
        from: &[&Operand],
        (layout, kind): (Layout, DType),
        kernel: Kernel,
    ) -> Lowered<Operand> {
        let operands: Vec<usize> = from.iter().map(|operand| operand.slot).collect();
        if from.iter().all(|operand| self.known(operand).is_some()) {
            let tensor = kernel(&Operands::new(&self.slots, &operands))?;
            return Ok(self.constant(tensor));
        }
        let result = self.slot(None, layout.clone(), kind);
        let read: usize = from.iter().map(|operand| operand.bytes()).sum();
        let bytes = if movement == Movement::View { 0 } else { read + result.bytes() };
        let (node, operator, shape) = (self.node.clone(), self.operator, layout.dims().to_vec());
        let about = StepDescription { node, operator, does, movement, shape, bytes };
        let (result, frees) = (result.slot, Vec::new());
        self.steps.push(Step { about, kernel, operands, result, layout, kind, frees });
        Ok(Operand { slot: result, layout: self.steps[self.steps.len() - 1].layout.clone(), kind })
    }

    /// Leaves out constants that nobody reads, and notes where every slot is read for the last time.
    fn finish(mut self, batch: usize, input: usize, outputs: Vec<usize>) -> Plan {
        let constant: Vec<bool> = self.slots.iter().map(Option::is_some).collect();
        let mut kept: Vec<bool> = vec![false; self.slots.len()];
        outputs.iter().for_each(|&slot| kept[slot] = true);
        let mut read = kept.clone();
        for step in self.steps.iter_mut().rev() {
            for &slot in step.operands.iter().chain([&step.result]) {
                if !std::mem::replace(&mut read[slot], true) && !constant[slot] {
                    step.frees.push(slot);
                }
            }
        }
        for (slot, read) in self.slots.iter_mut().zip(read) {
            *slot = slot.take().filter(|_| read);
        }
        Plan { batch, steps: self.steps, slots: self.slots, input, outputs }
    }
}

/// The shape with an axis' length set.
pub(crate) fn with_length(shape: &[usize], axis: usize, length: usize) -> Vec<usize> {
    let mut shape = shape.to_vec();
    shape[axis] = length;
    shape
}

/// A layout of this shape and these strides.
pub(crate) fn layout(shape: Vec<usize>, strides: Vec<usize>, start: usize) -> Layout {
    Layout::new(Shape::from(shape), strides, start)
}
