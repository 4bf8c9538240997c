//! The golden suite: what the program finds in the fixture pictures, held against references that
//! OpenCV, ONNX Runtime and NumPy computed (`fixtures/golden/make_detections.py`).

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, ensure};
use detections_e2e::{
    picture::fixture_path,
    program,
    shared::{shared, skipped},
};
use serde::Deserialize;

/// How closely two detections must agree, and from which score up each must be in both.
pub(crate) struct Agreement {
    pub(crate) sure: f32,
    pub(crate) score: f32,
    pub(crate) iou: f32,
}

/// For pictures whose pixels every decoder reads alike.
const EXACT: Agreement = Agreement { sure: 0.3, score: 0.02, iou: 0.95 };

/// For JPEG, where decoders may differ by a level or two in how they spread chroma and round; that alone
/// moves the score of a doubtful object by some hundredths, in the reference pipeline as in ours.
const JPEG: Agreement = Agreement { sure: 0.4, score: 0.05, iou: 0.85 };

/// Pictures that hold to [`EXACT`], for each model.
const EXACT_PICTURES: usize = 12;

#[derive(Debug, Deserialize)]
pub(crate) struct Detection {
    class_id: u32,
    class: String,
    confidence: f32,
    #[serde(rename = "box")]
    rect: Corners,
}

/// Where an object is, in pixels.
#[derive(Debug, Deserialize)]
pub(crate) struct Corners {
    x1: f32,
    y1: f32,
    x2: f32,
    y2: f32,
}

#[derive(Deserialize)]
struct Report {
    path: String,
    detections: Vec<Detection>,
}

type ByPicture = BTreeMap<String, Vec<Detection>>;

#[test]
fn the_built_in_model_finds_what_its_reference_finds() -> Result<()> {
    agree(&fixture_path("model/topview.onnx"), "topview", &[])
}

#[test]
fn the_same_model_as_a_raw_grid_finds_what_its_reference_finds() -> Result<()> {
    agree(&fixture_path("model/topview-yolox.onnx"), "topview-yolox", &[])
}

#[test]
fn yolox_nano_finds_what_its_reference_finds() -> Result<()> {
    let (Some(model), Some(truck)) = (shared("models/yolox_nano.onnx"), shared("media/truck.jpg"))
    else {
        skipped("yolox_nano.onnx or truck.jpg is not beside the checkout");
        return Ok(());
    };
    agree(&model, "yolox_nano", &[("truck.jpg", &truck)])
}

/// Holds what `model` found in one picture that is no JPEG to its reference.
pub(crate) fn agree_on(model: &str, picture: &str, found: &[Detection]) -> Result<()> {
    let reference = Path::new(model).file_stem().and_then(|name| name.to_str());
    let golden = golden(reference.context("a model without a name")?)?;
    let expected = golden.get(picture).context("no reference of this picture")?;
    let faults = EXACT.differences(picture, expected, found);
    ensure!(faults.is_empty(), "{model}: {} differences:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}

/// The detections of all pictures that a model's reference found.
fn golden(reference: &str) -> Result<ByPicture> {
    let path = fixture_path(&format!("golden/detections/{reference}.json"));
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// Compares the program's detections with `golden/detections/{reference}.json`; pictures that are not
/// among the fixtures are where `elsewhere` says.
fn agree(model: &Path, reference: &str, elsewhere: &[(&str, &Path)]) -> Result<()> {
    let golden = golden(reference)?;
    let exact = golden.keys().filter(|name| !name.ends_with(".jpg")).count();
    ensure!(exact >= EXACT_PICTURES, "only {exact} pictures that are no JPEG");
    let path_of = |name: &str| {
        let other = elsewhere.iter().find(|(known, _)| *known == name);
        other.map_or_else(|| fixture_path(&format!("media/{name}")), |(_, path)| path.to_path_buf())
    };
    let paths: Vec<_> = golden.keys().map(|name| path_of(name)).collect();
    let found = detect(model, &paths)?;
    ensure!(found.len() == golden.len(), "{} of {} pictures", found.len(), golden.len());
    let mut faults = Vec::new();
    for ((name, expected), report) in golden.iter().zip(&found) {
        ensure!(report.path.ends_with(name.as_str()), "{} in place of {name}", report.path);
        let agreement = if name.ends_with(".jpg") { &JPEG } else { &EXACT };
        faults.extend(agreement.differences(name, expected, &report.detections));
    }
    ensure!(faults.is_empty(), "{} differences:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}

fn detect(model: &Path, pictures: &[std::path::PathBuf]) -> Result<Vec<Report>> {
    let mut arguments = vec!["detect".into(), "--json".into(), "--model".into(), model.into()];
    arguments.extend(pictures.iter().cloned());
    let output = program::run(&arguments, &[])?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout)?;
    text.lines().map(|line| serde_json::from_str(line).context("a line of JSON")).collect()
}

impl Agreement {
    /// What is in one of the two only, in words.
    pub(crate) fn differences(
        &self,
        name: &str,
        expected: &[Detection],
        found: &[Detection],
    ) -> Vec<String> {
        let told = |what, one: &&Detection| format!("{name}: {what} {one:?}");
        let missing = self.unmatched(expected, found);
        let extra = self.unmatched(found, expected);
        let missing = missing.iter().map(|one| told("missing", one));
        missing.chain(extra.iter().map(|one| told("extra", one))).collect()
    }

    /// Those sure detections that have no partner of their own among the others.
    fn unmatched<'a>(&self, those: &'a [Detection], others: &[Detection]) -> Vec<&'a Detection> {
        let mut free: Vec<&Detection> = others.iter().collect();
        let sure = those.iter().filter(|one| one.confidence >= self.sure);
        sure.filter(|one| {
            let partner = free.iter().position(|other| self.holds(one, other));
            partner.map(|partner| free.remove(partner)).is_none()
        })
        .collect()
    }

    /// Whether two detections speak of the same object alike.
    fn holds(&self, one: &Detection, other: &Detection) -> bool {
        (one.class_id, &one.class) == (other.class_id, &other.class)
            && (one.confidence - other.confidence).abs() <= self.score
            && iou(&one.rect, &other.rect) >= self.iou
    }
}

/// Intersection over union.
pub(crate) fn iou(one: &Corners, other: &Corners) -> f32 {
    let area = |of: &Corners| (of.x2 - of.x1).max(0.0) * (of.y2 - of.y1).max(0.0);
    let common = area(&Corners {
        x1: one.x1.max(other.x1),
        y1: one.y1.max(other.y1),
        x2: one.x2.min(other.x2),
        y2: one.y2.min(other.y2),
    });
    common / (area(one) + area(other) - common).max(f32::EPSILON)
}
