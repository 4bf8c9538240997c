//! Keeps a frame when it differs from the last one that was looked at and kept.

use std::collections::HashMap;

use super::Decision;
use crate::{Finding, Frame};

/// An object whose box overlaps less than this with its box in the last kept frame has moved.
const SAME_PLACE: f32 = 0.9;

/// What was in the last kept frame; nothing at first, and after a frame without findings.
#[derive(Debug, Default)]
pub(super) struct Changed {
    last: Vec<Finding>,
}

impl Changed {
    pub(super) fn decide(&mut self, frame: &Frame) -> Decision {
        if same(&self.last, &frame.findings) {
            return Decision::Skip;
        }
        self.last.clone_from(&frame.findings);
        Decision::Keep { supersedes: Vec::new() }
    }
}

/// Whether both have the same objects in the same places. Those without a track are matched with the one of their
/// class that they overlap the most, the surest first.
fn same(before: &[Finding], now: &[Finding]) -> bool {
    if before.len() != now.len() {
        return false;
    }
    let mut by_name: HashMap<(u32, Option<u64>), Vec<&Finding>> = HashMap::new();
    for finding in before {
        by_name.entry((finding.class_id, finding.track)).or_default().push(finding);
    }
    now.iter().all(|finding| {
        let Some(others) = by_name.get_mut(&(finding.class_id, finding.track)) else {
            return false;
        };
        let overlaps = others.iter().map(|other| other.rect.iou(&finding.rect)).enumerate();
        let Some((nearest, overlap)) = overlaps.max_by(|a, b| a.1.total_cmp(&b.1)) else {
            return false;
        };
        others.swap_remove(nearest);
        overlap >= SAME_PLACE
    })
}
