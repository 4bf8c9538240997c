//! What the list of steps says of a model.

use detections_infer::InputShape;
use detections_infer_candle::{CandleDevice, CandleModel, Movement, StepDescription};
use detections_onnx::OnnxFile;

fn steps(name: &str) -> Vec<StepDescription> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name);
    let file = OnnxFile::open(&path).unwrap();
    let shape = &file.description().signature.inputs[0].shape;
    let [height, width] = [2, 3].map(|axis| shape[axis].fixed().unwrap());
    let input = InputShape { max_batch: 1, height, width };
    CandleModel::load(&file, input, &CandleDevice::cpu()).unwrap().steps()
}

#[test]
fn nothing_is_copied_where_a_view_serves() {
    for name in ["model/topview.onnx", "zoo/yolov8.onnx"] {
        let steps = steps(name);
        let list: Vec<String> = steps.iter().map(ToString::to_string).collect();
        println!("{name}\n{}", list.join("\n"));
        let copies = steps.iter().filter(|step| step.movement == Movement::Copy);
        let copies: Vec<String> = copies.map(ToString::to_string).collect();
        assert!(copies.is_empty(), "{name} copies:\n{}", copies.join("\n"));
        let views = steps.iter().filter(|step| step.movement == Movement::View);
        assert!(views.clone().count() > 0, "{name} has views");
        assert!(views.map(|step| step.bytes).sum::<usize>() == 0, "views move nothing");
    }
}
