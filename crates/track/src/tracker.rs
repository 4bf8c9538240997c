//! ByteTrack: every detection is associated, the sure ones first, the weak ones with what is left.
//! Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", ECCV 2022.

use std::{cmp::Ordering, time::Duration};

use detections_types::{Detection, Rect, Source};

use crate::{
    TrackId, TrackerOptions,
    association::{Rule, Worth, associate},
    track::Track,
};

/// The most detections of one frame that take part, best first; the others have no id.
pub const MAX_BOXES: usize = 1024;
/// The most objects that are followed at once; further ones have no id until another is let go.
pub const MAX_TRACKS: usize = 1024;

/// Boxes beyond this many pixels from the origin are no boxes of a picture.
const FARTHEST: f32 = 1e6;

/// Follows the objects of one video from frame to frame.
///
/// The same frames give the same ids, whatever the order of the detections within a frame.
#[derive(Debug)]
pub struct Tracker {
    options: TrackerOptions,
    tracks: Vec<Track>,
    confirmed: u64,
    latest: Option<Duration>,
    /// Time that went by in steps forwards: presentation times may jump back, this does not.
    now: Duration,
}

impl Tracker {
    /// A tracker that has seen nothing yet.
    #[must_use]
    pub const fn new(options: TrackerOptions) -> Self {
        Self { options, tracks: Vec::new(), confirmed: 0, latest: None, now: Duration::ZERO }
    }

    /// Takes in the detections of the frame that is shown at `pts`; says for each whose track it is.
    ///
    /// The answer is aligned with `detections`, which reach down to the options' `low_score`. `None` is
    /// a detection that is not, or not yet, part of a confirmed track. No id occurs twice. A `pts` that
    /// is not later than the one before counts as no time at all.
    pub fn update(&mut self, pts: Duration, detections: &[Detection]) -> Vec<Option<TrackId>> {
        self.advance(pts);
        let mut boxes = self.usable(detections);
        self.associate_all(detections, &mut boxes);
        self.settle();
        boxes.strong.retain(|&index| !self.is_seen_already(&detections[index]));
        self.start_tracks(detections, &boxes.strong);
        self.confirm();
        let mut ids = vec![None; detections.len()];
        for track in &self.tracks {
            if let Some(index) = track.detection {
                ids[index] = track.id;
            }
        }
        ids
    }

    /// How many distinct objects have had an id so far.
    #[must_use]
    pub const fn tracks(&self) -> u64 {
        self.confirmed
    }

    /// Lets go of what was out of sight for too long, and moves the others to the time of the frame.
    fn advance(&mut self, pts: Duration) {
        let step = pts.saturating_sub(self.latest.unwrap_or(pts));
        self.latest = Some(pts);
        self.now = self.now.saturating_add(step);
        let (now, lost_for) = (self.now, self.options.lost_for);
        // What was seen in the frame before is looked for in this one, however long that is ago.
        self.tracks.retain(|track| track.in_sight || now - track.seen_at <= lost_for);
        self.tracks.iter_mut().for_each(|track| track.predict(step));
    }

    /// The boxes that can be an object, best first.
    fn usable(&self, detections: &[Detection]) -> Boxes {
        let usable = |index: &usize| {
            let Detection { rect, score, .. } = detections[*index];
            score >= self.options.low_score && is_of_a_picture(&rect)
        };
        let mut strong: Vec<_> = (0..detections.len()).filter(usable).collect();
        strong.sort_by(|&a, &b| best_first(&detections[a], &detections[b]));
        strong.truncate(MAX_BOXES);
        let sure = strong.partition_point(|&i| detections[i].score >= self.options.high_score);
        let weak = strong.split_off(sure);
        Boxes { strong, weak }
    }

    /// The paper's stages: sure boxes with all confirmed tracks, weak boxes with those that were in
    /// sight, and the sure boxes that are left with the tracks that are not confirmed yet. What is
    /// left then may be what was lost, though not quite where it was expected.
    fn associate_all(&mut self, detections: &[Detection], boxes: &mut Boxes) {
        let TrackerOptions { high_overlap, low_overlap, confirm_overlap, lost_overlap, .. } =
            self.options;
        let rule = |overlap, worth| Rule { overlap, worth };
        let confirmed = |track: &Track| track.id.is_some();
        let in_sight = |track: &Track| track.id.is_some() && track.in_sight;
        let new = |track: &Track| track.id.is_none();
        let lost = |track: &Track| track.id.is_some() && !track.in_sight;
        let Boxes { strong, weak } = boxes;
        self.stage(detections, strong, rule(high_overlap, Worth::Fused), confirmed);
        self.stage(detections, weak, rule(low_overlap, Worth::Overlap), in_sight);
        self.stage(detections, strong, rule(confirm_overlap, Worth::Fused), new);
        self.stage(detections, strong, rule(lost_overlap, Worth::Widened), lost);
    }

    /// Associates the tracks of one kind that have no box yet, and takes their boxes out of `boxes`.
    fn stage(
        &mut self,
        detections: &[Detection],
        boxes: &mut Vec<usize>,
        rule: Rule,
        of_kind: impl Fn(&Track) -> bool,
    ) {
        let open = |index: &usize| {
            let track: &Track = &self.tracks[*index];
            track.detection.is_none() && of_kind(track)
        };
        let tracks: Vec<_> = (0..self.tracks.len()).filter(open).collect();
        for (track, index) in associate((&self.tracks, &tracks), (detections, boxes), rule) {
            self.tracks[track].see(&detections[index], index, self.now);
            boxes.retain(|&other| other != index);
        }
    }

    /// Puts out of sight what was not seen, and drops what was not seen often enough to have an id.
    fn settle(&mut self) {
        self.tracks.retain(|track| track.id.is_some() || track.detection.is_some());
        for track in self.tracks.iter_mut().filter(|track| track.detection.is_none()) {
            track.lose();
        }
    }

    /// Whether a box overlaps an object of this frame by so much that it is that object again, under
    /// whatever class.
    fn is_seen_already(&self, detection: &Detection) -> bool {
        let mut seen = self.tracks.iter().filter(|track| track.detection.is_some());
        seen.any(|track| track.rect().iou(&detection.rect) > self.options.same_overlap)
    }

    fn start_tracks(&mut self, detections: &[Detection], boxes: &[usize]) {
        let room = MAX_TRACKS.saturating_sub(self.tracks.len());
        let starts = |index: &&usize| detections[**index].score >= self.options.new_track_score;
        for &index in boxes.iter().filter(starts).take(room) {
            self.tracks.push(Track::new(&detections[index], index, self.now));
        }
    }

    /// Gives ids to what was seen often enough, in the order in which it was first seen.
    fn confirm(&mut self) {
        let enough = self.options.confirm_after;
        let new = |track: &&mut Track| track.id.is_none() && track.sightings >= enough;
        for track in self.tracks.iter_mut().filter(new) {
            track.id = Some(TrackId::after(self.confirmed));
            self.confirmed += 1;
        }
    }
}

/// The boxes of a frame that have no track yet, as indices into its detections, best first.
struct Boxes {
    strong: Vec<usize>,
    weak: Vec<usize>,
}

/// Whether a box has an area and lies where a picture may lie; no sum over such boxes overflows.
fn is_of_a_picture(rect: &Rect<Source>) -> bool {
    let edges = [rect.x0, rect.y0, rect.x1, rect.y1];
    edges.iter().all(|edge| edge.abs() <= FARTHEST) && rect.area() > 0.0
}

/// The order of reports, made total over boxes: what is equal in it is equal.
fn best_first(a: &Detection, b: &Detection) -> Ordering {
    a.report_order(b)
        .then_with(|| a.rect.x1.total_cmp(&b.rect.x1))
        .then_with(|| a.rect.y1.total_cmp(&b.rect.y1))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use detections_types::{ClassIndex, Detection, Rect, Score};

    use super::{Tracker, TrackerOptions};

    fn detection(x: f32, score: f32) -> Detection {
        Detection {
            rect: Rect::from_corners(x, 0.0, x + 20.0, 20.0),
            score: Score::new(score).unwrap(),
            class: ClassIndex(0),
        }
    }

    #[test]
    fn two_boxes_that_pass_each_other_keep_their_ids() {
        let options = TrackerOptions::for_confidence(Score::new(0.25).unwrap());
        let mut tracker = Tracker::new(options);
        let mut seen = Vec::new();
        for frame in 0..40_u16 {
            let at = f32::from(frame) * 5.0;
            let found = [detection(at, 0.8), detection(200.0 - at, 0.7)];
            seen.push(tracker.update(Duration::from_millis(40) * u32::from(frame), &found));
        }
        assert_eq!(tracker.tracks(), 2, "{seen:?}");
        assert_eq!(seen[2], seen[39]);
    }

    #[test]
    fn a_second_box_on_an_object_is_no_second_object_whatever_its_class() {
        let options = TrackerOptions::for_confidence(Score::new(0.25).unwrap());
        let mut tracker = Tracker::new(options);
        let other = Detection { class: ClassIndex(1), ..detection(2.0, 0.5) };
        tracker.update(Duration::ZERO, &[detection(0.0, 0.8)]);
        for frame in 1..5_u32 {
            let time = Duration::from_millis(40) * frame;
            let ids = tracker.update(time, &[detection(0.0, 0.8), other]);
            assert!(ids[0].is_some() && ids[1].is_none(), "{ids:?}");
        }
        assert_eq!(tracker.tracks(), 1);
    }
}
