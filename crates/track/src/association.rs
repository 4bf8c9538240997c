//! Which detection of a frame is which track: pairs that overlap enough, and the best set of them.
//! Every step is deterministic and does not depend on the order in which detections come.

use detections_types::{Detection, Rect, Source};

use crate::{
    assignment::{self, Pair},
    track::Track,
};

/// The margin around a box, in parts of its width and height: at once, how much more in a second, and
/// at most.
const MARGIN: f32 = 0.2;
const MARGIN_RATE: f32 = 0.5;
const WIDEST: f32 = 0.6;

/// What a detection and a track need to be a pair, and what the pair is worth.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// The least overlap, IoU.
    pub(crate) overlap: f32,
    /// What the overlap beyond the least is worth.
    pub(crate) worth: Worth,
}

/// What the overlap of a pair is worth.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Worth {
    /// The overlap itself.
    Overlap,
    /// The overlap times the detection's score: ByteTrack's score fusion.
    Fused,
    /// The overlap of both boxes with a margin around them, the wider the longer the track is unseen.
    Widened,
}

impl Rule {
    fn gain(self, track: &Track, detection: &Detection) -> Option<f32> {
        if track.class != detection.class {
            return None;
        }
        let beyond = |overlap: f32| overlap - self.overlap;
        let overlap = || track.rect().iou(&detection.rect);
        let gain = match self.worth {
            Worth::Overlap => beyond(overlap()),
            Worth::Fused => beyond(overlap()) * detection.score.get(),
            Worth::Widened => beyond(widened_overlap(track, detection)),
        };
        (gain > 0.0).then_some(gain)
    }
}

/// Buffered overlap (Yang et al., "Hard to Track Objects with Irregular Motions and Similar
/// Appearances?", WACV 2023), with a margin that grows while nobody knows where the track went.
fn widened_overlap(track: &Track, detection: &Detection) -> f32 {
    let margin = (MARGIN + MARGIN_RATE * track.unseen()).min(WIDEST);
    widened(&track.rect(), margin).iou(&widened(&detection.rect, margin))
}

fn widened(rect: &Rect<Source>, margin: f32) -> Rect<Source> {
    let (x, y) = (rect.width() * margin, rect.height() * margin);
    Rect::from_corners(rect.x0 - x, rect.y0 - y, rect.x1 + x, rect.y1 + y)
}

/// The pairs (index of a track, index of a detection) of the best association of `tracks` and `boxes`.
pub(crate) fn associate(
    (all_tracks, tracks): (&[Track], &[usize]),
    (detections, boxes): (&[Detection], &[usize]),
    rule: Rule,
) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (row, &track) in tracks.iter().enumerate() {
        for (column, &index) in boxes.iter().enumerate() {
            if let Some(gain) = rule.gain(&all_tracks[track], &detections[index]) {
                pairs.push(Pair { row, column, gain });
            }
        }
    }
    let chosen = assignment::best(pairs);
    chosen.into_iter().map(|pair| (tracks[pair.row], boxes[pair.column])).collect()
}
