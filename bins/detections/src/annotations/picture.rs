//! What is recorded of a picture: its results are on disk before its answer is on its way.

use std::{io::Cursor, sync::Arc};

use detections_annotations::{Frame, Identity, MediaKind};
use detections_media::fingerprint_reader;
use detections_pipeline::StillReport;
use detections_types::ImageView;

use super::{Annotations, RecordError, Subject, finding, frame, jpeg};
use crate::wire::ParamsBody;

/// Records one picture.
#[derive(Debug)]
pub struct PictureRecord {
    annotations: Arc<Annotations>,
    subject: Subject,
    params: ParamsBody,
}

impl PictureRecord {
    /// A record of the picture of `subject` that is searched with `params`, of which the deadline is no part.
    #[must_use]
    pub fn new(annotations: Arc<Annotations>, subject: Subject, params: ParamsBody) -> Self {
        Self { annotations, subject, params: ParamsBody { timeout_ms: None, ..params } }
    }

    /// Whether the picture itself goes with its results.
    #[must_use]
    pub fn wants_image(&self) -> bool {
        self.annotations.settings.frame_jpeg
    }

    /// Stores what was found in the picture `body`, on the calling thread.
    ///
    /// # Errors
    /// [`RecordError`] when it is not stored: then nobody may be told of it.
    pub fn store(
        self,
        body: &[u8],
        report: &StillReport,
        image: Option<ImageView<'_>>,
    ) -> Result<(), RecordError> {
        let Self { annotations, subject, params } = self;
        let params = serde_json::to_string(&params)?;
        let mut recording = annotations.record(subject, MediaKind::Image, params)?;
        let findings = report.detections.iter().map(|found| finding(found, None)).collect();
        let frame = Frame { findings, ..frame(0, None, report.width, report.height) };
        let Some(kept) = recording.keep(&frame)? else { return Ok(()) };
        let jpeg = image.map(jpeg).transpose()?;
        let stored = recording.store(kept, jpeg)?;
        let fingerprint = fingerprint_reader(Cursor::new(body)).map_err(std::io::Error::other)?;
        let identity =
            Identity { sha256: report.sha256.to_string(), fingerprint: fingerprint.to_string() };
        // Both are queued before either is waited for, so that they mostly share a trip to the disk.
        let finished = recording.finish(Some(identity));
        stored.wait()?;
        Ok(finished?)
    }
}
