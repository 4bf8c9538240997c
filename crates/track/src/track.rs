//! One object over time: its class, its filter, and whether it is in sight.
//! A track has no id until it is confirmed, so that ids count objects and not false alarms.

use std::{fmt, num::NonZeroU64, time::Duration};

use detections_types::{ClassIndex, Detection, Rect, Source};

use crate::kalman::BoxFilter;

/// The name of one object within one video: 1 for the first that was confirmed, and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(NonZeroU64);

impl TrackId {
    /// The id after `count` others.
    pub(crate) const fn after(count: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(count))
    }

    /// The number itself, from 1.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An object that is followed.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) id: Option<TrackId>,
    pub(crate) class: ClassIndex,
    /// The tracker's time when it was last seen.
    pub(crate) seen_at: Duration,
    /// In how many frames it was seen.
    pub(crate) sightings: u32,
    /// Which detection of the frame at hand it is.
    pub(crate) detection: Option<usize>,
    /// Whether it was seen in the latest frame in which it was looked for.
    pub(crate) in_sight: bool,
    filter: BoxFilter,
}

impl Track {
    pub(crate) fn new(detection: &Detection, index: usize, now: Duration) -> Self {
        Self {
            id: None,
            class: detection.class,
            seen_at: now,
            sightings: 1,
            detection: Some(index),
            in_sight: true,
            filter: BoxFilter::new(&detection.rect),
        }
    }

    /// Where it is now, as far as known.
    pub(crate) fn rect(&self) -> Rect<Source> {
        self.filter.rect()
    }

    /// For how many seconds it was not seen.
    pub(crate) const fn unseen(&self) -> f32 {
        self.filter.unseen()
    }

    /// Moves it to the time of the next frame, in which it has not been found yet.
    pub(crate) fn predict(&mut self, step: Duration) {
        self.detection = None;
        self.filter.predict(step.as_secs_f32());
    }

    pub(crate) fn see(&mut self, detection: &Detection, index: usize, now: Duration) {
        self.detection = Some(index);
        self.filter.correct(&detection.rect);
        self.seen_at = now;
        self.sightings = self.sightings.saturating_add(1);
        self.in_sight = true;
    }

    pub(crate) fn lose(&mut self) {
        self.filter.hold_size();
        self.in_sight = false;
    }
}
