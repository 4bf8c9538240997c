//! A loaded graph: steps in order, each with the slots of its operands and its result.

use candle_core::{DType, Layout, Tensor};

use crate::{InferCandleError, step::StepDescription};

/// What a step does with its operands.
pub(crate) type Kernel = Box<dyn Fn(&Operands<'_>) -> candle_core::Result<Tensor> + Send + Sync>;

/// The operands of a step that is run.
pub(crate) struct Operands<'a> {
    slots: &'a [Option<Tensor>],
    places: &'a [usize],
}

impl<'a> Operands<'a> {
    pub(crate) const fn new(slots: &'a [Option<Tensor>], places: &'a [usize]) -> Self {
        Self { slots, places }
    }

    /// The operand at `index`.
    pub(crate) fn get(&self, index: usize) -> candle_core::Result<&'a Tensor> {
        let slot = self.places.get(index).and_then(|&place| self.slots.get(place)?.as_ref());
        slot.ok_or_else(|| candle_core::Error::Msg(format!("operand {index} is not there")))
    }

    /// All of them.
    pub(crate) fn all(&self) -> candle_core::Result<Vec<&'a Tensor>> {
        (0..self.places.len()).map(|index| self.get(index)).collect()
    }
}

/// One step.
pub(crate) struct Step {
    pub(crate) about: StepDescription,
    pub(crate) kernel: Kernel,
    pub(crate) operands: Vec<usize>,
    pub(crate) result: usize,
    /// How its result lies in memory.
    pub(crate) layout: Layout,
    pub(crate) kind: DType,
    /// The slots that nobody reads after this step.
    pub(crate) frees: Vec<usize>,
}

/// All steps of a graph for one number of images.
pub(crate) struct Plan {
    pub(crate) batch: usize,
    pub(crate) steps: Vec<Step>,
    /// The slots before a run: constants are there, everything else is empty.
    pub(crate) slots: Vec<Option<Tensor>>,
    pub(crate) input: usize,
    pub(crate) outputs: Vec<usize>,
}

impl Plan {
    /// Runs all steps; `slots` are this plan's, left as they were after a run that went well.
    pub(crate) fn run(
        &self,
        slots: &mut [Option<Tensor>],
        input: Tensor,
    ) -> Result<Vec<Tensor>, InferCandleError> {
        slots[self.input] = Some(input);
        for step in &self.steps {
            let result = (step.kernel)(&Operands::new(slots, &step.operands));
            slots[step.result] = Some(result.map_err(|source| step.failed(source))?);
            step.frees.iter().for_each(|&slot| slots[slot] = None);
        }
        let outputs = self.outputs.iter().map(|&slot| slots[slot].clone());
        let outputs: Option<Vec<Tensor>> = outputs.collect();
        slots.clone_from_slice(&self.slots);
        outputs.ok_or(InferCandleError::Transfer {
            stage: "collecting the outputs",
            source: "an output was never computed".into(),
        })
    }

    /// Runs all steps once and holds each result against what was foretold of it.
    pub(crate) fn prove(&self, input: Tensor) -> Result<(), InferCandleError> {
        let mut slots = self.slots.clone();
        slots[self.input] = Some(input);
        for step in &self.steps {
            let result = (step.kernel)(&Operands::new(&slots, &step.operands));
            let result = result.map_err(|source| step.refused(source.into()))?;
            step.check(&result)?;
            slots[step.result] = Some(result);
            step.frees.iter().for_each(|&slot| slots[slot] = None);
        }
        Ok(())
    }
}

impl Step {
    fn check(&self, result: &Tensor) -> Result<(), InferCandleError> {
        if result.dtype() == self.kind && same(result.layout(), &self.layout) {
            return Ok(());
        }
        let (found, kind) = (result.layout(), result.dtype());
        let text = format!("{kind:?} {found:?} came out, not {:?} {:?}", self.kind, self.layout);
        Err(self.refused(text.into()))
    }

    fn failed(&self, source: candle_core::Error) -> InferCandleError {
        let StepDescription { node, operator, .. } = &self.about;
        let (node, operator) = (node.clone(), (*operator).to_owned());
        InferCandleError::Run { node, operator, source: source.into() }
    }

    fn refused(&self, source: Box<dyn std::error::Error + Send + Sync>) -> InferCandleError {
        let StepDescription { node, operator, .. } = &self.about;
        let (node, operator) = (node.clone(), (*operator).to_owned());
        InferCandleError::Refused { node, operator, source }
    }
}

/// Whether two layouts lead to the same elements, but for where they begin.
fn same(a: &Layout, b: &Layout) -> bool {
    let strides = |layout: &Layout| -> Vec<usize> {
        let axes = layout.dims().iter().zip(layout.stride());
        axes.filter(|(length, _)| **length > 1).map(|(_, stride)| *stride).collect()
    };
    a.dims() == b.dims() && strides(a) == strides(b)
}
