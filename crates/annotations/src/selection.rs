//! Which frames of a video are kept: all, those in which something changed, or of each track the first, the surest
//! and the last. Plain data in, a decision out.

mod changed;
mod tracks;

use self::{changed::Changed, tracks::Tracks};
use crate::Frame;

/// Which frames with findings are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FramePolicy {
    /// Every one.
    #[default]
    Every,
    /// Those that differ from the last one kept: another set of classes and tracks, or an object whose box has an
    /// overlap (IoU) below 0.9 with its box there.
    Changed,
    /// Of each track the first frame, the surest and the last; an object without a track stands for itself.
    Tracks,
}

/// What becomes of frames and pictures in which nothing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmptyFrames {
    /// They are left out.
    #[default]
    Skip,
    /// They are kept like others.
    Keep,
}

/// Whether a frame is kept, and which of those kept before are not needed any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    Skip,
    Keep { supersedes: Vec<u64> },
}

/// Decides for one media, frame by frame.
#[derive(Debug)]
pub(crate) struct Selector {
    empty: EmptyFrames,
    rule: Rule,
}

#[derive(Debug)]
enum Rule {
    Every,
    Changed(Changed),
    Tracks(Tracks),
}

impl Selector {
    pub(crate) fn new(policy: FramePolicy, empty: EmptyFrames) -> Self {
        let rule = match policy {
            FramePolicy::Every => Rule::Every,
            FramePolicy::Changed => Rule::Changed(Changed::default()),
            FramePolicy::Tracks => Rule::Tracks(Tracks::default()),
        };
        Self { empty, rule }
    }

    pub(crate) fn decide(&mut self, frame: &Frame) -> Decision {
        let decision = match &mut self.rule {
            Rule::Every => Decision::Keep { supersedes: Vec::new() },
            Rule::Changed(changed) => changed.decide(frame),
            Rule::Tracks(tracks) => tracks.decide(frame),
        };
        if frame.findings.is_empty() && self.empty == EmptyFrames::Skip {
            return Decision::Skip;
        }
        decision
    }
}

#[cfg(test)]
mod tests {
    use detections_types::Rect;

    use super::{Decision, EmptyFrames, FramePolicy, Selector};
    use crate::{Finding, Frame};

    /// A frame of objects: class, track, left edge and confidence; all boxes are squares of 10 pixels.
    fn frame(index: u64, objects: &[(u32, Option<u64>, f32, f32)]) -> Frame {
        let finding =
            |&(class_id, track, left, confidence): &(u32, Option<u64>, f32, f32)| Finding {
                class_id,
                class: String::new(),
                confidence,
                rect: Rect::from_corners(left, 0.0, left + 10.0, 10.0),
                track,
            };
        let findings = objects.iter().map(finding).collect();
        Frame { index, pts: None, width: 100, height: 100, findings }
    }

    fn kept(selector: &mut Selector, frames: &[Frame]) -> Vec<u64> {
        let mut kept = Vec::new();
        for frame in frames {
            if let Decision::Keep { supersedes } = selector.decide(frame) {
                kept.retain(|index| !supersedes.contains(index));
                kept.push(frame.index);
            }
        }
        kept
    }

    #[test]
    fn empty_frames_are_kept_only_where_that_is_wanted() {
        let frames = [frame(0, &[]), frame(1, &[(0, None, 0.0, 0.5)]), frame(2, &[])];
        for (policy, empty, expected) in [
            (FramePolicy::Every, EmptyFrames::Skip, &[1][..]),
            (FramePolicy::Every, EmptyFrames::Keep, &[0, 1, 2]),
            (FramePolicy::Changed, EmptyFrames::Keep, &[1, 2]),
            (FramePolicy::Tracks, EmptyFrames::Keep, &[1]),
        ] {
            assert_eq!(kept(&mut Selector::new(policy, empty), &frames), expected, "{policy:?}");
        }
    }

    #[test]
    fn a_change_is_another_set_or_a_box_that_moved() {
        let frames = [
            frame(0, &[(0, Some(1), 0.0, 0.5)]),
            frame(1, &[(0, Some(1), 0.2, 0.9)]),
            frame(2, &[(0, Some(1), 0.4, 0.9)]),
            // An overlap of 9.4 in 10.6 with frame 0, which is below 0.9.
            frame(3, &[(0, Some(1), 0.6, 0.9)]),
            frame(4, &[(0, Some(2), 0.6, 0.9)]),
            frame(5, &[(1, Some(2), 0.6, 0.9)]),
            frame(6, &[(1, Some(2), 0.6, 0.9), (1, None, 50.0, 0.5)]),
            frame(7, &[(1, None, 50.0, 0.5), (1, Some(2), 0.6, 0.9)]),
            frame(8, &[]),
            frame(9, &[(1, None, 50.0, 0.5), (1, Some(2), 0.6, 0.9)]),
        ];
        let mut selector = Selector::new(FramePolicy::Changed, EmptyFrames::Skip);
        assert_eq!(kept(&mut selector, &frames), [0, 3, 4, 5, 6, 9]);
    }

    #[test]
    fn a_frame_stays_for_any_of_its_tracks_and_for_what_has_none() {
        let frames = [
            frame(0, &[(0, Some(1), 0.0, 0.5)]),
            frame(1, &[(0, Some(1), 0.0, 0.9), (0, Some(2), 50.0, 0.5)]),
            frame(2, &[(0, Some(1), 0.0, 0.6), (0, Some(2), 50.0, 0.6)]),
            frame(3, &[(0, Some(1), 0.0, 0.6)]),
            frame(4, &[(0, None, 0.0, 0.6)]),
            frame(5, &[(0, Some(1), 0.0, 0.6)]),
        ];
        let mut selector = Selector::new(FramePolicy::Tracks, EmptyFrames::Skip);
        // 0 and 1: first and surest of track 1; 2: surest and last of track 2; 4: no track; 5: last of track 1.
        assert_eq!(kept(&mut selector, &frames), [0, 1, 2, 4, 5]);
    }
}
