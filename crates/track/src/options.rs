//! What a tracker holds for the same object, and for how long it looks for one that went out of sight.
//! Scores and the two sightings are those of the ByteTrack paper; overlaps and times are this crate's own.

use std::time::Duration;

use detections_types::Score;

/// How a [`Tracker`](crate::Tracker) decides.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackerOptions {
    /// Detections at or above it are associated first, with every track, and may start tracks.
    pub high_score: Score,
    /// Detections from here up to `high_score` only keep tracks alive; weaker ones are ignored.
    ///
    /// The caller asks its detector for boxes down to this score.
    pub low_score: Score,
    /// What a detection needs to start a track.
    pub new_track_score: Score,
    /// The overlap (IoU, 0..=1) with a track's prediction that a detection of a high score needs.
    pub high_overlap: f32,
    /// The overlap that a detection of a low score needs.
    pub low_overlap: f32,
    /// The overlap that the second sighting of a track needs with its first.
    pub confirm_overlap: f32,
    /// The overlap that a track which is out of sight needs with a detection that is nobody else's,
    /// both with a margin around them that grows with the time.
    pub lost_overlap: f32,
    /// A detection that overlaps an object of its frame by more than this starts no track.
    pub same_overlap: f32,
    /// In how many frames a track must be seen, one after the other, before it has an id; at least 1.
    pub confirm_after: u32,
    /// For how long a track that is out of sight is looked for.
    pub lost_for: Duration,
}

impl TrackerOptions {
    /// The options for a caller who reports detections from `confidence` up.
    ///
    /// What is reported counts as high; weaker boxes, down to the paper's 0.1, only keep tracks alive.
    #[must_use]
    pub fn for_confidence(confidence: Score) -> Self {
        let low_score = confidence.min(score(0.1));
        Self { high_score: confidence, low_score, new_track_score: confidence, ..Self::default() }
    }
}

/// The paper's scores, for detectors whose scores are high; see [`TrackerOptions::for_confidence`].
///
/// The paper demands 0.2 of overlap times score; here the overlap alone decides who may be a pair, so
/// that a caller with a low confidence loses none, and the score only ranks them. The paper looks 30
/// frames for what it lost, one second of its videos; two bring more of the objects back that pass
/// under something.
impl Default for TrackerOptions {
    fn default() -> Self {
        Self {
            high_score: score(0.6),
            low_score: score(0.1),
            new_track_score: score(0.7),
            high_overlap: 0.1,
            low_overlap: 0.5,
            confirm_overlap: 0.1,
            lost_overlap: 0.1,
            same_overlap: 0.45,
            confirm_after: 2,
            lost_for: Duration::from_secs(2),
        }
    }
}

/// A score that is written in this file, and so within 0..=1.
fn score(value: f32) -> Score {
    Score::new(value).unwrap_or(Score::ZERO)
}
