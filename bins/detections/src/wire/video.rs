//! The JSON of a video's events: one object a line, spelled by HTTP and by the command line.
//! Nothing here decides; it only names and converts.

use detections_frames::{FrameError, Sampling, StreamInfo};
use detections_pipeline::{
    FrameReport, Progress, Summary, TrackedDetection, Tracking, VideoFault, VideoRequest,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{DetectionBody, SearchBody, millis};
use crate::events::EventKind;

/// What is told of a video; `type` says which it is.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum VideoEvent {
    /// The first frame was decoded; comes first.
    Start(Box<StartBody>),
    /// A frame was searched.
    Frame(FrameBody),
    /// Time has passed: comes every two seconds.
    Progress(ProgressBody),
    /// A part of the video is damaged or missing, or, when it is fatal, the stream ends here.
    Error(ErrorBody),
    /// All is done; nothing comes after it.
    End(EndBody),
}

impl VideoEvent {
    /// Which event this is.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::Start(_) => EventKind::Start,
            Self::Frame(_) => EventKind::Frame,
            Self::Progress(_) => EventKind::Progress,
            Self::Error(_) => EventKind::Error,
            Self::End(_) => EventKind::End,
        }
    }

    /// The event as one line of text.
    ///
    /// # Errors
    /// [`serde_json::Error`] when it cannot be spelled, which none of its parts should cause.
    pub fn line(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// The video and what is asked of it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct StartBody {
    /// The job's id, or the request's where there is no job.
    pub id: String,
    /// What the video is.
    pub video: VideoBody,
    /// The parameters that are in effect.
    pub params: VideoParamsBody,
}

/// What a video is.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct VideoBody {
    /// The container, or the codec of a bare stream.
    #[schema(example = "quicktime")]
    pub container: String,
    /// The codec.
    #[schema(example = "h264")]
    pub codec: String,
    /// Width of the upright first frame with square pixels.
    pub width: u32,
    /// Height of the upright first frame with square pixels.
    pub height: u32,
    /// Frames in a second, where a constant rate is stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fps: Option<f64>,
    /// The length in milliseconds, where it is stated in front.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// Whether decoding began before the last byte was there.
    pub progressive: bool,
}

impl From<&StreamInfo> for VideoBody {
    fn from(info: &StreamInfo) -> Self {
        Self {
            container: info.container.clone(),
            codec: info.codec.clone(),
            width: info.width,
            height: info.height,
            fps: info.fps.map(|fps| (fps * 1e3).round() / 1e3),
            duration_ms: info.duration.map(millis),
            progressive: info.progressive,
        }
    }
}

/// The parameters that are in effect.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct VideoParamsBody {
    /// What is searched for.
    #[serde(flatten)]
    pub search: SearchBody,
    /// Which frames are searched.
    #[schema(example = "every:5")]
    pub frames: String,
    /// Whether objects are followed from frame to frame.
    pub track: bool,
    /// After how many searched frames the work ends; absent when it goes on to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_frames: Option<u64>,
    /// Deadline in milliseconds; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

impl VideoParamsBody {
    /// What `request` asks of the frames that `sampling` lets through.
    #[must_use]
    pub fn new(request: &VideoRequest, sampling: Sampling) -> Self {
        Self {
            search: (&request.search).into(),
            frames: sampling_word(sampling),
            track: request.tracking == Tracking::On,
            max_frames: request.max_frames,
            timeout_ms: None,
        }
    }
}

/// The choice of frames as the parameter `frames` spells it.
#[must_use]
pub fn sampling_word(sampling: Sampling) -> String {
    match sampling {
        Sampling::All => "all".to_owned(),
        Sampling::Every(step) => format!("every:{step}"),
        Sampling::Fps(rate) => format!("fps:{rate}"),
        Sampling::Keyframes => "keyframes".to_owned(),
    }
}

/// What was found in a frame.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FrameBody {
    /// Its number in the video, from 0.
    pub index: u64,
    /// When it is shown, in milliseconds by the container's clock.
    pub pts_ms: f64,
    /// Bytes of the video that had arrived.
    pub received_bytes: u64,
    /// The objects: score descending, then class id, `x1`, `y1`.
    pub detections: Vec<TrackedBody>,
}

impl From<&FrameReport> for FrameBody {
    fn from(report: &FrameReport) -> Self {
        Self {
            index: report.index,
            pts_ms: millis(report.pts),
            received_bytes: report.received_bytes,
            detections: report.detections.iter().map(TrackedBody::from).collect(),
        }
    }
}

/// One object of a frame.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TrackedBody {
    /// What and where it is.
    #[serde(flatten)]
    pub detection: DetectionBody,
    /// Which of the objects of other frames it is; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track_id: Option<u64>,
}

impl From<&TrackedDetection> for TrackedBody {
    fn from(tracked: &TrackedDetection) -> Self {
        let detection = DetectionBody::from(&tracked.detection);
        Self { detection, track_id: tracked.track.map(|track| track.get()) }
    }
}

/// How far a video has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct ProgressBody {
    /// Frames that were decoded.
    pub frames_decoded: u64,
    /// Frames that were searched.
    pub frames_inferred: u64,
    /// Frames that were wanted and not searched: always 0, because the upload waits instead.
    pub frames_dropped: u64,
    /// Bytes of the video that have arrived.
    pub received_bytes: u64,
}

impl From<Progress> for ProgressBody {
    fn from(progress: Progress) -> Self {
        Self {
            frames_decoded: progress.frames_decoded,
            frames_inferred: progress.frames_inferred,
            frames_dropped: 0,
            received_bytes: progress.received_bytes,
        }
    }
}

/// Something that is wrong with a video.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ErrorBody {
    /// A word for programs: `decode_error` where the video goes on behind a damaged part, `truncated` where it
    /// ends before the end that its container states. A fatal one has the
    /// code that a response of its own would have: `undecodable`, `unsupported_media`, `video_too_large`,
    /// `no_video_stream`, `invalid_parameter`, `body_too_large`, `malformed_body`, `config_after_file`, `client_stalled`, `client_gone`,
    /// `decoder_stalled`, `deadline_exceeded`, `events_overflow`, `cancelled`, `shutting_down`,
    /// `model_failed`, `outbox_full`, `outbox_failed`, `internal`.
    #[schema(example = "decode_error")]
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
    /// When the damaged part is shown, or, where that is not known, the last frame before it, in milliseconds; absent
    /// where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pts_ms: Option<f64>,
    /// Whether the stream ends here.
    pub fatal: bool,
}

impl From<&VideoFault> for ErrorBody {
    /// What is wrong with a video that goes on.
    fn from(fault: &VideoFault) -> Self {
        let is_cut = matches!(fault.error, FrameError::CutShort { .. });
        let code = if is_cut { "truncated" } else { "decode_error" };
        let (message, pts_ms) = (fault.error.to_string(), fault.pts.map(millis));
        Self { code, message, pts_ms, fatal: false }
    }
}

/// What a video came to.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct EndBody {
    /// Frames that were decoded.
    pub frames_decoded: u64,
    /// Frames that were searched.
    pub frames_inferred: u64,
    /// Bytes of the video that have arrived.
    pub received_bytes: u64,
    /// SHA-256 of all bytes; absent when the work ended before all of them had arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Fingerprint of all bytes; absent when the work ended before all of them had arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// How many objects were followed.
    pub tracks: u64,
    /// From the first frame to the end.
    pub elapsed_ms: f64,
}

impl From<&Summary> for EndBody {
    fn from(summary: &Summary) -> Self {
        let identity = summary.identity.as_ref();
        Self {
            frames_decoded: summary.frames_decoded,
            frames_inferred: summary.frames_inferred,
            received_bytes: summary.received_bytes,
            sha256: identity.map(|identity| identity.sha256.to_string()),
            fingerprint: identity.map(|identity| identity.fingerprint.to_string()),
            tracks: summary.tracks,
            elapsed_ms: millis(summary.elapsed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use detections_frames::{FrameError, Sampling};
    use detections_pipeline::{VideoFault, VideoRequest};

    use super::{DetectionBody, FrameBody, TrackedBody, VideoEvent, VideoParamsBody, millis};
    use crate::wire::BoxBody;

    fn text(event: &VideoEvent) -> String {
        String::from_utf8(event.line().unwrap()).unwrap()
    }

    #[test]
    fn a_frame_is_one_line_as_documented() {
        let bounds = BoxBody { x1: 12.5, y1: 40.0, x2: 220.1, y2: 180.4 };
        let detection = DetectionBody {
            class_id: 2,
            class: "car".into(),
            confidence: 0.913,
            bounds,
            obb: None,
            keypoints: None,
            mask: None,
        };
        let known = TrackedBody { detection: detection.clone(), track_id: Some(1) };
        let frame = FrameBody {
            index: 7,
            pts_ms: millis(Duration::from_nanos(560_000_400)),
            received_bytes: 131_072,
            detections: vec![known, TrackedBody { detection, track_id: None }],
        };
        let car = r#"{"class_id":2,"class":"car","confidence":0.913,"box":{"x1":12.5,"y1":40.0,"x2":220.1,"y2":180.4}"#;
        let expected = format!(
            r#"{{"type":"frame","index":7,"pts_ms":560.0,"received_bytes":131072,"detections":[{car},"track_id":1}},{car}}}]}}"#
        );
        assert_eq!(text(&VideoEvent::Frame(frame)), expected + "\n");
    }

    #[test]
    fn an_error_has_a_time_only_where_there_is_one() {
        let pts = Some(Duration::from_millis(9120));
        let lost = FrameError::Corrupt { message: "lost".into(), pts: None };
        let error = VideoEvent::Error((&VideoFault { error: lost, pts }).into());
        let expected = r#"{"type":"error","code":"decode_error","message":"a part of the video is damaged: lost","pts_ms":9120.0,"fatal":false}"#;
        assert_eq!(text(&error), format!("{expected}\n"));
        let cut = VideoFault { error: FrameError::CutShort { missing: 7 }, pts: None };
        let error = text(&VideoEvent::Error((&cut).into()));
        assert!(
            error.contains(r#""code":"truncated","message":"the video ends 7 bytes"#),
            "{error}"
        );
        assert!(error.contains(r#""fatal":false"#) && !error.contains("pts_ms"), "{error}");
    }

    #[test]
    fn the_choice_of_frames_is_spelled_as_it_is_asked_for() {
        let step = std::num::NonZeroU64::new(5).unwrap();
        for (sampling, word) in [
            (Sampling::All, "all"),
            (Sampling::Every(step), "every:5"),
            (Sampling::Fps(2.5), "fps:2.5"),
            (Sampling::Keyframes, "keyframes"),
        ] {
            let body = VideoParamsBody::new(&VideoRequest::default(), sampling);
            assert_eq!((body.frames.as_str(), body.track), (word, true));
        }
    }
}
