//! One encoded picture in, its objects in product classes out.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use detections_classes::BoundClasses;
use detections_frames::{Exif, Still, StillLimits, StillOptions, decode_still};
use detections_infer::{DetectParams, Detector, InferError, InferTiming, Inference};
use detections_media::{Sha256Digest, hash_bytes};
use detections_types::{CancelToken, Image};

use crate::{
    PipelineError,
    search::{MappedDetection, Search, SearchRequest},
};

/// What a caller may choose for one picture.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StillRequest {
    /// What is searched for.
    pub search: SearchRequest,
    /// Whether the picture is turned upright.
    pub exif: Exif,
}

/// Where the time of one picture went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StillTiming {
    /// Hashing and decoding.
    pub decode: Duration,
    /// Waiting for a free worker.
    pub queue: Duration,
    /// Letterboxing into the batch.
    pub preprocess: Duration,
    /// The model's run.
    pub infer: Duration,
    /// Head, suppression and mapping back.
    pub postprocess: Duration,
    /// All of it.
    pub total: Duration,
}

/// What was found in one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct StillReport {
    /// Width of the picture as it was searched, in pixels.
    pub width: u32,
    /// Height of the picture as it was searched, in pixels.
    pub height: u32,
    /// The EXIF orientation that the file states, 1..=8.
    pub orientation: u8,
    /// SHA-256 of the encoded bytes.
    pub sha256: Sha256Digest,
    /// What was found: score descending, then class id, left and top edge.
    pub detections: Vec<MappedDetection>,
    /// Where the time went.
    pub timing: StillTiming,
}

/// Everything that turns one encoded picture into reported objects; shared by all callers.
#[derive(Debug)]
pub struct StillPipeline {
    search: Search,
    limits: StillLimits,
}

/// A decoded picture on its way through the detector.
struct Opened {
    started: Instant,
    decode: Duration,
    params: DetectParams,
    width: u32,
    height: u32,
    orientation: u8,
    sha256: Sha256Digest,
}

impl StillPipeline {
    /// A pipeline over a running detector and the classes that are bound to its labels.
    #[must_use]
    pub fn new(detector: Arc<Detector>, classes: Arc<BoundClasses>, limits: StillLimits) -> Self {
        Self { search: Search { detector, classes }, limits }
    }

    /// The product's classes.
    #[must_use]
    pub fn classes(&self) -> &BoundClasses {
        &self.search.classes
    }

    /// Decodes and searches one picture on the calling thread and the detector's workers.
    ///
    /// # Errors
    /// [`PipelineError`] when the picture, a parameter or the detector is at fault, or `cancel` asked
    /// to stop.
    pub fn detect(
        &self,
        bytes: &[u8],
        request: &StillRequest,
        cancel: &CancelToken,
    ) -> Result<StillReport, PipelineError> {
        let (image, opened) = self.open(bytes, request, cancel)?;
        // The picture is handed over: its memory is free as soon as it was letterboxed and searched.
        let inference = self.find(image, &opened, request, cancel)?;
        Ok(self.report(opened, &inference))
    }

    /// Like [`detect`](Self::detect), and hands back the decoded picture, to draw on; nobody else holds it.
    ///
    /// # Errors
    /// The same.
    pub fn detect_with_image(
        &self,
        bytes: &[u8],
        request: &StillRequest,
        cancel: &CancelToken,
    ) -> Result<(StillReport, Arc<Image>), PipelineError> {
        let (image, opened) = self.open(bytes, request, cancel)?;
        let inference = self.find(Arc::clone(&image), &opened, request, cancel)?;
        Ok((self.report(opened, &inference), image))
    }

    /// Checks the parameters, hashes and decodes.
    fn open(
        &self,
        bytes: &[u8],
        request: &StillRequest,
        cancel: &CancelToken,
    ) -> Result<(Arc<Image>, Opened), PipelineError> {
        let started = Instant::now();
        let params = self.search.params(&request.search)?;
        cancel.check().map_err(PipelineError::Interrupted)?;
        let sha256 = hash_bytes(bytes).sha256;
        let options = StillOptions { limits: self.limits, exif: request.exif };
        let Still { image, orientation, .. } = decode_still(bytes, &options)?;
        let (width, height) = (image.width(), image.height());
        let decode = started.elapsed();
        let opened = Opened { started, decode, params, width, height, orientation, sha256 };
        Ok((Arc::new(image), opened))
    }

    /// Searches the picture as a whole, or in tiles that take turns with others' pictures.
    fn find(
        &self,
        image: Arc<Image>,
        opened: &Opened,
        request: &StillRequest,
        cancel: &CancelToken,
    ) -> Result<Inference, InferError> {
        let detector = &self.search.detector;
        match &request.search.tiling {
            None => detector.detect(image, opened.params.clone(), cancel),
            Some(tiling) => {
                detector.detect_tiled(detector.open_lane(), image, &opened.params, tiling, cancel)
            }
        }
    }

    fn report(&self, opened: Opened, inference: &Inference) -> StillReport {
        let Opened { started, decode, width, height, orientation, sha256, .. } = opened;
        StillReport {
            width,
            height,
            orientation,
            sha256,
            detections: self.search.name_all(inference),
            timing: StillTiming::new(decode, inference.timing, started.elapsed()),
        }
    }
}

impl StillTiming {
    fn new(decode: Duration, infer: InferTiming, total: Duration) -> Self {
        Self {
            decode,
            queue: infer.queue,
            preprocess: infer.preprocess,
            infer: infer.infer,
            postprocess: infer.postprocess,
            total,
        }
    }
}
