//! Operators that make tensors out of a few numbers: what they claim is looked at before the importer, which folds
//! constants while it translates, makes it.

use std::collections::HashMap;

use tract_onnx::pb::{GraphProto, NodeProto, TensorProto, tensor_proto::DataType};

use super::{name, subgraphs, tensors::volume};
use crate::{GraphInput, OnnxError};

/// The graph's constants by name.
type Constants<'a> = HashMap<&'a str, &'a TensorProto>;

/// Checks the graph and all graphs in it.
pub(super) fn check(graph: &GraphProto) -> Result<(), OnnxError> {
    let weights = graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor));
    let computed = graph.node.iter().filter_map(|node| {
        let value = node.attribute.iter().find(|attribute| attribute.name == "value")?;
        let output = node.output.first().filter(|_| node.op_type == "Constant")?;
        Some((output.as_str(), value.t.as_ref()?))
    });
    let constants: Constants<'_> = weights.chain(computed).collect();
    for node in &graph.node {
        let limit = GraphInput::MAX_ELEMENTS;
        if let Some(elements) = claimed(node, &constants).filter(|elements| *elements > limit) {
            return Err(OnnxError::TensorTooLarge { node: name(node).to_owned(), elements, limit });
        }
        subgraphs(node).try_for_each(check)?;
    }
    Ok(())
}

/// How many elements a node is told to make, where constants tell.
fn claimed(node: &NodeProto, constants: &Constants<'_>) -> Option<usize> {
    let input = |index: usize| constants.get(node.input.get(index)?.as_str()).copied();
    match node.op_type.as_str() {
        "ConstantOfShape" => product(&whole_numbers(input(0)?)?),
        "Expand" => product(&whole_numbers(input(1)?)?),
        "Tile" => {
            let times = product(&whole_numbers(input(1)?)?)?;
            let given = input(0).and_then(|tensor| volume(&tensor.dims)).unwrap_or(1);
            Some(times.saturating_mul(given))
        }
        "Range" => {
            let [start, limit, step] = [input(0)?, input(1)?, input(2)?].map(first_number);
            Some(count((limit? - start?) / step?))
        }
        "RandomNormal" | "RandomUniform" => {
            let shape = node.attribute.iter().find(|attribute| attribute.name == "shape")?;
            product(&shape.ints)
        }
        _ => None,
    }
}

/// Steps that are begun, as many as can be counted; none where they are no number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a limit is compared, and the cast saturates"
)]
const fn count(steps: f64) -> usize {
    steps.ceil().max(0.0) as usize
}

/// All lengths multiplied, as much as can be counted where that is too much; negative ones are the importer's to refuse.
fn product(lengths: &[i64]) -> Option<usize> {
    let lengths: Option<Vec<usize>> = lengths.iter().map(|n| usize::try_from(*n).ok()).collect();
    let lengths = lengths?;
    if lengths.contains(&0) {
        return Some(0);
    }
    Some(lengths.into_iter().fold(1, usize::saturating_mul))
}

fn whole_numbers(tensor: &TensorProto) -> Option<Vec<i64>> {
    let raw = &tensor.raw_data;
    if tensor.data_type == DataType::Int64 as i32 {
        let raw = raw.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes));
        return Some(tensor.int64_data.iter().copied().chain(raw).collect());
    }
    if tensor.data_type == DataType::Int32 as i32 {
        let raw = raw.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes));
        return Some(tensor.int32_data.iter().copied().chain(raw).map(i64::from).collect());
    }
    None
}

#[expect(clippy::cast_precision_loss, reason = "a limit is compared")]
fn first_number(tensor: &TensorProto) -> Option<f64> {
    if tensor.data_type == DataType::Float as i32 {
        let raw = tensor.raw_data.first_chunk().map(|bytes| f32::from_le_bytes(*bytes));
        return Some(tensor.float_data.first().copied().or(raw)?.into());
    }
    whole_numbers(tensor)?.first().map(|number| *number as f64)
}

#[cfg(test)]
mod tests {
    use tract_onnx::pb::{
        AttributeProto, GraphProto, NodeProto, TensorProto, tensor_proto::DataType,
    };

    use super::check;
    use crate::OnnxError;

    fn numbers(name: &str, numbers: &[i64]) -> TensorProto {
        TensorProto {
            name: name.into(),
            data_type: DataType::Int64 as i32,
            dims: vec![i64::try_from(numbers.len()).unwrap()],
            raw_data: numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
            ..Default::default()
        }
    }

    fn claimed(operator: &str, inputs: &[&[i64]]) -> Option<usize> {
        let names: Vec<String> = (0..inputs.len()).map(|at| format!("i{at}")).collect();
        let initializer = names.iter().zip(inputs).map(|(name, input)| numbers(name, input));
        let initializer = initializer.collect();
        let node = NodeProto { op_type: operator.into(), input: names, ..Default::default() };
        let graph = GraphProto { node: vec![node], initializer, ..Default::default() };
        match check(&graph) {
            Ok(()) => None,
            Err(OnnxError::TensorTooLarge { elements, .. }) => Some(elements),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn what_a_node_is_told_to_make_is_counted_before_it_is_made() {
        let square: &[i64] = &[30_000, 30_000];
        assert_eq!(claimed("ConstantOfShape", &[square]), Some(900_000_000));
        assert_eq!(claimed("Expand", &[&[1], square]), Some(900_000_000));
        assert_eq!(claimed("Tile", &[&[1, 2], square]), Some(1_800_000_000));
        assert_eq!(claimed("Range", &[&[0], &[3_000_000_000], &[2]]), Some(1_500_000_000));
        assert_eq!(
            claimed("ConstantOfShape", &[&[i64::MAX, i64::MAX, i64::MAX]]),
            Some(usize::MAX)
        );
        let sensible: [&[i64]; 3] = [&[640, 640], &[i64::MAX, 0], &[-1, 1 << 40]];
        for sides in sensible {
            assert_eq!(claimed("ConstantOfShape", &[sides]), None, "{sides:?}");
        }
        assert_eq!(claimed("Range", &[&[0], &[10], &[0]]), Some(usize::MAX));
        assert_eq!(claimed("Range", &[&[0], &[0], &[0]]), None);
        assert_eq!(
            claimed("Expand", &[&[1]]),
            None,
            "nothing is said against a missing input here"
        );
    }

    #[test]
    fn constants_of_nodes_and_attributes_count_too() {
        let value = AttributeProto {
            name: "value".into(),
            t: Some(numbers("", &[1 << 20, 1 << 20])),
            ..Default::default()
        };
        let shape = NodeProto {
            op_type: "Constant".into(),
            output: vec!["shape".into()],
            attribute: vec![value],
            ..Default::default()
        };
        let zeros = NodeProto {
            op_type: "ConstantOfShape".into(),
            input: vec!["shape".into()],
            output: vec!["zeros".into()],
            ..Default::default()
        };
        let noise = AttributeProto {
            name: "shape".into(),
            ints: vec![1 << 20, 1 << 20],
            ..Default::default()
        };
        let noise = NodeProto {
            op_type: "RandomNormal".into(),
            attribute: vec![noise],
            ..Default::default()
        };
        for nodes in [vec![shape, zeros], vec![noise]] {
            let graph = GraphProto { node: nodes, ..Default::default() };
            assert!(matches!(check(&graph), Err(OnnxError::TensorTooLarge { .. })));
        }
    }
}
