//! Results on their way to the Annotations service: the program's outbox, what pictures and videos put into it, and
//! the delivery from it. Without `annotations.url` there is none of it.

mod metrics;
mod picture;
mod video;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use detections_annotations::{
    AnnotationsError, Authorization, Delivery, DeliverySettings, Finding, Frame, MediaKind,
    ModelIdentity, Outbox, Recording, Stats, SystemClock, Upload,
};
use detections_frames::{FrameError, StillEncoding, encode_still, to_rgb8};
use detections_pipeline::MappedDetection;
use detections_types::ImageView;
use uuid::Uuid;

pub use self::{
    metrics::OutboxMetrics,
    picture::PictureRecord,
    video::{VideoRecord, VideoTeller},
};
use crate::{
    config::{AnnotationsConfig, Config},
    engine::ModelCard,
};

/// The quality of a frame that goes with its results.
const JPEG_QUALITY: u8 = 85;

/// Where the outbox lies in the folder of data.
#[must_use]
pub fn outbox_folder(data: &Path) -> PathBuf {
    data.join("outbox")
}

/// The open outbox and the delivery from it.
#[derive(Debug)]
pub struct Annotations {
    // Before the outbox, so that it ends first.
    delivery: Delivery,
    outbox: Outbox,
    settings: AnnotationsConfig,
}

/// Whose results are recorded.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The id of the request or job.
    pub request: String,
    /// The client's name for the media.
    pub name: Option<String>,
    /// The model that searches it.
    pub model: ModelIdentity,
    /// The caller's own token, where posts carry it.
    pub authorization: Option<Authorization>,
}

impl Subject {
    /// A media that `model` searches for the request or job of that id.
    #[must_use]
    pub fn new(request: &str, name: Option<String>, model: &ModelCard) -> Self {
        let model = ModelIdentity { name: model.name.clone(), sha256: model.sha256.to_string() };
        Self { request: request.to_owned(), name, model, authorization: None }
    }

    /// Posted with `authorization`, where there is one, instead of the configured token.
    #[must_use]
    pub fn authorized_by(self, authorization: Option<Authorization>) -> Self {
        Self { authorization, ..self }
    }
}

impl Annotations {
    /// Opens the outbox and starts to deliver; `None` where no Annotations service is configured.
    ///
    /// # Errors
    /// [`AnnotationsError`] when the outbox cannot be used, naming its file.
    pub fn start(config: &Config) -> Result<Option<Arc<Self>>, AnnotationsError> {
        let settings = config.annotations.clone();
        let Some(endpoint) = settings.endpoint.clone() else { return Ok(None) };
        let folder = outbox_folder(&config.data.dir);
        let outbox = Outbox::open(&folder, settings.limits, Arc::new(SystemClock::new()))?;
        let delivery = DeliverySettings {
            endpoint,
            authorization: settings.token.clone(),
            workers: settings.workers,
            timeout: settings.timeout,
            max_attempts: settings.max_attempts,
        };
        let delivery = Delivery::spawn(&outbox, delivery)?;
        Ok(Some(Arc::new(Self { delivery, outbox, settings })))
    }

    /// How the outbox stands.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.outbox.stats()
    }

    /// Begins no other post.
    pub fn stop_soon(&self) {
        self.delivery.stop_soon();
    }

    /// Waits so long for posts on their way; what is left is delivered by the next process.
    pub fn stop(&self, patience: Duration) -> bool {
        self.delivery.stop(patience)
    }

    fn record(
        &self,
        subject: Subject,
        kind: MediaKind,
        params: String,
    ) -> Result<Recording, AnnotationsError> {
        let Subject { request, name, model, authorization } = subject;
        // Clients choose the names of requests and jobs, and may choose one twice.
        let id = Uuid::new_v4().to_string();
        let upload = Upload { id, request, kind, name, model, params, authorization };
        self.outbox.record(upload, self.settings.frames, self.settings.empty)
    }
}

/// Why a result is not recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The outbox does not take it.
    #[error(transparent)]
    Outbox(#[from] AnnotationsError),
    /// The picture that goes with it cannot be encoded.
    #[error("the frame cannot be encoded")]
    Encode(#[from] FrameError),
    /// The parameters cannot be spelled.
    #[error("the parameters cannot be spelled")]
    Params(#[from] serde_json::Error),
    /// The system gives no thread.
    #[error("no thread tells of a video")]
    Thread(#[from] std::io::Error),
}

impl RecordError {
    /// A word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Outbox(AnnotationsError::Full { .. } | AnnotationsError::TooLarge { .. }) => {
                "outbox_full"
            }
            Self::Outbox(_) => "outbox_failed",
            Self::Encode(_) | Self::Params(_) | Self::Thread(_) => "internal",
        }
    }

    /// A sentence for clients; paths of this machine are for the log.
    #[must_use]
    pub const fn told(&self) -> &'static str {
        match self {
            Self::Outbox(AnnotationsError::Full { .. } | AnnotationsError::TooLarge { .. }) => {
                "the results that wait for the Annotations service leave no room for another"
            }
            Self::Outbox(_) => "the result cannot be stored for the Annotations service",
            Self::Encode(_) | Self::Params(_) | Self::Thread(_) => {
                "an internal error; the log has more under this id"
            }
        }
    }
}

fn finding(detection: &MappedDetection, track: Option<u64>) -> Finding {
    Finding {
        class_id: detection.class_id,
        class: detection.class.to_string(),
        confidence: detection.score.get(),
        rect: detection.rect,
        track,
    }
}

fn jpeg(image: ImageView<'_>) -> Result<Vec<u8>, FrameError> {
    let rgb = to_rgb8(image)?;
    encode_still(rgb.view(), StillEncoding::Jpeg { quality: JPEG_QUALITY })
}

/// A frame without findings yet.
const fn frame(index: u64, pts: Option<Duration>, width: u32, height: u32) -> Frame {
    Frame { index, pts, width, height, findings: Vec::new() }
}
