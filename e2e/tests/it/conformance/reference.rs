//! What a model should find, and how closely what it does find must agree with that.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::golden::{Corners, iou};

/// A detection that is surer than this must be in both.
const SURE: f32 = 0.3;
const SCORE: f32 = 0.01;
const OVERLAP: f32 = 0.98;
/// A corner of an oriented box, or a point of a pose, in pixels.
const POINT: f32 = 1.5;
/// How much of two masks is common to them, in percent, unless they are so small that some pixels are more. An edge of
/// a box a tenth of a pixel further on cuts off a row or a column more.
const MASK_PERCENT: usize = 95;
const FEW_PIXELS: usize = 4;

/// The file beside a model.
#[derive(Deserialize)]
pub(super) struct Reference {
    /// The row of the table of layouts that the model stands for.
    pub(super) row: String,
    /// What wrote the model.
    pub(super) exporter: String,
    /// Settings without which the file cannot be decided, as environment variables.
    #[serde(default)]
    pub(super) flags: Vec<(String, String)>,
    pub(super) pictures: BTreeMap<String, Vec<Detection>>,
}

impl Reference {
    pub(super) fn beside(model: &Path) -> Result<Self> {
        let path = model.with_extension("json");
        let text = fs::read(&path).with_context(|| path.display().to_string())?;
        serde_json::from_slice(&text).with_context(|| path.display().to_string())
    }

    /// Whether it tells the pixels of objects.
    pub(super) fn has_masks(&self) -> bool {
        self.pictures.values().flatten().any(|detection| detection.mask.is_some())
    }

    pub(super) fn variables(&self) -> Vec<(&str, &str)> {
        self.flags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Detection {
    class_id: u32,
    /// Left out where the file names no classes.
    class: Option<String>,
    confidence: f32,
    #[serde(rename = "box")]
    rect: Corners,
    obb: Option<Vec<[f32; 2]>>,
    keypoints: Option<Vec<[f32; 3]>>,
    mask: Option<Mask>,
}

/// Pixels as run lengths, in turn outside and inside the object.
#[derive(Debug, Deserialize)]
struct Mask {
    size: [usize; 2],
    counts: Vec<usize>,
}

/// What a comparison came to.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) matched: usize,
    pub(super) largest_difference: f32,
    pub(super) faults: Vec<String>,
}

impl Tally {
    /// Pairs what is sure in either with the other's, best first.
    pub(super) fn compare(&mut self, name: &str, expected: &[Detection], found: &[Detection]) {
        let mut free: Vec<&Detection> = found.iter().collect();
        for one in expected {
            let partner = free.iter().position(|other| one.agrees(other));
            match partner.map(|partner| free.remove(partner)) {
                Some(other) if one.confidence >= SURE => self.note(one, other),
                None if one.confidence >= SURE => {
                    self.faults.push(format!("{name} misses {one:?}"));
                }
                Some(_) | None => {}
            }
        }
        // References go on below the line, so a score just above it here has its partner there.
        let extra = free.iter().filter(|one| one.confidence >= SURE);
        self.faults.extend(extra.map(|one| format!("{name} has besides {one:?}")));
    }

    fn note(&mut self, one: &Detection, other: &Detection) {
        self.matched += 1;
        let difference = (one.confidence - other.confidence).abs();
        self.largest_difference = self.largest_difference.max(difference);
    }

    /// The first faults and how many there are, and what did match.
    pub(super) fn told(&self) -> String {
        let first: Vec<&str> = self.faults.iter().take(3).map(String::as_str).collect();
        let (faults, matched) = (self.faults.len(), self.matched);
        format!("{faults} differences, {matched} matched:\n    {}", first.join("\n    "))
    }
}

impl Detection {
    /// Whether another says the same of the same object. What the reference tells of corners and points must
    /// be told, too.
    fn agrees(&self, other: &Self) -> bool {
        let named = self.class.is_none() || self.class == other.class;
        let corners = self.obb.as_ref().is_none_or(|corners| {
            other.obb.as_ref().is_some_and(|others| same_outline(corners, others))
        });
        let points = self.keypoints.as_ref().is_none_or(|points| {
            other.keypoints.as_ref().is_some_and(|others| same_points(points, others))
        });
        let pixels = self
            .mask
            .as_ref()
            .is_none_or(|mask| other.mask.as_ref().is_some_and(|others| mask.agrees(others)));
        self.class_id == other.class_id
            && named
            && corners
            && points
            && pixels
            && (self.confidence - other.confidence).abs() <= SCORE
            && iou(&self.rect, &other.rect) >= OVERLAP
    }
}

impl Mask {
    /// Whether another has the same pixels but for some at its edge.
    fn agrees(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.pixels(), other.pixels());
        let both = ours.iter().zip(&theirs).filter(|(a, b)| **a && **b).count();
        let either = ours.iter().zip(&theirs).filter(|(a, b)| **a || **b).count();
        let same = self.size == other.size && ours.len() == theirs.len();
        same && ours.len() == self.size[0] * self.size[1]
            && (either - both <= FEW_PIXELS || both * 100 >= either * MASK_PERCENT)
    }

    fn pixels(&self) -> Vec<bool> {
        let runs = self.counts.iter().zip([false, true].into_iter().cycle());
        runs.flat_map(|(count, inside)| std::iter::repeat_n(inside, *count)).collect()
    }
}

/// Whether two outlines have the same corners, whichever of them comes first.
fn same_outline(one: &[[f32; 2]], other: &[[f32; 2]]) -> bool {
    let near = |a: &[f32; 2], b: &[f32; 2]| (a[0] - b[0]).hypot(a[1] - b[1]) <= POINT;
    one.len() == other.len() && one.iter().all(|a| other.iter().any(|b| near(a, b)))
}

fn same_points(one: &[[f32; 3]], other: &[[f32; 3]]) -> bool {
    let near = |(a, b): (&[f32; 3], &[f32; 3])| {
        (a[0] - b[0]).hypot(a[1] - b[1]) <= POINT && (a[2] - b[2]).abs() <= SCORE
    };
    one.len() == other.len() && one.iter().zip(other).all(near)
}
