//! From what the detector found in a frame to what is told of it: objects followed from frame to frame, weak
//! ones left out, all named.

use std::{iter, time::Duration};

use detections_infer::{ClassThresholds, DetectParams, Inference};
use detections_track::{Tracker, TrackerOptions};
use detections_types::Detection;

use super::{TrackedDetection, Tracking, VideoRequest};
use crate::{MappedDetection, PipelineError, search::Search};

/// Follows the objects of one video.
pub(super) struct Follower<'a> {
    search: &'a Search,
    /// What the detector is asked for; with tracking, also for boxes too weak to be told.
    params: DetectParams,
    /// What is told.
    told: ClassThresholds,
    tracker: Option<Tracker>,
}

impl<'a> Follower<'a> {
    /// # Errors
    /// [`PipelineError`] when `request` asks for what is not there.
    pub(super) fn new(search: &'a Search, request: &VideoRequest) -> Result<Self, PipelineError> {
        let mut params = search.params(&request.search)?;
        let told = params.thresholds.clone();
        let tracker = match (request.tracking, told.lowest()) {
            (Tracking::On, Some(lowest)) => {
                let options = TrackerOptions::for_confidence(lowest);
                // A box that is not told may keep a track alive; being weaker than all that is told, it
                // never begins one.
                params.thresholds = told.reaching_down_to(options.low_score);
                Some(Tracker::new(options))
            }
            (Tracking::Off, _) | (Tracking::On, None) => None,
        };
        Ok(Self { search, params, told, tracker })
    }

    /// What to ask the detector for.
    pub(super) fn params(&self) -> DetectParams {
        self.params.clone()
    }

    /// How many objects were followed so far.
    pub(super) fn tracks(&self) -> u64 {
        self.tracker.as_ref().map_or(0, Tracker::tracks)
    }

    /// Names what was found in the frame that is shown at `pts`.
    pub(super) fn follow(&mut self, pts: Duration, found: &Inference) -> Vec<TrackedDetection> {
        let ids = self.tracker.as_mut().map(|tracker| tracker.update(pts, &found.detections));
        let tracks = ids.into_iter().flatten().chain(iter::repeat(None));
        let details = found.details.iter().map(Some).chain(iter::repeat(None));
        let found = found.detections.iter().zip(details).zip(tracks);
        let told = found.filter(|((detection, _), _)| self.is_told(detection));
        let named = told.filter_map(|((detection, detail), track)| {
            Some(TrackedDetection { detection: self.search.name(detection, detail)?, track })
        });
        let mut named: Vec<_> = named.collect();
        named.sort_by(|a, b| MappedDetection::report_order(&a.detection, &b.detection));
        named
    }

    fn is_told(&self, detection: &Detection) -> bool {
        self.told.of(detection.class).is_some_and(|least| detection.score >= least)
    }
}
