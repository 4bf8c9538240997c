//! The same model without the decoding of boxes at the end of its graph: taken only where decoding here gives what the
//! graph gives, which a sample of it shows.

use detections_types::{Dim, Score, TensorInfo, Undecoded};

use super::Manifest;
use crate::{
    Candidate, ClassThresholds, Head, HeadKind, OutputTensor, Outputs,
    head::{Dfl, Reading, anchors},
};

/// Strides of the grids of YOLOv8's heads.
const LEVELS: [&[usize]; 3] = [&[8, 16, 32], &[4, 8, 16, 32], &[8, 16, 32, 64]];

/// How far edges may differ, in pixels of the input: rounding of float32 at its far end.
const EDGE: f32 = 0.01;

/// How far scores may differ.
const SCORE: f32 = 1e-5;

impl Manifest {
    /// The manifest for the graph without its decoding, if this one's head is of a kind that can be decoded here and
    /// the graph decodes in the same way.
    #[must_use]
    pub fn undecoded(&self, undecoded: &Undecoded) -> Option<Self> {
        let head = self.dfl(undecoded)?;
        let theirs = [OutputTensor { shape: &undecoded.shape, data: &undecoded.rows }];
        let shapes = undecoded.outputs.iter().map(fixed).collect::<Option<Vec<_>>>()?;
        let ours = shapes.iter().zip(&undecoded.logits);
        let ours = ours.map(|(shape, data)| OutputTensor { shape, data });
        let theirs = all(&self.head, theirs.into())?;
        let ours = all(&head, ours.collect())?;
        let same = ours.len() == theirs.len() && ours.iter().zip(&theirs).all(agree);
        same.then(|| {
            let decoded = "boxes are decoded by the program, for what is sure alone";
            let head_reason = format!("{}; {decoded}", self.head_reason);
            Self { head, head_reason, ..self.clone() }
        })
    }

    /// The head for the logits.
    fn dfl(&self, undecoded: &Undecoded) -> Option<Head> {
        let (kind, classes) = (self.head.kind(), self.head.classes());
        let [boxes, _] = undecoded.outputs.as_slice() else {
            return None;
        };
        let shape = fixed(boxes)?;
        let [_, numbers, cells] = *shape.as_slice() else {
            return None;
        };
        let (height, width) = (self.input.height, self.input.width);
        let divides = |strides: &[usize]| strides.iter().all(|s| height % s == 0 && width % s == 0);
        let fits =
            |strides: &&[usize]| divides(strides) && anchors(height, width, strides) == cells;
        let strides = LEVELS.into_iter().find(fits)?;
        (kind == HeadKind::Yolov8 && numbers > 0 && numbers % 4 == 0).then(|| {
            let bins = numbers / 4;
            Head::new(kind, Reading::Dfl(Dfl { classes, bins, strides, height, width }))
        })
    }
}

/// All that a head reads of the first picture, however unsure.
fn all(head: &Head, tensors: Vec<OutputTensor<'_>>) -> Option<Vec<Candidate>> {
    let mut found = Vec::new();
    let thresholds = ClassThresholds::uniform(Score::ZERO);
    head.decode(&Outputs { tensors }, 0, &thresholds, &mut found).ok()?;
    found.sort_by_key(|candidate| candidate.anchor);
    (!found.is_empty()).then_some(found)
}

fn agree((ours, theirs): (&Candidate, &Candidate)) -> bool {
    let edges = |one: &Candidate| [one.rect.x0, one.rect.y0, one.rect.x1, one.rect.y1];
    let near = |(a, b): (f32, f32)| (a - b).abs() <= EDGE;
    let score = (ours.score.get() - theirs.score.get()).abs() <= SCORE;
    ours.anchor == theirs.anchor
        && ours.class == theirs.class
        && score
        && edges(ours).into_iter().zip(edges(theirs)).all(near)
}

fn fixed(tensor: &TensorInfo) -> Option<Vec<usize>> {
    tensor.shape.iter().map(Dim::fixed).collect()
}
