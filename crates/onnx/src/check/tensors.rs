//! Whether constants hold what they say: their data, in this file, of a type that can be held, and numbers.

use tract_onnx::pb::{
    AttributeProto, GraphProto, TensorProto,
    tensor_proto::{DataLocation, DataType},
};

use super::subgraphs;
use crate::OnnxError;

/// Bits of a half without its sign, and the largest of them that is no NaN: infinity.
const HALF_BITS: u16 = 0x7fff;
const HALF_INFINITY: u16 = 0x7c00;

/// Checks the constants of the graph and of all graphs in it.
pub(super) fn check(graph: &GraphProto) -> Result<(), OnnxError> {
    graph.initializer.iter().try_for_each(|weights| tensor(weights, &weights.name))?;
    for node in &graph.node {
        for attribute in &node.attribute {
            held(attribute).try_for_each(|value| tensor(value, super::name(node)))?;
        }
        subgraphs(node).try_for_each(check)?;
    }
    Ok(())
}

fn held(attribute: &AttributeProto) -> impl Iterator<Item = &TensorProto> {
    attribute.t.iter().chain(&attribute.tensors)
}

fn tensor(tensor: &TensorProto, name: &str) -> Result<(), OnnxError> {
    if let Some(location) = external(tensor) {
        return Err(OnnxError::ExternalData { tensor: name.to_owned(), location });
    }
    let data_type = DataType::try_from(tensor.data_type);
    let Some((element, size)) = data_type.ok().and_then(element_size) else {
        let element =
            data_type.map_or(tensor.data_type.to_string(), |known| known.as_str_name().to_owned());
        return Err(OnnxError::ElementType { tensor: name.to_owned(), element });
    };
    let bytes = data_bytes(tensor, element, size);
    let expected = volume(&tensor.dims).and_then(|volume| volume.checked_mul(size));
    if expected != Some(bytes) {
        let (tensor, shape) = (name.to_owned(), tensor.dims.clone());
        return Err(OnnxError::DataMismatch { tensor, shape, bytes });
    }
    match (nans(tensor, element), volume(&tensor.dims).unwrap_or_default()) {
        // A single one may be meant: a graph can ask for it.
        (0, _) | (_, 0 | 1) => Ok(()),
        (count, elements) => {
            Err(OnnxError::NotANumber { tensor: name.to_owned(), count, elements })
        }
    }
}

/// Where a tensor says that its data is, when that is not in the file itself.
fn external(tensor: &TensorProto) -> Option<String> {
    let elsewhere = tensor.data_location == Some(DataLocation::External as i32);
    let location = tensor.external_data.iter().find(|entry| entry.key == "location");
    let unnamed = elsewhere.then(String::new);
    location.map(|entry| entry.value.clone()).or(unnamed)
}

/// The types that the importer can hold, with the bytes of an element; a string counts as one.
fn element_size(data_type: DataType) -> Option<(DataType, usize)> {
    use DataType::{
        Bool, Double, Float, Float16, Int8, Int16, Int32, Int64, String, Uint8, Uint16, Uint32,
        Uint64,
    };
    const SIZES: [(DataType, usize); 13] = [
        (Bool, 1),
        (Int8, 1),
        (Uint8, 1),
        (Float16, 2),
        (Int16, 2),
        (Uint16, 2),
        (Float, 4),
        (Int32, 4),
        (Uint32, 4),
        (Double, 8),
        (Int64, 8),
        (Uint64, 8),
        (String, 1),
    ];
    SIZES.into_iter().find(|(known, _)| *known == data_type)
}

/// How many bytes of data a tensor has, in whichever of the places that the format has for its type.
fn data_bytes(tensor: &TensorProto, element: DataType, size: usize) -> usize {
    if element != DataType::String && !tensor.raw_data.is_empty() {
        return tensor.raw_data.len();
    }
    let places = [
        (DataType::String, tensor.string_data.len()),
        (DataType::Float, tensor.float_data.len()),
        (DataType::Double, tensor.double_data.len()),
        (DataType::Int64, tensor.int64_data.len()),
        (DataType::Uint32, tensor.uint64_data.len()),
        (DataType::Uint64, tensor.uint64_data.len()),
    ];
    let place = places.into_iter().find(|(kind, _)| *kind == element);
    let elements = place.map_or(tensor.int32_data.len(), |(_, elements)| elements);
    elements.saturating_mul(size)
}

pub(super) fn volume(dims: &[i64]) -> Option<usize> {
    dims.iter().try_fold(1_usize, |volume, dim| volume.checked_mul(usize::try_from(*dim).ok()?))
}

/// How many of the numbers are none. Infinity is one: graphs mask with it.
fn nans(tensor: &TensorProto, element: DataType) -> usize {
    let raw = &tensor.raw_data;
    if element == DataType::Float {
        let typed = tensor.float_data.iter().filter(|number| number.is_nan());
        let raw = raw.as_chunks().0.iter().filter(|bytes| f32::from_le_bytes(**bytes).is_nan());
        return typed.count() + raw.count();
    }
    if element == DataType::Double {
        let typed = tensor.double_data.iter().filter(|number| number.is_nan());
        let raw = raw.as_chunks().0.iter().filter(|bytes| f64::from_le_bytes(**bytes).is_nan());
        return typed.count() + raw.count();
    }
    if element == DataType::Float16 {
        let typed = tensor.int32_data.iter().map(|word| {
            let [low, high, ..] = word.to_le_bytes();
            [low, high]
        });
        let all = raw.as_chunks().0.iter().copied().chain(typed);
        let nan = |bytes: &[u8; 2]| u16::from_le_bytes(*bytes) & HALF_BITS > HALF_INFINITY;
        return all.filter(nan).count();
    }
    0
}

#[cfg(test)]
mod tests {
    use tract_onnx::pb::{TensorProto, tensor_proto::DataType};

    use super::tensor;
    use crate::OnnxError;

    fn of(data_type: DataType, dims: &[i64]) -> TensorProto {
        TensorProto { data_type: data_type as i32, dims: dims.to_vec(), ..Default::default() }
    }

    fn nans(tensor_proto: &TensorProto) -> Option<(usize, usize)> {
        match tensor(tensor_proto, "w") {
            Ok(()) => None,
            Err(OnnxError::NotANumber { count, elements, .. }) => Some((count, elements)),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn what_is_no_number_is_counted_in_every_type_and_place() {
        let floats = [1.0, f32::NAN, f32::INFINITY, -f32::NAN];
        let typed = TensorProto { float_data: floats.to_vec(), ..of(DataType::Float, &[4]) };
        let raw_data = floats.iter().flat_map(|number| number.to_le_bytes()).collect();
        let raw = TensorProto { raw_data, ..of(DataType::Float, &[2, 2]) };
        assert_eq!((nans(&typed), nans(&raw)), (Some((2, 4)), Some((2, 4))));

        let doubles = vec![f64::NAN, 0.0];
        let typed = TensorProto { double_data: doubles, ..of(DataType::Double, &[2]) };
        assert_eq!(nans(&typed), Some((1, 2)));

        // Infinity of both signs, then NaN of both signs.
        let halves = [0x7c00, 0xfc00, 0x7e00, 0xfc01];
        let typed = TensorProto { int32_data: halves.to_vec(), ..of(DataType::Float16, &[4]) };
        assert_eq!(nans(&typed), Some((2, 4)));
        let single = TensorProto { float_data: vec![f32::NAN], ..of(DataType::Float, &[]) };
        assert_eq!(nans(&single), None);
    }

    #[test]
    fn data_that_is_missing_or_too_much_is_told_in_every_place() {
        let short = [
            TensorProto { float_data: vec![0.0; 3], ..of(DataType::Float, &[30_000, 30_000]) },
            TensorProto { int64_data: vec![0; 3], ..of(DataType::Int64, &[2]) },
            TensorProto { int32_data: vec![0; 3], ..of(DataType::Bool, &[]) },
            of(DataType::Uint8, &[1]),
            of(DataType::String, &[2]),
        ];
        for tensor_proto in short {
            let error = tensor(&tensor_proto, "w").unwrap_err();
            assert!(matches!(error, OnnxError::DataMismatch { .. }), "{error}");
        }
        assert!(tensor(&of(DataType::Int64, &[0]), "w").is_ok(), "an empty list");
        let text = TensorProto { string_data: vec![b"ab".to_vec()], ..of(DataType::String, &[1]) };
        assert!(tensor(&text, "w").is_ok());
    }
}
