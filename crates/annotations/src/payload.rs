//! The body of a post and its key, from a stored row.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    AnnotationsError, Authorization, Finding,
    key::{KeyParts, key},
};

/// One result that waits, with what its media is known by.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    pub(crate) row: i64,
    pub(crate) media: i64,
    pub(crate) upload: String,
    pub(crate) request: String,
    pub(crate) kind: String,
    pub(crate) name: Option<String>,
    pub(crate) sha256: Option<String>,
    pub(crate) fingerprint: Option<String>,
    pub(crate) model: String,
    pub(crate) model_sha256: String,
    pub(crate) params: String,
    pub(crate) authorization: Option<Authorization>,
    pub(crate) frame: u64,
    pub(crate) pts_ms: Option<f64>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) findings: String,
    pub(crate) jpeg: Option<Vec<u8>>,
    pub(crate) refusals: u32,
}

impl Queued {
    /// The same for the same media, model, parameters and frame, whatever happens to this program.
    pub(crate) fn key(&self) -> String {
        key(&KeyParts {
            media: self.sha256.as_deref().ok_or(&self.upload),
            model_sha256: &self.model_sha256,
            params: &self.params,
            frame: self.frame,
        })
    }

    /// The JSON that is posted.
    pub(crate) fn body(&self) -> Result<Vec<u8>, AnnotationsError> {
        let body = Body {
            media: Media {
                id: &self.upload,
                request_id: &self.request,
                sha256: self.sha256.as_deref(),
                fingerprint: self.fingerprint.as_deref(),
                name: self.name.as_deref(),
                kind: &self.kind,
            },
            model: Model { name: &self.model, sha256: &self.model_sha256 },
            params: raw(&self.params)?,
            frame: FrameBody { index: self.frame, pts_ms: self.pts_ms },
            detections: raw(&self.findings)?,
            image: Image { width: self.width, height: self.height },
            frame_jpeg: self.jpeg.as_ref().map(|jpeg| STANDARD.encode(jpeg)),
        };
        serde_json::to_vec(&body).map_err(unspelled)
    }
}

/// The findings as JSON, in the words of the HTTP interface.
pub(crate) fn findings(findings: &[Finding]) -> Result<String, AnnotationsError> {
    let bodies: Vec<_> = findings.iter().map(FindingBody::from).collect();
    serde_json::to_string(&bodies).map_err(unspelled)
}

/// Checks that parameters are JSON.
pub(crate) fn check_params(params: &str) -> Result<(), AnnotationsError> {
    raw(params).map(drop)
}

fn raw(text: &str) -> Result<&RawValue, AnnotationsError> {
    serde_json::from_str(text).map_err(unspelled)
}

fn unspelled(error: serde_json::Error) -> AnnotationsError {
    AnnotationsError::Payload(Arc::new(error))
}

#[derive(Serialize)]
struct Body<'a> {
    media: Media<'a>,
    model: Model<'a>,
    params: &'a RawValue,
    frame: FrameBody,
    detections: &'a RawValue,
    image: Image,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame_jpeg: Option<String>,
}

#[derive(Serialize)]
struct Media<'a> {
    id: &'a str,
    request_id: &'a str,
    sha256: Option<&'a str>,
    fingerprint: Option<&'a str>,
    name: Option<&'a str>,
    kind: &'a str,
}

#[derive(Serialize)]
struct Model<'a> {
    name: &'a str,
    sha256: &'a str,
}

#[derive(Serialize)]
struct FrameBody {
    index: u64,
    pts_ms: Option<f64>,
}

#[derive(Serialize)]
struct Image {
    width: u32,
    height: u32,
}

#[derive(Serialize)]
struct FindingBody<'a> {
    class_id: u32,
    class: &'a str,
    confidence: f32,
    #[serde(rename = "box")]
    bounds: Bounds,
    #[serde(skip_serializing_if = "Option::is_none")]
    track_id: Option<u64>,
}

#[derive(Serialize)]
struct Bounds {
    x1: f32,
    y1: f32,
    x2: f32,
    y2: f32,
}

impl<'a> From<&'a Finding> for FindingBody<'a> {
    fn from(finding: &'a Finding) -> Self {
        let rect = finding.rect;
        Self {
            class_id: finding.class_id,
            class: &finding.class,
            confidence: finding.confidence,
            bounds: Bounds { x1: rect.x0, y1: rect.y0, x2: rect.x1, y2: rect.y1 },
            track_id: finding.track,
        }
    }
}
