//! How a job stands, as clients read it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::{ErrorBody, ProgressBody, VideoBody};

/// What becomes of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Its first frame is not there yet.
    Queued,
    /// Its frames are searched.
    Running,
    /// All is done.
    Done,
    /// It ended with a fatal error.
    Failed,
    /// It was ended by its client, by `DELETE`, or with the service.
    Cancelled,
}

/// How a job stands.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct JobBody {
    /// Its name.
    pub id: String,
    /// What becomes of it.
    pub state: JobState,
    /// Whether all bytes of the video have arrived.
    pub upload_complete: bool,
    /// What the video is, once its first frame was decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoBody>,
    /// How far it has come.
    pub progress: ProgressBody,
    /// How many events were told.
    pub events: u64,
    /// What ended it before its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// When its first frame was decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<u64>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<u64>,
}
