//! What is told of a media and of its frames, in plain data.

use std::time::Duration;

use detections_types::{Rect, Source};

use crate::Authorization;

/// What kind of media results belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    /// One picture.
    Image,
    /// Frames over time.
    Video,
}

impl MediaKind {
    /// The word of the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
        }
    }
}

/// One media that was sent to be searched, and by what it is searched.
#[derive(Debug, Clone, PartialEq)]
pub struct Upload {
    /// What names this upload and no other: it stands for the media where its digest never becomes known.
    pub id: String,
    /// The id of the request or job, by which its logs are found.
    pub request: String,
    /// Picture or video.
    pub kind: MediaKind,
    /// The client's name for it.
    pub name: Option<String>,
    /// The model.
    pub model: ModelIdentity,
    /// The effective parameters as a JSON object; the same parameters must be the same text.
    pub params: String,
    /// What its posts are authorised with, instead of the delivery's own.
    pub authorization: Option<Authorization>,
}

/// Which model found what is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelIdentity {
    /// Its name.
    pub name: String,
    /// SHA-256 of its file, in hex.
    pub sha256: String,
}

/// What a media is by its content, known when all of it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its sampled fingerprint, in hex.
    pub fingerprint: String,
}

/// What was found in a picture or a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Its number in the video, 0 for a picture.
    pub index: u64,
    /// When it is shown; `None` for a picture.
    pub pts: Option<Duration>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What was found, in the order of the report.
    pub findings: Vec<Finding>,
}

/// One object.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The product's id of its class.
    pub class_id: u32,
    /// The product's name of its class.
    pub class: String,
    /// How sure the model is, 0..=1.
    pub confidence: f32,
    /// Where it is, in pixels of the frame.
    pub rect: Rect<Source>,
    /// Which object of the other frames it is.
    pub track: Option<u64>,
}
