//! Greedy non-maximum suppression: of boxes that overlap too much only the one with the highest score stays.
//!
//! Boxes are looked at in a total order, and each is compared only with kept boxes that an index says may
//! overlap it enough, so that many thousand boxes cost about n log n even where none or all of them overlap.

mod grid;
mod tiles;

use std::cmp::Ordering;

use self::grid::Grid;
pub(crate) use self::tiles::Merger;
use crate::{Candidate, NmsMode};

/// Below this many kept boxes comparing with all of them is faster than the index.
const SCAN: usize = 48;

/// Thins out candidates, with scratch memory that is kept from image to image.
#[derive(Debug, Default)]
pub struct Nms {
    grid: Grid,
    kept: Vec<Candidate>,
    group: Vec<Candidate>,
}

impl Nms {
    /// Leaves the best `max_detections` of the candidates that no better one overlaps by more than `iou`, best first.
    ///
    /// The result does not depend on the order of `candidates`: equal scores are ordered by class, then by
    /// edges from left, top, right and bottom.
    pub fn suppress(
        &mut self,
        candidates: &mut Vec<Candidate>,
        iou: f32,
        mode: NmsMode,
        max_detections: usize,
    ) {
        self.kept.clear();
        match mode {
            NmsMode::Agnostic => {
                candidates.sort_unstable_by(order);
                self.group(candidates, iou, max_detections);
            }
            NmsMode::ClassWise => {
                candidates.sort_unstable_by(|a, b| a.class.cmp(&b.class).then_with(|| order(a, b)));
                for class in candidates.chunk_by(|a, b| a.class == b.class) {
                    self.group(class, iou, max_detections);
                }
                self.kept.sort_unstable_by(order);
            }
        }
        self.kept.truncate(max_detections);
        std::mem::swap(candidates, &mut self.kept);
    }

    /// Leaves the best `max_detections`, best first, where nothing is to be suppressed.
    pub fn best(candidates: &mut Vec<Candidate>, max_detections: usize) {
        candidates.sort_unstable_by(order);
        candidates.truncate(max_detections);
    }

    /// The same as [`suppress`](Self::suppress) with another measure of how much two boxes overlap.
    ///
    /// Each candidate is compared with all that stay, of which there are at most `max_detections`.
    pub(crate) fn suppress_by(
        candidates: &mut Vec<Candidate>,
        max_detections: usize,
        overlaps: impl Fn(&Candidate, &Candidate) -> bool,
    ) {
        candidates.sort_unstable_by(order);
        let mut kept: Vec<Candidate> = Vec::new();
        for candidate in candidates.iter() {
            if kept.len() == max_detections {
                break;
            }
            if !kept.iter().any(|kept| overlaps(kept, candidate)) {
                kept.push(*candidate);
            }
        }
        *candidates = kept;
    }

    /// Appends what stays of `sorted`, whose boxes can all suppress each other.
    fn group(&mut self, sorted: &[Candidate], iou: f32, max_detections: usize) {
        self.group.clear();
        self.grid.clear(iou);
        for candidate in sorted {
            if self.group.len() == max_detections {
                break;
            }
            if !self.overlapped(candidate, iou) {
                self.keep(*candidate);
            }
        }
        self.kept.append(&mut self.group);
    }

    fn overlapped(&self, candidate: &Candidate, iou: f32) -> bool {
        if iou >= 1.0 {
            return false;
        }
        let too_much = |kept: &Candidate| kept.rect.iou(&candidate.rect) > iou;
        if self.group.len() <= SCAN {
            self.group.iter().any(too_much)
        } else {
            self.grid.any(&candidate.rect, |index| too_much(&self.group[index]))
        }
    }

    /// The index is filled only once it is needed.
    fn keep(&mut self, candidate: Candidate) {
        self.group.push(candidate);
        match self.group.len() {
            ..=SCAN => {}
            len if len == SCAN + 1 => {
                self.group.iter().for_each(|kept| self.grid.insert(&kept.rect))
            }
            _ => self.grid.insert(&candidate.rect),
        }
    }
}

/// Best first; total, so that equal candidates are the only ties.
fn order(a: &Candidate, b: &Candidate) -> Ordering {
    let edges = |c: &Candidate| [c.rect.x0, c.rect.y0, c.rect.x1, c.rect.y1];
    let by_edges = || {
        let pairs = edges(a).into_iter().zip(edges(b));
        pairs.map(|(a, b)| a.total_cmp(&b)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    };
    b.score.cmp(&a.score).then_with(|| a.class.cmp(&b.class)).then_with(by_edges)
}

#[cfg(test)]
mod tests;
