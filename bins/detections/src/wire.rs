//! The JSON that clients read: one struct for each object of the image response, spelled by HTTP and,
//! with a leading path, by the command line. Nothing here decides; it only names and converts.

mod video;

use std::time::Duration;

use detections_frames::Exif;
use detections_infer::{Detail, Mask, Masks, NmsMode, TileSize, Tiling};
use detections_pipeline::{
    ClassSelection, MappedDetection, SearchRequest, StillReport, StillRequest, StillTiming,
};
use detections_types::{Rect, Source};
use serde::Serialize;
use utoipa::ToSchema;

pub use self::video::{
    EndBody, ErrorBody, FrameBody, ProgressBody, StartBody, TrackedBody, VideoBody, VideoEvent,
    VideoParamsBody, sampling_word,
};
use crate::{
    engine::ModelCard,
    tiles::{measure_word, merge_word, tile_of},
};

/// What was found in one picture.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ImageResponse {
    /// The request's id, as in `X-Request-ID`.
    pub id: String,
    /// Which model looked at it, and where it ran.
    pub model: ModelBody,
    /// The picture as it was searched.
    pub image: ImageBody,
    /// The parameters that were in effect.
    pub params: ParamsBody,
    /// The objects: score descending, then class id, `x1`, `y1`.
    pub detections: Vec<DetectionBody>,
    /// Where the time went, in milliseconds.
    pub timing_ms: TimingBody,
}

impl ImageResponse {
    /// The response to a request `id` that was answered by `model` with `report`.
    #[must_use]
    pub fn new(id: String, model: &ModelCard, params: ParamsBody, report: &StillReport) -> Self {
        Self {
            id,
            model: model.into(),
            image: report.into(),
            params,
            detections: report.detections.iter().map(DetectionBody::from).collect(),
            timing_ms: report.timing.into(),
        }
    }
}

/// Which model answered, and where it ran.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ModelBody {
    /// The model's name.
    pub name: String,
    /// SHA-256 of the model file, in hex.
    pub sha256: String,
    /// The tensor runtime.
    #[schema(example = "tract")]
    pub backend: String,
    /// The device.
    #[schema(example = "cpu")]
    pub device: String,
}

impl From<&ModelCard> for ModelBody {
    fn from(card: &ModelCard) -> Self {
        Self {
            name: card.name.clone(),
            sha256: card.sha256.to_string(),
            backend: card.backend.to_owned(),
            device: card.device.to_string(),
        }
    }
}

/// The picture as it was searched: upright unless `exif=ignore` was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImageBody {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The EXIF orientation that the file states.
    #[schema(minimum = 1, maximum = 8)]
    pub orientation: u8,
    /// SHA-256 of the uploaded bytes, in hex.
    pub sha256: String,
}

impl From<&StillReport> for ImageBody {
    fn from(report: &StillReport) -> Self {
        Self {
            width: report.width,
            height: report.height,
            orientation: report.orientation,
            sha256: report.sha256.to_string(),
        }
    }
}

/// What was searched for, in a picture or in each frame of a video.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SearchBody {
    /// Lowest confidence that is reported.
    pub confidence: f32,
    /// Overlap above which the weaker of two boxes is dropped.
    pub iou: f32,
    /// Most detections of a picture or frame that are reported.
    pub max_detections: usize,
    /// The product ids that were asked for; absent when all were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<u32>>,
    /// Whether boxes of different classes suppress each other.
    pub agnostic_nms: bool,
    /// Whether the pixels of each object are told.
    pub masks: bool,
    /// How a picture or frame is cut: `off`, `auto` or the size of tiles in pixels.
    #[schema(example = "off")]
    pub tile: String,
    /// How it is cut and put together again; absent where it is searched whole.
    #[serde(flatten)]
    pub tiles: Option<TilesBody>,
}

/// How tiles are cut and put together again.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TilesBody {
    /// The part of a tile's side that its neighbour shows too.
    pub tile_overlap: f32,
    /// What becomes of boxes that are one object.
    #[schema(example = "nmm")]
    pub tile_merge: &'static str,
    /// How much two boxes have in common.
    #[schema(example = "ios")]
    pub tile_match: &'static str,
    /// Metres of ground for each pixel of the picture; absent where they were not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gsd: Option<f32>,
}

impl From<&Tiling> for TilesBody {
    fn from(tiling: &Tiling) -> Self {
        Self {
            tile_overlap: tiling.overlap,
            tile_merge: merge_word(tiling.merge),
            tile_match: measure_word(tiling.measure),
            gsd: match tiling.size {
                TileSize::Ground(ground) => Some(ground.picture),
                TileSize::Auto | TileSize::Fixed { .. } => None,
            },
        }
    }
}

impl From<&SearchRequest> for SearchBody {
    fn from(search: &SearchRequest) -> Self {
        Self {
            confidence: search.confidence.get(),
            iou: search.iou,
            max_detections: search.max_detections,
            classes: match &search.classes {
                ClassSelection::All => None,
                ClassSelection::Only(ids) => Some(ids.clone()),
            },
            agnostic_nms: matches!(search.nms, NmsMode::Agnostic),
            masks: matches!(search.masks, Masks::On),
            tile: tile_of(search.tiling.as_ref()).to_string(),
            tiles: search.tiling.as_ref().map(TilesBody::from),
        }
    }
}

/// The parameters that were in effect.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ParamsBody {
    /// What was searched for.
    #[serde(flatten)]
    pub search: SearchBody,
    /// What was done with the EXIF orientation.
    #[schema(example = "apply")]
    pub exif: &'static str,
    /// Deadline of the request in milliseconds; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

impl From<&StillRequest> for ParamsBody {
    fn from(request: &StillRequest) -> Self {
        Self {
            search: (&request.search).into(),
            exif: match request.exif {
                Exif::Apply => "apply",
                Exif::Ignore => "ignore",
            },
            timeout_ms: None,
        }
    }
}

/// One object.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DetectionBody {
    /// The product's id of the class.
    pub class_id: u32,
    /// The product's name of the class.
    #[schema(example = "car")]
    pub class: String,
    /// How sure the model is.
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub confidence: f32,
    /// Where it is.
    #[serde(rename = "box")]
    pub bounds: BoxBody,
    /// The four corners of its turned box in turn, where the model's boxes are turned; `box` is around them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obb: Option<[[f32; 2]; 4]>,
    /// Its keypoints, where the model finds such: x, y and how visible each is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keypoints: Option<Vec<[f32; 3]>>,
    /// Its pixels, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<MaskBody>,
}

/// The pixels of an object as COCO's uncompressed run lengths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MaskBody {
    /// Height and width of the picture.
    pub size: [usize; 2],
    /// Lengths of runs down the columns, the leftmost first: in turn outside and inside the object.
    pub counts: Vec<u32>,
}

impl From<&Mask> for MaskBody {
    fn from(mask: &Mask) -> Self {
        Self { size: [mask.height, mask.width], counts: mask.counts.clone() }
    }
}

impl From<&MappedDetection> for DetectionBody {
    fn from(detection: &MappedDetection) -> Self {
        let (obb, keypoints, mask) = match &detection.detail {
            Some(Detail::Turned(corners)) => (Some(*corners), None, None),
            Some(Detail::Keypoints(points)) => (None, Some(points.clone()), None),
            Some(Detail::Mask(mask)) => (None, None, Some(mask.into())),
            None => (None, None, None),
        };
        Self {
            class_id: detection.class_id,
            class: detection.class.to_string(),
            confidence: detection.score.get(),
            bounds: detection.rect.into(),
            obb,
            keypoints,
            mask,
        }
    }
}

/// Two corners in pixels of the picture as it was searched; `x` to the right, `y` down.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct BoxBody {
    /// Left edge.
    pub x1: f32,
    /// Top edge.
    pub y1: f32,
    /// Right edge.
    pub x2: f32,
    /// Bottom edge.
    pub y2: f32,
}

impl From<Rect<Source>> for BoxBody {
    fn from(rect: Rect<Source>) -> Self {
        Self { x1: rect.x0, y1: rect.y0, x2: rect.x1, y2: rect.y1 }
    }
}

/// Where the time went, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct TimingBody {
    /// Waiting for a free thread.
    pub queue: f64,
    /// Hashing and decoding.
    pub decode: f64,
    /// Letterboxing into the model's input.
    pub preprocess: f64,
    /// The model's run.
    pub infer: f64,
    /// Reading the outputs, suppression and mapping back.
    pub postprocess: f64,
    /// All of it, from the last received byte.
    pub total: f64,
}

impl From<StillTiming> for TimingBody {
    fn from(timing: StillTiming) -> Self {
        Self {
            queue: millis(timing.queue),
            decode: millis(timing.decode),
            preprocess: millis(timing.preprocess),
            infer: millis(timing.infer),
            postprocess: millis(timing.postprocess),
            total: millis(timing.total),
        }
    }
}

/// Milliseconds to the microsecond: more digits would only be noise.
#[must_use]
pub fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use detections_types::{Rect, Score};
    use serde_json::json;

    use super::{BoxBody, DetectionBody, ParamsBody, millis};
    use detections_pipeline::StillRequest;

    #[test]
    fn a_detection_is_spelled_as_documented() {
        let body = DetectionBody {
            class_id: 2,
            class: "car".into(),
            confidence: Score::new(0.913).unwrap().get(),
            bounds: BoxBody::from(Rect::from_corners(12.5, 40.0, 220.1, 180.4)),
            obb: None,
            keypoints: None,
            mask: None,
        };
        let text = serde_json::to_string(&body).unwrap();
        let expected = r#"{"class_id":2,"class":"car","confidence":0.913,"box":{"x1":12.5,"y1":40.0,"x2":220.1,"y2":180.4}}"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn default_parameters_are_the_documented_ones() {
        let body = serde_json::to_string(&ParamsBody::from(&StillRequest::default())).unwrap();
        assert!(
            body.starts_with(r#"{"confidence":0.25,"iou":0.45,"max_detections":300,"#),
            "{body}"
        );
        let value: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(value["tile"], json!("off"));
        assert!(value.get("classes").is_none());
    }

    #[test]
    fn times_are_rounded_to_the_microsecond() {
        assert_eq!(millis(Duration::from_nanos(19_700_499)).to_string(), "19.7");
    }
}
