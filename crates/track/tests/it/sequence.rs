//! The sequences of `fixtures/sequences`: truth and a real detector's boxes, frame by frame.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use detections_types::{ClassIndex, Detection, Rect, Score, Source};
use serde::Deserialize;

/// The part of an object, in per cent, that shows when it counts.
const COUNTS: u8 = 60;

pub(crate) struct Sequence {
    pub(crate) name: String,
    pub(crate) frames: Vec<Frame>,
}

pub(crate) struct Frame {
    pub(crate) pts: Duration,
    pub(crate) detections: Vec<Detection>,
    /// Objects that show.
    pub(crate) truth: Vec<Labelled>,
    /// Objects of which too little shows: what is found on them is neither right nor wrong.
    pub(crate) hidden: Vec<Labelled>,
}

/// A box of one class that has an identity, be it the truth's or a tracker's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Labelled {
    pub(crate) id: u64,
    pub(crate) class: ClassIndex,
    pub(crate) rect: Rect<Source>,
}

#[derive(Deserialize)]
struct Stored {
    frames: Vec<StoredFrame>,
}

#[derive(Deserialize)]
struct StoredFrame {
    ms: f64,
    truth: Vec<(u64, u32, f32, f32, f32, f32, u8)>,
    found: Vec<(u32, f32, f32, f32, f32, f32)>,
}

/// All sequences, by name: the repository's own, or those of the folder that `SEQUENCES` names.
pub(crate) fn all() -> Result<Vec<Sequence>> {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sequences");
    let folder = env::var_os("SEQUENCES").map_or_else(own, PathBuf::from);
    let mut sequences = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            sequences.push(read(&path).with_context(|| path.display().to_string())?);
        }
    }
    sequences.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sequences)
}

fn read(path: &Path) -> Result<Sequence> {
    let stored: Stored = serde_json::from_str(&fs::read_to_string(path)?)?;
    let frames = stored.frames.into_iter().map(frame).collect::<Result<_>>()?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Sequence { name, frames })
}

fn frame(stored: StoredFrame) -> Result<Frame> {
    let label = |&(id, class, x0, y0, x1, y1, _): &(u64, u32, f32, f32, f32, f32, u8)| Labelled {
        id,
        class: ClassIndex(class),
        rect: Rect::from_corners(x0, y0, x1, y1),
    };
    let (shown, hidden): (Vec<_>, Vec<_>) = stored.truth.iter().partition(|row| row.6 >= COUNTS);
    let detections = stored.found.iter().map(|&(class, score, x0, y0, x1, y1)| {
        let score = Score::new(score / 1000.0).context("a score above 1")?;
        let [x0, y0, x1, y1] = [x0, y0, x1, y1].map(|tenths| tenths / 10.0);
        Ok(Detection { rect: Rect::from_corners(x0, y0, x1, y1), score, class: ClassIndex(class) })
    });
    Ok(Frame {
        pts: Duration::from_secs_f64(stored.ms / 1000.0),
        detections: detections.collect::<Result<_>>()?,
        truth: shown.into_iter().map(label).collect(),
        hidden: hidden.into_iter().map(label).collect(),
    })
}
