//! float16 to float32, throughout a model and before its graph is translated: half-precision
//! arithmetic is emulated on CPUs and hundreds of times slower.

use tract_onnx::{
    pb::{
        AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto,
        attribute_proto::AttributeType, tensor_proto::DataType, type_proto,
    },
    tract_hir::internal::f16,
};

const HALF: i32 = DataType::Float16 as i32;
const SINGLE: i32 = DataType::Float as i32;

/// The attributes by which standard operators name an element type.
const TYPE_ATTRIBUTES: [&str; 6] =
    ["to", "dtype", "output_dtype", "output_datatype", "stash_type", "softmax_precision"];

/// Lifts everything in the model.
pub(crate) fn model(proto: &mut ModelProto) {
    if let Some(main) = &mut proto.graph {
        graph(main);
    }
}

fn graph(graph: &mut GraphProto) {
    graph.initializer.iter_mut().for_each(tensor);
    graph.node.iter_mut().for_each(node);
    let GraphProto { input, output, value_info, .. } = graph;
    input.iter_mut().chain(output).chain(value_info).for_each(info);
}

fn node(node: &mut NodeProto) {
    for attribute in &mut node.attribute {
        if names_half(attribute) {
            attribute.i = SINGLE.into();
        }
        attribute.t.iter_mut().chain(&mut attribute.tensors).for_each(tensor);
        attribute.g.iter_mut().chain(&mut attribute.graphs).for_each(graph);
    }
}

fn names_half(attribute: &AttributeProto) -> bool {
    attribute.r#type == AttributeType::Int as i32
        && attribute.i == i64::from(HALF)
        && TYPE_ATTRIBUTES.contains(&attribute.name.as_str())
}

fn info(info: &mut ValueInfoProto) {
    if let Some(type_proto::Value::TensorType(tensor)) =
        info.r#type.as_mut().and_then(|r#type| r#type.value.as_mut())
        && tensor.elem_type == HALF
    {
        tensor.elem_type = SINGLE;
    }
}

/// The format keeps halves either as little-endian bytes or, one each, in the low bits of integers.
fn tensor(tensor: &mut TensorProto) {
    if tensor.data_type != HALF {
        return;
    }
    tensor.data_type = SINGLE;
    let halves = tensor.raw_data.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
    tensor.raw_data =
        halves.flat_map(|half| f16::from_le_bytes(half).to_f32().to_le_bytes()).collect();
    tensor.float_data = std::mem::take(&mut tensor.int32_data).into_iter().map(low_half).collect();
}

fn low_half(word: i32) -> f32 {
    let [low, high, ..] = word.to_le_bytes();
    f16::from_le_bytes([low, high]).to_f32()
}

#[cfg(test)]
mod tests {
    use tract_onnx::pb::{
        AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto,
        attribute_proto::AttributeType,
    };

    use super::{HALF, SINGLE, model};

    /// 1, -2, 65504 (the largest) and 2^-24 (the smallest) as halves.
    const HALVES: [u16; 4] = [0x3c00, 0xc000, 0x7bff, 0x0001];
    const SINGLES: [f32; 4] = [1.0, -2.0, 65504.0, 5.960_464_5e-8];

    fn lifted(node: NodeProto, initializer: TensorProto) -> GraphProto {
        let graph =
            GraphProto { node: vec![node], initializer: vec![initializer], ..Default::default() };
        let mut proto = ModelProto { graph: Some(graph), ..Default::default() };
        model(&mut proto);
        proto.graph.unwrap()
    }

    #[test]
    fn both_encodings_give_the_same_numbers() {
        let raw_data: Vec<u8> = HALVES.iter().flat_map(|half| half.to_le_bytes()).collect();
        let int32_data = HALVES.iter().map(|half| i32::from(*half)).collect();
        let raw = TensorProto { data_type: HALF, raw_data, ..Default::default() };
        let typed = TensorProto { data_type: HALF, int32_data, ..Default::default() };

        let raw = lifted(NodeProto::default(), raw).initializer.remove(0);
        let typed = lifted(NodeProto::default(), typed).initializer.remove(0);
        let expected: Vec<u8> = SINGLES.iter().flat_map(|single| single.to_le_bytes()).collect();
        assert_eq!((raw.data_type, raw.raw_data), (SINGLE, expected));
        assert_eq!((typed.data_type, typed.float_data), (SINGLE, SINGLES.to_vec()));
        assert!(typed.int32_data.is_empty());
    }

    #[test]
    fn casts_constants_and_subgraphs_are_lifted() {
        let half = TensorProto { data_type: HALF, int32_data: vec![0x3c00], ..Default::default() };
        let constant = AttributeProto { t: Some(half.clone()), ..Default::default() };
        let cast = AttributeProto {
            name: "to".into(),
            r#type: AttributeType::Int as i32,
            i: HALF.into(),
            ..Default::default()
        };
        let inner = NodeProto { attribute: vec![constant, cast], ..Default::default() };
        let body = GraphProto { node: vec![inner], ..Default::default() };
        let body = AttributeProto { g: Some(body), ..Default::default() };
        let outer = NodeProto { attribute: vec![body], ..Default::default() };

        let graph = lifted(outer, half);
        let inner = &graph.node[0].attribute[0].g.as_ref().unwrap().node[0];
        assert_eq!(inner.attribute[0].t.as_ref().unwrap().float_data, [1.0]);
        assert_eq!(inner.attribute[1].i, i64::from(SINGLE));
    }

    #[test]
    fn an_attribute_that_is_ten_by_chance_stays() {
        let axis = AttributeProto {
            name: "axis".into(),
            r#type: AttributeType::Int as i32,
            i: HALF.into(),
            ..Default::default()
        };
        let node = NodeProto { attribute: vec![axis], ..Default::default() };
        assert_eq!(lifted(node, TensorProto::default()).node[0].attribute[0].i, i64::from(HALF));
    }
}
