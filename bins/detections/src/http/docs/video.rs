//! What the description says of videos and jobs: their parameters, forms and errors.

use std::collections::BTreeMap;

use utoipa::{
    IntoParams, IntoResponses, ToSchema,
    openapi::{RefOr, Response},
};

use super::problems;

/// The query of `POST /detect/video`; the same names are the members of the form field `config`.
#[derive(Debug, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "it describes the parameters; `params` reads them under all their names"
)]
pub(in crate::http) struct VideoQuery {
    /// Lowest confidence that is reported; also `conf`, `min_confidence`, `threshold`.
    #[param(minimum = 0.0, maximum = 1.0, default = 0.25)]
    #[schema(minimum = 0.0, maximum = 1.0, default = 0.25)]
    confidence: Option<f32>,
    /// Overlap above which the weaker of two boxes is dropped; also `overlap`, `iou_threshold`.
    #[param(minimum = 0.0, maximum = 1.0, default = 0.45)]
    #[schema(minimum = 0.0, maximum = 1.0, default = 0.45)]
    iou: Option<f32>,
    /// Most detections of a frame that are reported; also `max_det`.
    #[param(minimum = 1, maximum = 10_000, default = 300)]
    #[schema(minimum = 1, maximum = 10_000, default = 300)]
    max_detections: Option<u32>,
    /// Only these product classes: ids or names, separated by commas or as a JSON array.
    #[param(example = "car,truck")]
    #[schema(example = "car,truck")]
    classes: Option<String>,
    /// Whether boxes of different classes suppress each other.
    #[param(default = false)]
    #[schema(default = false)]
    agnostic_nms: Option<bool>,
    /// Whether the pixels of each object are told; only where the model segments.
    #[param(default = false)]
    #[schema(default = false)]
    masks: Option<bool>,
    /// How a frame is cut into overlapping tiles, which are searched beside the whole: `off`, `auto` (tiles as
    /// large as the model's input, where the frame is much larger) or their size in pixels.
    #[param(default = "off", pattern = "^(off|auto|[0-9]+x[0-9]+)$")]
    #[schema(default = "off", pattern = "^(off|auto|[0-9]+x[0-9]+)$")]
    tile: Option<String>,
    /// The part of a tile's side that its neighbour shows too, at least; only together with `tile`.
    #[param(minimum = 0.0, maximum = 0.9, default = 0.2)]
    #[schema(minimum = 0.0, maximum = 0.9, default = 0.2)]
    tile_overlap: Option<f32>,
    /// What becomes of an object that several tiles show: its best box grows to cover the others (`nmm`), or
    /// stays as it is (`nms`).
    #[param(default = "nmm", pattern = "^(nmm|nms)$")]
    #[schema(default = "nmm", pattern = "^(nmm|nms)$")]
    tile_merge: Option<String>,
    /// Whether two boxes are one object by their common area over that of the smaller one (`ios`) or over that of
    /// both (`iou`).
    #[param(default = "ios", pattern = "^(ios|iou)$")]
    #[schema(default = "ios", pattern = "^(ios|iou)$")]
    tile_match: Option<String>,
    /// Metres of ground for each pixel; with `tile=auto`, where the server knows the model's (`model.gsd`), tiles
    /// are so large that the ground looks as it did in the model's training.
    #[param(exclusive_minimum = 0.0)]
    #[schema(exclusive_minimum = 0.0)]
    gsd: Option<f32>,
    /// Which frames are searched: `all`, the first of `every:N`, at most `fps:X` for each second of the video,
    /// or `keyframes`, which leaves the others undecoded.
    #[param(default = "all", pattern = "^(all|every:[0-9]+|fps:[0-9.]+|keyframes)$")]
    #[schema(default = "all", pattern = "^(all|every:[0-9]+|fps:[0-9.]+|keyframes)$")]
    frames: Option<String>,
    /// Whether objects are followed from frame to frame.
    #[param(default = true)]
    #[schema(default = true)]
    track: Option<bool>,
    /// After how many searched frames the work ends.
    #[param(minimum = 1, maximum = 1_000_000_000)]
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    max_frames: Option<u64>,
    /// Deadline in milliseconds; at most and by default the server's for videos.
    #[param(minimum = 1)]
    #[schema(minimum = 1)]
    timeout_ms: Option<u64>,
    /// Whether the events are read later, from a job.
    #[param(default = false)]
    #[schema(default = false)]
    r#async: Option<bool>,
}

/// The name of a job.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes the header; the resource reads it")]
pub(in crate::http) struct JobHeader {
    /// Makes the video a job of this name, a UUID, also without `async`.
    #[param(rename = "X-Job-Id")]
    job: Option<String>,
}

/// The form of `POST /detect/video`; the fields have to come in this order.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes the form, which is read as it arrives")]
pub(in crate::http) struct VideoForm {
    /// The parameters of the query as a JSON object.
    config: Option<VideoQuery>,
    /// The video.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// The errors of `POST /detect/video` before its first event; later ones are fatal `error` events.
pub(in crate::http) struct VideoProblems;

impl IntoResponses for VideoProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            (
                400,
                "Unknown, wrong or doubled parameter; empty or malformed body; `config` behind `file`",
            ),
            (405, "Not a POST"),
            (406, "No form of the answer is acceptable"),
            (408, "The client stalled"),
            (409, "There is a job of this name, or it was cancelled"),
            (413, "Too many bytes"),
            (415, "Not a video, by its magic bytes, or of a codec that is not installed"),
            (422, "The video cannot be decoded, has no video stream, or too many pixels"),
            (429, "As many videos or jobs as may be are in work; see `Retry-After`"),
            (500, "A bug; the log has more under the request id"),
            (503, "Loading, shutting down, or the model failed; see `Retry-After`"),
            (504, "The deadline passed"),
        ])
    }
}

/// The error of a job that is not there.
pub(in crate::http) struct NoSuchJob;

impl IntoResponses for NoSuchJob {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[(404, "There is no job of this name, or not any more")])
    }
}

/// The errors of a job's events.
pub(in crate::http) struct EventProblems;

impl IntoResponses for EventProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            (400, "`Last-Event-ID` is not the number of an event"),
            (404, "There is no job of this name, or not any more"),
            (406, "No form of the answer is acceptable"),
            (410, "What follows `Last-Event-ID` is not kept any more"),
        ])
    }
}
