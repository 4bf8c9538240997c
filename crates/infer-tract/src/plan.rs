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
    // A plan for one image may give outputs that do not count images: all of them are that image's.
    if batch == 1 || settled.is_some_and(|dims| dims.first() == Some(&batch)) {
        return Ok(());
    }
    let dims: Vec<String> = fact.shape.iter().map(ToString::to_string).collect();
    let (output, shape) = (output.name.clone(), dims.join(", "));
    Err(InferTractError::Output { output, shape, batch })
}

/// Integers become f32 as the last step of the plan; f32 outputs are left as they are.
fn cast_outputs(model: &mut TypedModel) -> TractResult<()> {
    let outputs = model.outputs.clone().into_iter().enumerate();
    let cast: TractResult<Vec<TVec<OutletId>>> = outputs
        .map(|(index, outlet)| {
            wire_cast(format!("output-{index}"), model, &[outlet], f32::datum_type())
        })
        .collect();
    model.select_output_outlets(&cast?.concat())
}

#[cfg(test)]
mod tests {
    use detections_types::{ElementType, TensorInfo};
    use tract_core::{
        ops::cast::cast,
        prelude::{
            Datum, DatumExt, Graph, IntoTValue, SpecialOps, Tensor, TypedModel, TypedSimplePlan,
            tvec,
        },
    };

    use super::{cast_outputs, check_output};

    fn refusal(shape: &[usize], batch: usize) -> Option<String> {
        let output =
            TensorInfo { name: "boxes".into(), element: ElementType::F32, shape: Vec::new() };
        check_output(&output, &f32::fact(shape), batch).err().map(|error| error.to_string())
    }

    #[test]
    fn outputs_that_do_not_count_images_are_refused_by_name_and_shape() {
        assert_eq!(refusal(&[4, 84, 8400], 4), None);
        for shape in [[300, 6], [1, 6]] {
            let text = refusal(&shape, 4).unwrap();
            assert!(text.contains("`boxes`") && text.contains(&format!("{shape:?}")), "{text}");
        }
        assert!(refusal(&[], 4).is_some());
        assert_eq!(refusal(&[300, 7], 1), None, "all rows are the one image's");
    }

    #[test]
    fn integers_come_out_as_floats_and_floats_as_they_are() {
        let mut model: TypedModel = Graph::default();
        let source = model.add_source("images", f32::fact([1, 2])).unwrap();
        let whole = model.wire_node("whole", cast(i64::datum_type()), &[source]).unwrap()[0];
        model.select_output_outlets(&[whole, source, whole]).unwrap();
        cast_outputs(&mut model).unwrap();
        assert_eq!(model.outputs[1], source);

        let plan = TypedSimplePlan::new(model.into_optimized().unwrap()).unwrap();
        let input = Tensor::from_shape(&[1, 2], &[2.0_f32, -7.0]).unwrap();
        for output in plan.run(tvec!(input.clone().into_tvalue())).unwrap() {
            assert_eq!(*output, input);
        }
    }
}
