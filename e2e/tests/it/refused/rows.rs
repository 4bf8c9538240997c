//! The table.

use std::path::Path;

use anyhow::Result;

use super::{BAD_INPUT, DONE, USAGE, made};

/// A bad model and what must come of it.
pub(super) struct Row {
    /// What it is called, in the folder or at all.
    pub(super) name: &'static str,
    pub(super) source: Source,
    /// The exit code of a search, and of the service's start.
    pub(super) code: i32,
    /// What must be said; the first part is what the printed table shows.
    pub(super) says: &'static [&'static str],
}

/// Where the file comes from.
pub(super) enum Source {
    /// It is kept in `fixtures/refused`.
    File,
    /// It is made on the way.
    Made(fn(&Path) -> Result<()>),
}

const fn file(name: &'static str, says: &'static [&'static str]) -> Row {
    Row { name, source: Source::File, code: BAD_INPUT, says }
}

/// A file that a setting would help.
const fn unsettled(name: &'static str, says: &'static [&'static str]) -> Row {
    Row { name, source: Source::File, code: USAGE, says }
}

const fn made(
    name: &'static str,
    make: fn(&Path) -> Result<()>,
    says: &'static [&'static str],
) -> Row {
    Row { name, source: Source::Made(make), code: BAD_INPUT, says }
}

/// A file that is odd, and yet taken.
const fn taken(name: &'static str, make: fn(&Path) -> Result<()>) -> Row {
    Row { name, source: Source::Made(make), code: DONE, says: &["this model runs"] }
}

pub(super) const ROWS: &[Row] = &[
    // Two readings, or one that nothing but a shape speaks for.
    file(
        "two_readings_square",
        &["[1, 84, 84]", "more than one head fits", "set model.head to one of yolov8, yolox"],
    ),
    file(
        "two_readings_300x7",
        &["[1, 300, 7]", "3 names", "set model.head to one of rtdetr-ultralytics, yolo-obb"],
    ),
    file(
        "two_readings_300x6",
        &["[1, 300, 6]", "2 names", "set model.head to one of end-to-end, rtdetr-ultralytics"],
    ),
    file(
        "two_readings_columns",
        &["[1, 1344, 8]", "no names", "set model.head to one of yolov8, yolox"],
    ),
    file(
        "two_families_of_maps",
        &["[1, 3, 32, 32, 8]", "set model.head to one of yolov5-raw, yolov7-raw"],
    ),
    file("only_its_shape_speaks", &["[1, 300, 84]", "set model.head to rtdetr-ultralytics"]),
    // Metadata.
    file("names_too_many", &["names 5 classes", "has 3", "set model.labels to \"fit\""]),
    file("names_too_few", &["names 1 classes", "has 3", "set model.labels to \"fit\""]),
    file("names_never_end", &["metadata `names`", "a closing quote was expected at byte"]),
    file("names_without_quotes", &["metadata `names`", "a name in quotes was expected at byte 4"]),
    file("names_with_a_gap", &["metadata `names`", "class 1 has no name"]),
    made("million_names", made::million_names, &["more than 65536 names"]),
    made("endless_name", made::endless_name, &["a closing quote was expected at byte 20000005"]),
    made("brackets", made::brackets, &["a class number was expected at byte 1"]),
    file("task_classify", &["\"classify\"", "\"detect\", \"obb\", \"segment\" and \"pose\""]),
    file("task_unknown", &["\"depth\"", "\"detect\", \"obb\", \"segment\" and \"pose\""]),
    made("endless_task", made::endless_task, &["metadata `task`", "\"detect\", \"obb\""]),
    unsettled("open_size", &["[1, 3, height, width]", "set model.input_size"]),
    file("open_size_misstated", &["metadata `imgsz` is \"large\"", "one or two numbers"]),
    // Numbers that are none.
    file("nan_weights", &["`weights` holds NaN in 2 of 1344 places", "export a sound checkpoint"]),
    file("nan_half_weights", &["`weights` holds NaN in 2 of 1344 places"]),
    file("nan_results", &["`output0` holds NaN in 588 of 588 places", "export a sound checkpoint"]),
    file("bfloat16_weights", &["`weights`", "BFLOAT16", "not supported"]),
    // Models that detect nothing.
    file("classifier", &["[1, 1000]", "no supported head fits", "classifier"]),
    file("classifier_of_seven", &["[1, 7]", "no supported head fits", "classifier"]),
    file("depth", &["[1, 256, 256]", "no supported head fits", "depth or segmentation"]),
    file("segmentation", &["[1, 21, 64, 64]", "no supported head fits", "depth or segmentation"]),
    file("features", &["[1, 197, 768]", "set model.head to rtdetr-ultralytics if"]),
    file("integers", &["output0 I64 [1, 7, 84]", "no supported head fits"]),
    file("no_outputs", &["no outputs"]),
    // Shapes, inputs and types.
    file("no_output_shape", &["the output `output0` has no shape", "infer_shapes"]),
    file("no_input_shape", &["the input `images` has no shape", "infer_shapes"]),
    file("zero_sized_input", &["1x3x0x0"]),
    file("zero_sized_output", &["[1, 7, 0]", "no supported head fits"]),
    file("output_not_as_declared", &["output0 F32 [1, 7, 21]", "gives [1, 7, 84]", "again"]),
    file("double_input", &["images Other [1, 3, 64, 64] is not supported", "F32, F16 or U8"]),
    file("six_channels", &["[1, 6, 64, 64] is not supported", "[batch, 3, height, width]"]),
    file("two_pictures", &["2 inputs", "before F32 [1, 3, 64, 64]", "one picture at a time"]),
    file("unknown_input", &["temperature F32 [1] is not known", "`orig_target_sizes`"]),
    // Graphs and operators.
    file("cycle", &["cycle", "`/conv` waits"]),
    file("value_of_nobody", &["`/conv` reads the value `ghost`"]),
    file("output_of_nobody", &["no node computes the output `nothing`"]),
    file("value_computed_twice", &["`output0` is made more than once"]),
    file("unknown_operator", &["com.example.Mystery (node `/head`)", "not supported"]),
    file("no_operator_set", &["no version of the standard operator set", "opset 17"]),
    file("operator_set_0", &["version 0 of the standard operator set", "opset 17"]),
    file("operator_set_5", &["version 5 of the standard operator set", "opset 17"]),
    file("operator_set_999", &["version 999 of the standard operator set", "opset 17"]),
    file("nested_deeply", &["not an ONNX file", "recursion limit"]),
    taken("long_chain", made::long_chain),
    taken("deep_axis", made::deep_axis),
    // Weights elsewhere.
    file("external_data_absent", &["`weights`", "`weights.bin`", "save the model as one file"]),
    file("external_data_outside", &["../../../etc/passwd", "save the model as one file"]),
    file("external_data_absolute", &["`/etc/passwd`", "save the model as one file"]),
    // Claims.
    file("claims_3gb_of_weights", &["`weights` of shape [30000, 30000]", "5376 bytes"]),
    file("claims_3gb_and_brings_none", &["`weights` of shape [30000, 30000]", "0 bytes"]),
    file("claims_3gb_constant", &["`/zeros` makes a tensor of 900000000 elements"]),
    file("claims_3gb_input", &["1x3x16384x16384", "268435456"]),
    file("claims_3gb_inside", &["/enlarge", "makes a tensor of 805306368 elements"]),
    file("claims_3gb_length", &["not an ONNX file", "cut off"]),
    made("three_gigabytes", made::three_gigabytes, &["more than 2147483648 bytes"]),
    made("endless_output", made::endless_output, &["no node computes the output `ooo"]),
    // Other files.
    file("empty", &["empty"]),
    file("archive", &["a ZIP archive", "export that to ONNX"]),
    file("compressed", &["a gzip file", "unpack it"]),
    file("web_page", &["a web page", "fetch the file itself"]),
    file("error_message", &["JSON", "fetch the .onnx file itself"]),
    file("git_lfs_pointer", &["a Git LFS pointer", "git lfs pull"]),
    file("pickle", &["a Python pickle", "export the model to ONNX"]),
    file("safetensors", &["a safetensors file", "export the model to ONNX"]),
    file("openvino", &["an XML file", "OpenVINO"]),
    file("tflite", &["a TensorFlow Lite model", "export the model to ONNX"]),
    file("cut_off", &["not an ONNX file", "cut off"]),
];
