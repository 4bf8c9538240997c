//! What is found with candle is what is found with tract: every model of the zoo that has a head, on the zoo's
//! pictures. Writes the table of the page beside the zoo when asked to, and keeps it true.

use std::{env, fmt::Write as _, fs, path::Path, sync::Arc};

use detections_infer::{
    DetectParams, Letterbox, Letterboxer, Manifest, ManifestOptions, OutputTensor, Outputs, Reader,
};
use detections_onnx::OnnxFile;
use detections_types::{Detection, Image, Rect, Source};

use crate::{
    reference::{Output, candle, tract},
    zoo::{fixtures, models},
};

/// Asks for the table to be written anew rather than compared.
const WRITE_VARIABLE: &str = "DETECTIONS_ZOO_WRITE";

const PAGE: &str = "zoo/CANDLE.md";

const HEAD: &str = "\
# candle beside tract

What is found with candle's CPU device in the zoo's pictures beside what is found with tract: every box at an overlap of
0.99 or more, scores within 0.005. Written by the test `detections` of `detections-infer-candle`, which fails when this
page is no longer true.

| file | head | boxes | all matched |
|---|---|---|---|
";

const PICTURES: [&str; 3] = ["harbour.png", "marina.png", "suburb.png"];
const OVERLAP: f32 = 0.99;
const SCORE: f32 = 0.005;

#[test]
fn every_model_of_the_zoo_finds_what_it_finds_with_tract() {
    let mut page = HEAD.to_owned();
    let mut faults = Vec::new();
    for path in models(&fixtures("zoo")) {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let file = OnnxFile::open(&path).unwrap();
        let Ok(manifest) = Manifest::resolve(file.description(), &ManifestOptions::default())
        else {
            continue;
        };
        let manifest = Arc::new(manifest);
        if file.typed_graph_with(graph_input(&manifest), &manifest.fixed).is_err() {
            continue;
        }
        let head = manifest.head.kind().name();
        match matched(&file, &manifest) {
            Ok(boxes) => writeln!(page, "| `{name}.onnx` | `{head}` | {boxes} | yes |").unwrap(),
            Err(fault) => faults.push(format!("{name}: {fault}")),
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    kept(&page);
}

fn kept(page: &str) {
    let path = fixtures(PAGE);
    if env::var_os(WRITE_VARIABLE).is_some() {
        fs::write(&path, page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, page, "{PAGE} is not true any more; {WRITE_VARIABLE}=1 writes it");
}

fn graph_input(manifest: &Manifest) -> detections_onnx::GraphInput {
    let input = manifest.input;
    detections_onnx::GraphInput { batch: input.max_batch, height: input.height, width: input.width }
}

/// How many boxes there are, all of which have their partner.
fn matched(file: &OnnxFile, manifest: &Arc<Manifest>) -> Result<usize, String> {
    let input = manifest.input;
    let mut pixels = vec![0.0; input.batch_len()];
    let mut letterboxer = Letterboxer::new(manifest.preprocess, input);
    let mut boxes = 0;
    for picture in PICTURES {
        let picture = picture_at(&fixtures("media").join(picture));
        let slots = pixels.chunks_exact_mut(input.image_len());
        let mut letterboxes: Vec<Letterbox> =
            slots.map(|slot| letterboxer.write(picture.view(), slot).unwrap()).collect();
        let letterbox = letterboxes.remove(0);
        let expected = tract(file, input, &manifest.fixed, &pixels);
        let found = candle(file, input, &manifest.fixed, &pixels);
        let expected = read(manifest, &expected, &letterbox)?;
        let found = read(manifest, &found, &letterbox)?;
        boxes += expected.len();
        agree(&expected, &found)?;
    }
    Ok(boxes)
}

fn picture_at(path: &Path) -> Image {
    let picture = image::open(path).unwrap().into_rgb8();
    Image::rgb8(picture.width(), picture.height(), picture.into_raw()).unwrap()
}

fn read(
    manifest: &Arc<Manifest>,
    outputs: &[Output],
    letterbox: &Letterbox,
) -> Result<Vec<Detection>, String> {
    let tensors =
        outputs.iter().map(|output| OutputTensor { shape: &output.shape, data: &output.data });
    let outputs = Outputs { tensors: tensors.collect() };
    let mut reader = Reader::new(Arc::clone(manifest));
    let found = reader.read(&outputs, 0, letterbox, &DetectParams::default());
    found.map(|found| found.detections).map_err(|error| error.to_string())
}

fn agree(expected: &[Detection], found: &[Detection]) -> Result<(), String> {
    let mut free: Vec<&Detection> = found.iter().collect();
    for one in expected {
        let partner = free.iter().position(|other| same(one, other));
        let partner = partner.ok_or_else(|| format!("{one:?} has no partner in {found:?}"))?;
        free.remove(partner);
    }
    if free.is_empty() { Ok(()) } else { Err(format!("besides: {free:?}")) }
}

fn same(one: &Detection, other: &Detection) -> bool {
    one.class == other.class
        && (one.score.get() - other.score.get()).abs() <= SCORE
        && overlap(&one.rect, &other.rect) >= OVERLAP
}

fn overlap(one: &Rect<Source>, other: &Rect<Source>) -> f32 {
    one.iou(other)
}
