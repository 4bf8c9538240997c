//! What one would do without a tracker: each box takes the id of the box before that it overlaps most.

use detections_types::Detection;

/// The overlap that makes two boxes of successive frames the same object.
const OVERLAP: f32 = 0.3;

#[derive(Default)]
pub(crate) struct PlainOverlap {
    before: Vec<(u64, Detection)>,
    ids: u64,
}

impl PlainOverlap {
    /// The ids of `detections`: greedily by overlap with the frame before, new ones for the rest.
    pub(crate) fn update(&mut self, detections: &[Detection]) -> Vec<u64> {
        let mut pairs = Vec::new();
        for (index, detection) in detections.iter().enumerate() {
            for (id, other) in
                self.before.iter().filter(|(_, other)| other.class == detection.class)
            {
                pairs.push((detection.rect.iou(&other.rect), index, *id));
            }
        }
        pairs.retain(|pair| pair.0 >= OVERLAP);
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut ids: Vec<Option<u64>> = vec![None; detections.len()];
        for (_, index, id) in pairs {
            if ids[index].is_none() && !ids.contains(&Some(id)) {
                ids[index] = Some(id);
            }
        }
        let ids: Vec<u64> = ids.into_iter().map(|id| id.unwrap_or_else(|| self.fresh())).collect();
        self.before = ids.iter().copied().zip(detections.iter().copied()).collect();
        ids
    }

    fn fresh(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }
}
