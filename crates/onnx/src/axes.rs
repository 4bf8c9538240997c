//! Names of axes, which the importer reads as arithmetic: `floor(height/8)` is one.

use tract_onnx::pb::{
    GraphProto, ModelProto, TensorShapeProto, ValueInfoProto, tensor_shape_proto::dimension::Value,
    type_proto,
};

/// Longest name that the importer gets to read. It descends into brackets and signs by calling itself, and keeps sums
/// as trees, so that a long name could exhaust the stack.
const LONGEST: usize = 64;

/// Makes axes with longer names nameless, which says no less about a shape: it is settled otherwise.
pub(crate) fn forget_long_names(proto: &mut ModelProto) {
    if let Some(main) = &mut proto.graph {
        graph(main);
    }
}

fn graph(graph: &mut GraphProto) {
    let GraphProto { input, output, value_info, node, .. } = graph;
    input.iter_mut().chain(output).chain(value_info).filter_map(shape).for_each(forget);
    for attribute in node.iter_mut().flat_map(|node| &mut node.attribute) {
        attribute.g.iter_mut().chain(&mut attribute.graphs).for_each(self::graph);
    }
}

fn shape(info: &mut ValueInfoProto) -> Option<&mut TensorShapeProto> {
    match info.r#type.as_mut()?.value.as_mut()? {
        type_proto::Value::TensorType(tensor) => tensor.shape.as_mut(),
    }
}

fn forget(shape: &mut TensorShapeProto) {
    for dimension in &mut shape.dim {
        if matches!(&dimension.value, Some(Value::DimParam(name)) if name.len() > LONGEST) {
            dimension.value = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use tract_onnx::pb::{
        GraphProto, ModelProto, TensorShapeProto, TypeProto, ValueInfoProto,
        tensor_shape_proto::{Dimension, dimension::Value},
        type_proto,
    };

    use super::{LONGEST, forget_long_names};

    #[test]
    fn only_long_names_are_forgotten() {
        let names = ["batch".to_owned(), "(".repeat(LONGEST), "(".repeat(LONGEST + 1)];
        let dim = names
            .map(|name| Dimension { value: Some(Value::DimParam(name)), ..Default::default() });
        let shape = Some(TensorShapeProto { dim: dim.to_vec() });
        let tensor = type_proto::Tensor { elem_type: 1, shape };
        let r#type =
            TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() };
        let input = ValueInfoProto { r#type: Some(r#type), ..Default::default() };
        let graph = GraphProto { input: vec![input], ..Default::default() };
        let mut proto = ModelProto { graph: Some(graph), ..Default::default() };
        forget_long_names(&mut proto);
        let input = proto.graph.unwrap().input.remove(0).r#type.unwrap().value.unwrap();
        let type_proto::Value::TensorType(tensor) = input;
        let named: Vec<bool> =
            tensor.shape.unwrap().dim.iter().map(|dim| dim.value.is_some()).collect();
        assert_eq!(named, [true, true, false]);
    }
}
