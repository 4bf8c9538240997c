//! Keeps of each track the first frame, the surest and the last. Which is the last is known only at the end, so
//! every new frame of a track takes the place of the one before.

use std::collections::HashMap;

use super::Decision;
use crate::Frame;

/// Tracks that were not seen for so many frames are over; they are forgotten when there are many.
const FORGOTTEN_AFTER: u64 = 4096;

/// The frames of each track, and for how much each of them is kept.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    tracks: HashMap<u64, Track>,
    roles: HashMap<u64, u32>,
}

#[derive(Debug, Clone, Copy)]
struct Track {
    best: u64,
    confidence: f32,
    last: u64,
}

impl Tracks {
    pub(super) fn decide(&mut self, frame: &Frame) -> Decision {
        let index = frame.index;
        let mut left = Vec::new();
        for finding in &frame.findings {
            match finding.track {
                Some(track) => left.extend(self.seen(track, index, finding.confidence)),
                None => self.take(index),
            }
        }
        self.forget_old(index);
        if !self.roles.contains_key(&index) {
            return Decision::Skip;
        }
        let supersedes = left.into_iter().filter(|frame| self.give_up(*frame)).collect();
        Decision::Keep { supersedes }
    }

    /// Notes that a track is in frame `index`; gives the frames that lose a role by it.
    fn seen(&mut self, id: u64, index: u64, confidence: f32) -> Vec<u64> {
        let Some(track) = self.tracks.get_mut(&id) else {
            self.tracks.insert(id, Track { best: index, confidence, last: index });
            // As the first, the surest and the last.
            (0..3).for_each(|_| self.take(index));
            return Vec::new();
        };
        let mut left = vec![std::mem::replace(&mut track.last, index)];
        if confidence > track.confidence {
            track.confidence = confidence;
            left.push(std::mem::replace(&mut track.best, index));
        }
        left.iter().for_each(|_| self.take(index));
        left
    }

    fn take(&mut self, frame: u64) {
        *self.roles.entry(frame).or_default() += 1;
    }

    /// Takes a role from a frame; whether it was the last one.
    fn give_up(&mut self, frame: u64) -> bool {
        let Some(roles) = self.roles.get_mut(&frame) else { return false };
        *roles -= 1;
        let last = *roles == 0;
        if last {
            self.roles.remove(&frame);
        }
        last
    }

    /// What is forgotten stays kept: its frames just lose no role any more.
    fn forget_old(&mut self, index: u64) {
        if self.tracks.len() as u64 <= FORGOTTEN_AFTER {
            return;
        }
        let oldest = index.saturating_sub(FORGOTTEN_AFTER);
        self.tracks.retain(|_, track| track.last >= oldest);
        let tracks = &self.tracks;
        let first = tracks.values().map(|track| track.best.min(track.last)).min();
        self.roles.retain(|frame, _| *frame >= first.unwrap_or(index));
    }
}
