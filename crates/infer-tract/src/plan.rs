//! From a typed graph to an optimised plan whose outputs are all f32 and count images first.

use std::sync::Arc;

use detections_onnx::TypedGraph;
use detections_types::{Signature, TensorInfo};
use tract_core::{
    ops::cast::wire_cast,
    prelude::{Datum, OutletId, TVec, TractResult, TypedFact, TypedModel, TypedSimplePlan},
};

use crate::{InferTractError, guard::guarded};

/// Compiles the graph, which takes `batch` images at once.
///
/// The typed graph is consumed: what remains are the weights in the kernels' own order, once.
pub(crate) fn compile(
    graph: TypedGraph,
    signature: &Signature,
    batch: usize,
) -> Result<Arc<TypedSimplePlan>, InferTractError> {
    let mut model = graph.into_inner();
    for (index, output) in signature.outputs.iter().enumerate() {
        let fact = guarded("looking at its outputs", || model.output_fact(index))?;
        check_output(output, fact, batch)?;
    }
    guarded("casting its outputs", || cast_outputs(&mut model))?;
    guarded("optimising it", || model.optimize())?;
    guarded("ordering its nodes", || TypedSimplePlan::new(model))
}

fn check_output(
    output: &TensorInfo,
    fact: &TypedFact,
    batch: usize,
) -> Result<(), InferTractError> {
    let settled = fact.shape.as_concrete();
    if settled.is_some_and(|dims| dims.first() == Some(&batch)) {
        return Ok(());
    }
    let dims: Vec<String> = fact.shape.iter().map(ToString::to_string).collect();
    let (output, shape) = (output.name.clone(), dims.join(", "));
    Err(InferTractError::Output {
        output,
        shape,
        batch,
    })
}

/// Integers become f32 as the last step of the plan; f32 outputs are left as they are.
fn cast_outputs(model: &mut TypedModel) -> TractResult<()> {
    let outputs = model.outputs.clone().into_iter().enumerate();
    let cast: TractResult<Vec<TVec<OutletId>>> = outputs
        .map(|(index, outlet)| {
            wire_cast(
                format!("output-{index}"),
                model,
                &[outlet],
                f32::datum_type(),
            )
        })
        .collect();
    model.select_output_outlets(&cast?.concat())
}
