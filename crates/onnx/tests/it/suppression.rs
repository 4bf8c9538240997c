//! Graphs that suppress boxes themselves: where they are cut, and what is told of it.

use detections_onnx::{GraphInput, OnnxFile};
use detections_types::{BoxNumbers, ModelDescription, Proposals};
use tract_onnx::pb::{
    AttributeProto, ModelProto, NodeProto, TensorProto, attribute_proto::AttributeType,
    tensor_proto::DataType,
};

use crate::build::{Axis, bytes, int, model, node, singles, value};

fn ints(name: &str, numbers: &[i64]) -> AttributeProto {
    let r#type = AttributeType::Ints as i32;
    AttributeProto { name: name.into(), r#type, ints: numbers.to_vec(), ..Default::default() }
}

fn with(mut node: NodeProto, attributes: &[AttributeProto]) -> NodeProto {
    node.attribute = attributes.to_vec();
    node
}

fn whole(name: &str, numbers: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: vec![i64::try_from(numbers.len()).unwrap()],
        data_type: DataType::Int64 as i32,
        int64_data: numbers.to_vec(),
        ..Default::default()
    }
}

fn split(source: &str, sizes: &str, parts: [&str; 2]) -> NodeProto {
    let mut split = with(node("Split", &[source, sizes], parts[0]), &[int("axis", 2)]);
    split.output.push(parts[1].into());
    split
}

/// 16 boxes with two classes in `rows [1, 6, 16]`, as Ultralytics' exporter suppresses them: only those that are
/// sure are chosen, their corners are shifted by their class, and what stays is gathered.
fn chosen_before(between: &[NodeProto], shifted: &str) -> ModelProto {
    let mut nodes = vec![
        node("Conv", &["images", "w"], "planes"),
        node("Reshape", &["planes", "rows_shape"], "rows"),
        with(node("Transpose", &["rows"], "columns"), &[ints("perm", &[0, 2, 1])]),
        split("columns", "sizes", ["boxes", "scores"]),
        with(node("ReduceMax", &["scores"], "best"), &[ints("axes", &[2]), int("keepdims", 0)]),
        with(node("ArgMax", &["scores"], "class"), &[int("axis", 2), int("keepdims", 1)]),
        node("Greater", &["best", "floor"], "sure"),
        node("NonZero", &["sure"], "places"),
        with(node("Transpose", &["places"], "pairs"), &[ints("perm", &[1, 0])]),
        node("GatherND", &["boxes", "pairs"], "few_boxes"),
        node("GatherND", &["best", "pairs"], "few_scores"),
        node("GatherND", &["class", "pairs"], "few_classes"),
        with(node("Cast", &["few_classes"], "offset"), &[int("to", 1)]),
    ];
    nodes.extend_from_slice(between);
    nodes.extend([
        node("Add", &[shifted, "offset"], "apart"),
        node("Unsqueeze", &["apart", "first"], "all_boxes"),
        node("Unsqueeze", &["few_scores", "firsts"], "all_scores"),
        node("NonMaxSuppression", &["all_boxes", "all_scores", "most", "iou"], "kept"),
        with(node("Gather", &["kept", "last"], "index"), &[int("axis", 1)]),
        node("Gather", &["few_boxes", "index"], "output0"),
    ]);
    let mut proto = model(Default::default());
    let graph = proto.graph.as_mut().unwrap();
    graph.name = "chosen".into();
    graph.node = nodes;
    graph.initializer = vec![
        singles("w", &[6, 3, 1, 1], &[0.5; 18]),
        singles("floor", &[1], &[0.25]),
        singles("iou", &[1], &[0.45]),
        whole("rows_shape", &[1, 6, 16]),
        whole("sizes", &[4, 2]),
        whole("first", &[0]),
        whole("firsts", &[0, 1]),
        whole("most", &[100]),
        whole("last", &[2]),
    ];
    graph.input = vec![value("images", DataType::Float, &[1, 3, 4, 4].map(Axis::Fixed))];
    let found = [Axis::Named("found"), Axis::Fixed(1), Axis::Fixed(4)];
    graph.output = vec![value("output0", DataType::Float, &found)];
    proto
}

fn cut(proto: &ModelProto) -> (OnnxFile, ModelDescription) {
    let file = OnnxFile::parse(&bytes(proto)).unwrap();
    let description = file.description().clone();
    (file, description)
}

#[test]
fn where_boxes_are_chosen_first_the_graph_ends_in_the_last_tensor_that_holds_all() {
    let (file, description) = cut(&chosen_before(&[], "few_boxes"));
    let outputs: Vec<String> =
        description.signature.outputs.iter().map(ToString::to_string).collect();
    assert_eq!(outputs, ["rows F32 [1, 6, 16]"]);
    let suppression = description.suppression.unwrap();
    assert_eq!(suppression.node, "NonMaxSuppression `/kept`");
    assert_eq!(suppression.outputs[0].to_string(), "output0 F32 [found, 1, 4]");
    assert_eq!((suppression.given, suppression.boxes), (Proposals::Together, BoxNumbers::Corners));
    assert!(!description.operators.contains("NonZero"));
    let graph = file.typed_graph(GraphInput { batch: 1, height: 4, width: 4 }).unwrap();
    assert_eq!(graph.as_ref().outputs.len(), 1);
}

#[test]
fn arithmetic_on_the_chosen_boxes_tells_that_they_were_centres() {
    let halves = [
        node("Mul", &["few_boxes", "floor"], "half"),
        node("Sub", &["few_boxes", "half"], "corners"),
    ];
    let (_, description) = cut(&chosen_before(&halves, "corners"));
    assert_eq!(description.suppression.unwrap().boxes, BoxNumbers::Centre);
}

#[test]
fn where_all_boxes_are_suppressed_the_graph_ends_in_boxes_and_scores() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/zoo/yolov8-nms-inside.onnx");
    let file = OnnxFile::open(path.as_ref()).unwrap();
    let description = file.description();
    let shapes: Vec<String> = description.signature.outputs.iter().map(shape).collect();
    assert_eq!(shapes, ["[1, 1680, 4]", "[1, 6, 1680]"]);
    let suppression = description.suppression.as_ref().unwrap();
    assert_eq!((suppression.given, suppression.boxes), (Proposals::Apart, BoxNumbers::Corners));
    let graph = file.typed_graph(GraphInput { batch: 1, height: 256, width: 320 }).unwrap();
    assert_eq!(graph.as_ref().outputs.len(), 2);
}

fn shape(tensor: &detections_types::TensorInfo) -> String {
    let text = tensor.to_string();
    text[text.find('[').unwrap()..].to_owned()
}

#[test]
fn a_graph_whose_boxes_have_their_top_first_is_left_as_it_is() {
    let mut proto = chosen_before(&[], "few_boxes");
    let graph = proto.graph.as_mut().unwrap();
    graph.output[0].name = "detection_boxes".into();
    graph.node.last_mut().unwrap().output[0] = "detection_boxes".into();
    let (_, description) = cut(&proto);
    assert!(description.suppression.is_none());
    assert_eq!(description.signature.outputs[0].name, "detection_boxes");
}
