//! Text as what a model says of itself: the literals of names, sizes, keypoints and anchors, beside outputs of many
//! layouts.
#![no_main]

use detections_infer::{LabelPolicy, Manifest, ManifestOptions};
use detections_types::{Dim, ElementType, ModelDescription, Signature, TensorInfo};
use libfuzzer_sys::fuzz_target;

/// What the texts, which a zero byte ends, are said under.
const KEYS: [&str; 8] =
    ["names", "imgsz", "task", "kpt_shape", "anchors", "description", "end2end", "id2label"];

/// Outputs of three classes for 64x64 by name and shape; the first byte chooses.
const OUTPUTS: [&[(&str, &[usize])]; 8] = [
    &[("output0", &[1, 7, 84])],
    &[("output0", &[1, 13, 84])],
    &[("output", &[1, 84, 8])],
    &[("output0", &[1, 300, 6])],
    &[("output0", &[1, 300, 7])],
    &[("output0", &[1, 39, 84]), ("output1", &[1, 32, 16, 16])],
    &[("a", &[1, 3, 8, 8, 8]), ("b", &[1, 3, 4, 4, 8]), ("c", &[1, 3, 2, 2, 8])],
    &[("detection_out", &[1, 1, 100, 7])],
];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, texts)) = bytes.split_first() else { return };
    let outputs = OUTPUTS[usize::from(*choice) % OUTPUTS.len()];
    let sides = if choice & 0x80 == 0 { Dim::Fixed(64) } else { Dim::Dynamic("side".into()) };
    let fixed = |shape: &[usize]| shape.iter().map(|axis| Dim::Fixed(*axis)).collect();
    let tensor =
        |name: &str, shape| TensorInfo { name: name.into(), element: ElementType::F32, shape };
    let picture = vec![Dim::Fixed(1), Dim::Fixed(3), sides.clone(), sides];
    let signature = Signature {
        inputs: vec![tensor("images", picture)],
        outputs: outputs.iter().map(|(name, shape)| tensor(name, fixed(shape))).collect(),
    };
    let texts = texts.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let metadata = KEYS.iter().zip(texts).filter(|(_, text)| !text.is_empty());
    let metadata = metadata.map(|(key, text)| ((*key).to_owned(), text.into_owned())).collect();
    let description = ModelDescription { signature, metadata, ..Default::default() };
    let fit = ManifestOptions { labels: LabelPolicy::Fit, ..Default::default() };
    for options in [ManifestOptions::default(), fit] {
        match Manifest::resolve(&description, &options) {
            Ok(manifest) => assert_eq!(manifest.labels().len(), manifest.head.classes()),
            Err(error) => assert!(error.to_string().len() < 2_000, "{error}"),
        }
    }
});
