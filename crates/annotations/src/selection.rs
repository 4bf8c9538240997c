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
