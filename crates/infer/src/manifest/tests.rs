//! Recognition of heads, sizes and labels, as tables of what a file says and what is made of it.

mod suppression;

use detections_types::{Dim, ElementType, ErrorKind, ModelDescription, Signature, TensorInfo};

use super::{LabelPolicy, Manifest, ManifestOptions};
use crate::{ChannelOrder, HeadKind, InferError, InputShape, PixelScale, Placement};

/// A tensor whose negative axes are open.
fn tensor(name: &str, element: ElementType, shape: &[i64]) -> TensorInfo {
    let dim = |&axis: &i64| usize::try_from(axis).map_or(Dim::Dynamic("n".into()), Dim::Fixed);
    TensorInfo { name: name.into(), element, shape: shape.iter().map(dim).collect() }
}

fn model(input: &[i64], output: (&str, &[i64]), metadata: &[(&str, &str)]) -> ModelDescription {
    ModelDescription {
        signature: Signature {
            inputs: vec![tensor("images", ElementType::F32, input)],
            outputs: vec![tensor(output.0, ElementType::F32, output.1)],
        },
        metadata: metadata.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        ..Default::default()
    }
}

fn resolve(model: &ModelDescription) -> Result<Manifest, InferError> {
    Manifest::resolve(model, &ManifestOptions::default())
}

const SIX: &str = "{0: 'car', 1: 'truck', 2: 'boat', 3: 'plane', 4: 'house', 5: 'tree'}";

#[test]
fn an_ultralytics_export_is_recognised_and_says_why() {
    let found =
        resolve(&model(&[1, 3, 384, 384], ("output0", &[1, 10, 3024]), &[("names", SIX)])).unwrap();
    assert_eq!(found.input, InputShape { max_batch: 1, height: 384, width: 384 });
    assert_eq!((found.head.kind(), found.head.classes()), (HeadKind::Yolov8, 6));
    assert_eq!(found.labels()[3], "plane");
    assert_eq!(
        found.head_reason,
        "output0 [1, 10, 3024] has 4 + 6 rows for the 6 names in the metadata and 3024 = anchors of \
         strides 8, 16, 32 at 384x384: Ultralytics YOLOv8 layout; RGB 0..1, centred letterbox; \
         labels from the metadata"
    );
}

#[test]
fn the_yolox_export_is_recognised_without_metadata() {
    let found = resolve(&model(&[1, 3, 416, 416], ("output", &[1, 3549, 85]), &[])).unwrap();
    assert_eq!((found.head.kind(), found.head.classes()), (HeadKind::Yolox, 80));
    assert_eq!(found.labels()[7], "truck");
    assert_eq!(found.preprocess.order, ChannelOrder::Bgr);
    assert_eq!(found.preprocess.scale, PixelScale::Bytes);
    assert_eq!(found.preprocess.placement, Placement::TopLeft);
    assert!(found.head_reason.contains("COCO"), "{}", found.head_reason);
}

#[test]
fn classes_without_names_are_numbered() {
    let found = resolve(&model(&[1, 3, 416, 416], ("output", &[1, 3549, 8]), &[])).unwrap();
    assert_eq!(found.labels(), ["class_0", "class_1", "class_2"]);
}

#[test]
fn finer_and_coarser_levels_are_recognised() {
    for (anchors, strides) in [(34_000, "4, 8, 16, 32"), (8500, "8, 16, 32, 64")] {
        let found =
            resolve(&model(&[1, 3, 640, 640], ("output0", &[1, 84, anchors]), &[])).unwrap();
        assert!(found.head_reason.contains(strides), "{}", found.head_reason);
    }
}

#[test]
fn open_axes_are_settled_from_metadata_and_options() {
    let open = model(
        &[-1, 3, -1, -1],
        ("output0", &[-1, 10, -1]),
        &[("names", SIX), ("imgsz", "[384, 640]")],
    );
    let stated = resolve(&open).unwrap();
    assert_eq!(stated.input, InputShape { max_batch: 1, height: 384, width: 640 });
    let options =
        ManifestOptions { input_size: Some((320, 320)), max_batch: Some(8), ..Default::default() };
    let asked = Manifest::resolve(&open, &options).unwrap();
    assert_eq!(asked.input, InputShape { max_batch: 8, height: 320, width: 320 });
}

#[test]
fn a_fixed_batch_is_kept() {
    let fixed = model(&[4, 3, 384, 384], ("output0", &[4, 10, 3024]), &[("names", SIX)]);
    let options = ManifestOptions { max_batch: Some(1), ..Default::default() };
    assert_eq!(Manifest::resolve(&fixed, &options).unwrap().input.max_batch, 4);
}

/// 64x64 has 84 anchors, so `[1, 84, 84]` is YOLOv8 of 80 classes as well as YOLOX of 79.
#[test]
fn between_two_layouts_names_decide_then_the_files_words_then_the_caller() {
    let square = |output, metadata: &[(&str, &str)]| {
        model(&[1, 3, 64, 64], (output, &[1, 84, 84]), metadata)
    };
    let names: Vec<String> = (0..79).map(|n| format!("n{n}")).collect();
    let names = serde_json::to_string(&names).unwrap();
    let cases = [
        (square("x", &[("names", &names)]), Some(HeadKind::Yolox)),
        (square("x", &[("author", "Ultralytics")]), Some(HeadKind::Yolov8)),
        (square("output", &[]), Some(HeadKind::Yolox)),
        (square("output0", &[]), Some(HeadKind::Yolov8)),
        (square("x", &[]), None),
    ];
    for (model, expected) in cases {
        match (resolve(&model), expected) {
            (Ok(found), Some(kind)) => assert_eq!(found.head.kind(), kind),
            (Err(InferError::HeadAmbiguous { seen, .. }), None) => {
                assert!(seen.contains("[1, 84, 84]"))
            }
            (other, _) => panic!("{other:?}"),
        }
    }
    let options = ManifestOptions { head: Some(HeadKind::Yolox), ..Default::default() };
    let chosen = Manifest::resolve(&square("x", &[]), &options).unwrap();
    assert_eq!(chosen.head.kind(), HeadKind::Yolox);
    assert!(chosen.head_reason.contains("as chosen"));
}

#[test]
fn what_is_not_supported_is_refused_with_what_was_seen() {
    let input: &[i64] = &[1, 3, 640, 640];
    let cases: [(ModelDescription, ErrorKind, &str); 16] = [
        (
            model(input, ("output0", &[1, 25_201, 85]), &[]),
            ErrorKind::Unsupported,
            "[1, 25201, 85]",
        ),
        (
            model(input, ("output0", &[1, 300, 6]), &[]),
            ErrorKind::InvalidInput,
            "set model.head to one of end-to-end, rtdetr-ultralytics",
        ),
        (model(input, ("output0", &[1, 84, 8401]), &[]), ErrorKind::Unsupported, "[1, 84, 8401]"),
        (model(input, ("output0", &[1, 4, 8400]), &[]), ErrorKind::Unsupported, "[1, 4, 8400]"),
        (model(input, ("output0", &[84, 8400]), &[]), ErrorKind::Unsupported, "no supported head"),
        (
            model(input, ("o", &[1, 10, 8400]), &[("names", "['a']")]),
            ErrorKind::InvalidInput,
            "names 1 classes",
        ),
        (
            model(input, ("o", &[1, 84, 8400]), &[("names", "{0: a}")]),
            ErrorKind::InvalidInput,
            "`names`",
        ),
        (
            model(input, ("o", &[1, 116, 8400]), &[("task", "classify")]),
            ErrorKind::Unsupported,
            "classify",
        ),
        (
            model(&[1, 640, 640, 4], ("o", &[1, 84, 8400]), &[]),
            ErrorKind::Unsupported,
            "[1, 640, 640, 4]",
        ),
        (
            model(&[1, 2, 640, 640], ("o", &[1, 84, 8400]), &[]),
            ErrorKind::Unsupported,
            "[1, 2, 640, 640]",
        ),
        (
            model(&[1, 3, -1, -1], ("o", &[1, 84, 8400]), &[]),
            ErrorKind::InvalidInput,
            "set model.input_size",
        ),
        (
            model(&[1, 3, -1, 640], ("o", &[1, 84, -1]), &[("imgsz", "big")]),
            ErrorKind::InvalidInput,
            "\"big\"",
        ),
        (
            model(&[1, 3, -1, 640], ("o", &[1, 84, -1]), &[("imgsz", "[100, 640]")]),
            ErrorKind::Unsupported,
            "multiples of 32",
        ),
        (model(&[0, 3, 640, 640], ("o", &[1, 84, -1]), &[]), ErrorKind::Unsupported, "0x3x640x640"),
        (
            model(&[1, 3, 1 << 40, 1 << 40], ("o", &[1, 84, -1]), &[]),
            ErrorKind::Unsupported,
            "1 to 268435456",
        ),
        (
            model(&[1, 3, -1, -1], ("o", &[1, 84, -1]), &[("imgsz", "[0, 0]")]),
            ErrorKind::Unsupported,
            "1x3x0x0",
        ),
    ];
    for (model, kind, expected) in cases {
        let error = resolve(&model).unwrap_err();
        assert!(error.to_string().contains(expected), "{error} has no {expected}");
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[test]
fn types_and_counts_of_tensors_are_checked() {
    let good = model(&[1, 3, 384, 384], ("output0", &[1, 10, 3024]), &[]);
    let mut bytes = good.clone();
    bytes.signature.inputs[0].element = ElementType::I32;
    assert!(matches!(resolve(&bytes), Err(InferError::InputLayout { .. })));
    bytes.signature.inputs[0].element = ElementType::U8;
    assert_eq!(resolve(&bytes).unwrap().preprocess.scale, PixelScale::Bytes);
    let mut integers = good.clone();
    integers.signature.outputs[0].element = ElementType::I64;
    assert!(matches!(resolve(&integers), Err(InferError::HeadUnknown { .. })));
    let mut two = good.clone();
    two.signature.outputs.push(tensor("output1", ElementType::F32, &[1, 32, 96, 96]));
    assert!(resolve(&two).unwrap_err().to_string().contains("output1"));
    let mut none = good;
    none.signature.inputs.clear();
    assert!(matches!(resolve(&none), Err(InferError::InputCount { found: 0, .. })));
}

#[test]
fn options_that_contradict_the_file_are_refused() {
    let fixed = model(&[1, 3, 384, 384], ("output0", &[1, 10, 3024]), &[]);
    let size = ManifestOptions { input_size: Some((640, 640)), ..Default::default() };
    assert!(matches!(Manifest::resolve(&fixed, &size), Err(InferError::InputSizeFixed { .. })));
    let head = ManifestOptions { head: Some(HeadKind::Yolox), ..Default::default() };
    assert!(matches!(Manifest::resolve(&fixed, &head), Err(InferError::HeadUnknown { .. })));
    let open = model(&[-1, 3, 384, 384], ("output0", &[-1, 10, 3024]), &[]);
    let batch = ManifestOptions { max_batch: Some(0), ..Default::default() };
    assert!(matches!(Manifest::resolve(&open, &batch), Err(InferError::InputSizeRefused { .. })));
}

/// Outputs by name and shape.
type Outputs<'a> = &'a [(&'a str, &'a [i64])];

/// Outputs, metadata, and the head and number of classes that they stand for.
type Case<'a> = (Outputs<'a>, &'a [(&'a str, &'a str)], HeadKind, usize);

fn several(input: &[i64], outputs: Outputs<'_>, metadata: &[(&str, &str)]) -> ModelDescription {
    let mut model = model(input, ("x", &[]), metadata);
    let tensors = outputs.iter().map(|(name, shape)| tensor(name, ElementType::F32, shape));
    model.signature.outputs = tensors.collect();
    model
}

#[test]
fn each_layout_is_told_by_its_own_outputs() {
    let side: &[i64] = &[1, 3, 640, 640];
    let cases: [Case<'_>; 21] = [
        (&[("output0", &[1, 25_200, 85])], &[], HeadKind::Yolov5, 80),
        (&[("outputs", &[1, 8400, 85])], &[], HeadKind::Yolov5, 80),
        (&[("output0", &[1, 8400, 10])], &[("names", SIX)], HeadKind::Yolov8, 6),
        (&[("output0", &[1, 11, 8400])], &[("names", SIX), ("task", "obb")], HeadKind::YoloObb, 6),
        (&[("output0", &[1, 300, 7])], &[("names", SIX), ("task", "obb")], HeadKind::YoloObb, 6),
        (
            &[("output0", &[1, 56, 8400])],
            &[("names", "['p']"), ("task", "pose"), ("kpt_shape", "[17, 3]")],
            HeadKind::YoloPose,
            1,
        ),
        (
            &[("output0", &[1, 42, 8400]), ("output1", &[1, 32, 160, 160])],
            &[("names", SIX)],
            HeadKind::YoloSeg,
            6,
        ),
        (
            &[("output0", &[1, 300, 6])],
            &[("names", SIX), ("description", "Ultralytics YOLOv10n model")],
            HeadKind::EndToEnd,
            6,
        ),
        (
            &[("output0", &[1, 300, 10])],
            &[("names", SIX), ("description", "Ultralytics rtdetr-l model")],
            HeadKind::RtDetrUltralytics,
            6,
        ),
        (&[("a", &[1, 8400, 4]), ("b", &[1, 8400, 80])], &[], HeadKind::YoloNas, 80),
        (&[("output", &[1, 8400, 80]), ("952", &[1, 8400, 4])], &[], HeadKind::DamoYolo, 80),
        (&[("a", &[1, 8400, 4]), ("b", &[1, 80, 8400])], &[], HeadKind::PpYoloe, 80),
        (&[("a", &[1, 8500, 4]), ("b", &[1, 80, 8500])], &[], HeadKind::PicoDet, 80),
        (
            &[
                ("s8", &[1, 6400, 80]),
                ("s16", &[1, 1600, 80]),
                ("s32", &[1, 400, 80]),
                ("s64", &[1, 100, 80]),
                ("b8", &[1, 6400, 32]),
                ("b16", &[1, 1600, 32]),
                ("b32", &[1, 400, 32]),
                ("b64", &[1, 100, 32]),
            ],
            &[],
            HeadKind::PicoDet,
            80,
        ),
        (&[("flat", &[-1, 7])], &[("names", SIX)], HeadKind::YoloNasFlat, 6),
        (
            &[("logits", &[1, 300, 80]), ("pred_boxes", &[1, 300, 4])],
            &[],
            HeadKind::RtDetrTransformers,
            80,
        ),
        (
            &[("dets", &[1, 300, 4]), ("labels", &[1, 300, 7])],
            &[("names", SIX)],
            HeadKind::RfDetr,
            6,
        ),
        (&[("dets", &[1, 300, 4]), ("labels", &[1, 300, 91])], &[], HeadKind::RfDetr, 91),
        (&[("detection_out", &[1, 1, 200, 7])], &[("names", SIX)], HeadKind::Ssd, 6),
        (
            &[
                ("num_detections:0", &[1]),
                ("detection_boxes:0", &[1, 100, 4]),
                ("detection_scores:0", &[1, 100]),
                ("detection_classes:0", &[1, 100]),
            ],
            &[("names", SIX)],
            HeadKind::SsdTensorflow,
            6,
        ),
        (&[("output", &[1, 8500, 112])], &[], HeadKind::NanoDet, 80),
    ];
    for (outputs, metadata, kind, classes) in cases {
        let found = resolve(&several(side, outputs, metadata)).unwrap();
        assert_eq!((found.head.kind(), found.head.classes()), (kind, classes), "{outputs:?}");
        assert_eq!(found.labels.len(), classes);
    }
}

#[test]
fn exponentials_in_the_graph_tell_a_decoded_grid_from_a_raw_one() {
    let mut yolox = model(&[1, 3, 640, 640], ("output", &[1, 8400, 85]), &[]);
    assert_eq!(resolve(&yolox).unwrap().head.kind(), HeadKind::Yolox);
    yolox.operators.insert("Exp".into());
    assert_eq!(resolve(&yolox).unwrap().head.kind(), HeadKind::YoloxDecoded);
    let raw = ManifestOptions { head: Some(HeadKind::Yolox), ..Default::default() };
    assert_eq!(Manifest::resolve(&yolox, &raw).unwrap().head.kind(), HeadKind::Yolox);
}

#[test]
fn maps_without_a_family_are_refused_and_settled_by_the_caller() {
    let outputs: Outputs<'_> =
        &[("a", &[1, 3, 20, 20, 85]), ("b", &[1, 3, 80, 80, 85]), ("c", &[1, 3, 40, 40, 85])];
    let maps = several(&[1, 3, 640, 640], outputs, &[]);
    let message = resolve(&maps).unwrap_err().to_string();
    assert!(message.contains("yolov5-raw, yolov7-raw"), "{message}");
    let options = ManifestOptions { head: Some(HeadKind::Yolov7Raw), ..Default::default() };
    assert_eq!(Manifest::resolve(&maps, &options).unwrap().head.kind(), HeadKind::Yolov7Raw);
}

#[test]
fn sizes_besides_the_pictures_are_those_of_the_input_and_others_are_refused() {
    let outputs: Outputs<'_> =
        &[("labels", &[1, 300]), ("boxes", &[1, 300, 4]), ("scores", &[1, 300])];
    let mut sized = several(&[1, 3, 320, 640], outputs, &[]);
    sized.signature.inputs.push(tensor("orig_target_sizes", ElementType::I64, &[1, 2]));
    let found = resolve(&sized).unwrap();
    assert_eq!(found.head.kind(), HeadKind::RtDetr);
    assert_eq!((found.fixed.len(), found.fixed[0].row.as_slice()), (1, [640.0, 320.0].as_slice()));
    sized.signature.inputs[1].name = "temperature".into();
    let message = resolve(&sized).unwrap_err().to_string();
    assert!(message.contains("temperature I64 [1, 2] is not known"), "{message}");
}

#[test]
fn names_that_are_too_many_or_too_few_are_fitted_when_told_to() {
    let eight = model(&[1, 3, 640, 640], ("output0", &[1, 12, 8400]), &[("names", SIX)]);
    assert!(matches!(resolve(&eight), Err(InferError::LabelCount { labels: 6, classes: 8, .. })));
    let fit = ManifestOptions { labels: LabelPolicy::Fit, ..Default::default() };
    let labels = Manifest::resolve(&eight, &fit).unwrap().labels;
    assert_eq!(labels[5..], ["tree", "class_6", "class_7"]);
}

/// With three classes RT-DETR has the seven columns of turned boxes that are finished in the graph.
#[test]
fn rows_of_seven_numbers_are_refused_unless_something_tells_them_apart() {
    let three = [("names", "['a', 'b', 'c']")];
    let rows = |metadata: &[(&str, &str)]| model(&[1, 3, 640, 640], ("x", &[1, 300, 7]), metadata);
    let message = resolve(&rows(&three)).unwrap_err().to_string();
    assert!(message.contains("set model.head to one of rtdetr-ultralytics, yolo-obb"), "{message}");
    let mut told = rows(&three);
    told.operators.insert("GridSample".into());
    assert_eq!(resolve(&told).unwrap().head.kind(), HeadKind::RtDetrUltralytics);
    let mut told = rows(&three);
    told.operators.insert("TopK".into());
    assert_eq!(resolve(&told).unwrap().head.kind(), HeadKind::YoloObb);
    let detect = [three[0], ("task", "detect")];
    assert_eq!(resolve(&rows(&detect)).unwrap().head.kind(), HeadKind::RtDetrUltralytics);
}

#[test]
fn a_shape_that_is_no_detectors_alone_is_not_enough() {
    let queries =
        |metadata: &[(&str, &str)]| model(&[1, 3, 224, 224], ("x", &[1, 197, 10]), metadata);
    let error = resolve(&queries(&[])).unwrap_err();
    assert!(error.to_string().contains("set model.head to rtdetr-ultralytics"), "{error}");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(resolve(&queries(&[("names", SIX)])).is_ok());
    let chosen = ManifestOptions { head: Some(HeadKind::RtDetrUltralytics), ..Default::default() };
    assert!(Manifest::resolve(&queries(&[]), &chosen).is_ok());
}

#[test]
fn models_that_detect_nothing_are_told_what_they_seem_to_be() {
    let cases: [(&[i64], &[i64], &str); 5] = [
        (&[1, 3, 224, 224], &[1, 1000], "classifier"),
        (&[1, 3, 224, 224], &[1, 7], "classifier"),
        (&[8, 3, 224, 224], &[8, 7], "classifier"),
        (&[1, 3, 256, 256], &[1, 256, 256], "depth"),
        (&[1, 3, 256, 320], &[1, 21, 256, 320], "segmentation"),
    ];
    for (input, output, word) in cases {
        let error = resolve(&model(input, ("x", output), &[])).unwrap_err();
        assert!(matches!(error, InferError::HeadUnknown { .. }), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn metadata_is_repeated_only_as_far_as_it_helps() {
    let endless = "x".repeat(1 << 20);
    let task = model(&[1, 3, 640, 640], ("o", &[1, 84, 8400]), &[("task", &endless)]);
    let size = model(&[1, 3, -1, -1], ("o", &[1, 84, -1]), &[("imgsz", &endless)]);
    for refused in [task, size] {
        assert!(resolve(&refused).unwrap_err().to_string().len() < 400);
    }
}
