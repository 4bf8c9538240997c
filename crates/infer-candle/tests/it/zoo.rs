//! Whole models: what candle gives for every file of the zoo, for the built-in models and for the large ones of
//! the cache, where there is one, is what tract gives.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use detections_infer::InputShape;
use detections_onnx::OnnxFile;
use detections_types::{Dim, ElementType, FixedInput, TensorInfo};

use crate::reference::{candle, difference, tract};

/// Names the folder of large models that are made on demand.
const CACHE_VARIABLE: &str = "DETECTIONS_ZOO";

/// How far one number may be off: for boxes in pixels a hundredth of one at the edge of a picture.
const TOLERANCE: f32 = 2e-4;

/// Files that tract refuses, so that there is nothing to compare with.
const REFUSED: [&str; 1] = ["yolov8-nms-inside"];

pub(crate) fn fixtures(folder: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(folder)
}

pub(crate) fn models(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut models: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "onnx")).collect();
    models.sort();
    models
}

#[test]
fn every_model_of_the_zoo_gives_what_tract_gives() {
    let models = models(&fixtures("zoo"));
    assert!(models.len() >= 30, "only {} models in the zoo", models.len());
    compare(&models);
}

#[test]
fn the_built_in_models_give_what_tract_gives() {
    compare(&models(&fixtures("model")));
}

#[test]
fn every_model_of_the_cache_gives_what_tract_gives() {
    let Some(folder) = cache() else {
        println!(
            "skipped: no cache of large models; `fixtures/zoo/README.md` says how to make one"
        );
        return;
    };
    compare(&models(&folder));
}

/// The folder of large models, where there is one.
fn cache() -> Option<PathBuf> {
    let named = env::var_os(CACHE_VARIABLE).map(PathBuf::from);
    let usual = || {
        let base = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let base = base.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")))?;
        Some(base.join("detections/zoo"))
    };
    named.or_else(usual).filter(|folder| folder.is_dir())
}

fn compare(models: &[PathBuf]) {
    let mut faults = Vec::new();
    for path in models {
        let name = path.file_stem().unwrap().to_str().unwrap();
        if REFUSED.contains(&name) {
            continue;
        }
        // A model that panics must not hide what the others do.
        match std::panic::catch_unwind(|| differences(path)) {
            Ok(found) => faults.extend(found.iter().map(|fault| format!("{name}: {fault}"))),
            Err(panic) => {
                let message = panic.downcast_ref::<String>().map_or("panicked", String::as_str);
                faults.push(format!("{name}: {message}"));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

fn differences(path: &Path) -> Vec<String> {
    let file = OnnxFile::open(path).unwrap();
    let signature = &file.description().signature;
    let picture = signature.inputs.iter().find(|input| input.picture().is_some()).unwrap();
    let layout = picture.picture().unwrap();
    let length = |dim: &Dim, open: usize| dim.fixed().unwrap_or(open);
    let input = InputShape {
        max_batch: length(&layout.batch, 1),
        height: length(&layout.height, 256),
        width: length(&layout.width, 320),
    };
    let fixed = fixed(&signature.inputs, &picture.name, input);
    let pixels = pixels(input, picture.element);
    let expected = tract(&file, input, &fixed, &pixels);
    let found = candle(&file, input, &fixed, &pixels);
    assert_eq!(found.len(), expected.len());
    let pairs = found.iter().zip(&expected).enumerate();
    pairs
        .filter_map(|(at, (found, expected))| {
            let difference = difference(found, expected, TOLERANCE)?;
            Some(format!("output {at}: {difference}"))
        })
        .collect()
}

/// What other inputs than the picture get.
fn fixed(inputs: &[TensorInfo], picture: &str, input: InputShape) -> Vec<FixedInput> {
    let side = |length: usize| f32::from(u16::try_from(length).unwrap());
    let others = inputs.iter().filter(|other| other.name != picture);
    let row = |name: &str| match name {
        "orig_target_sizes" => vec![side(input.width), side(input.height)],
        "im_shape" => vec![side(input.height), side(input.width)],
        "scale_factor" => vec![1.0, 1.0],
        _ => vec![0.25],
    };
    others.map(|other| FixedInput { name: other.name.clone(), row: row(&other.name) }).collect()
}

/// Something like a picture: slopes, edges and a little noise, in 0..1 or in bytes.
fn pixels(input: InputShape, element: ElementType) -> Vec<f32> {
    let scale = if element == ElementType::U8 { 255.0 } else { 1.0 };
    let mut noise = 1_u32;
    let pixel = |at: usize| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (row, column) = (at / input.width % input.height, at % input.width);
        let tile = u8::from((row / 40 + column / 56) % 3 == 0);
        let slope =
            u16::try_from((row * 3 + column * 2 + at / input.image_len() * 17) % 511).unwrap();
        let grain = u8::try_from(noise >> 24).unwrap();
        let value =
            0.4 * f32::from(tile) + 0.4 * f32::from(slope) / 511.0 + 0.2 * f32::from(grain) / 255.0;
        if scale > 1.0 { (value * scale).round() } else { value }
    };
    (0..input.batch_len()).map(pixel).collect()
}
