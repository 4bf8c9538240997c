//! One encoded picture in, its objects in product classes out.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use detections_classes::{BoundClasses, Color};
use detections_frames::{Exif, Still, StillLimits, StillOptions, decode_still};
use detections_infer::{ClassThresholds, DetectParams, Detector, InferTiming, Inference, NmsMode};
use detections_media::{Sha256Digest, hash_bytes};
use detections_types::{CancelToken, ClassIndex, Detection, Image, Rect, Score, Source};

use crate::PipelineError;

/// Which product classes a request wants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ClassSelection {
    /// All that are enabled.
    #[default]
    All,
    /// Only those with one of these product ids.
    Only(Vec<u32>),
}

/// What a caller may choose for one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct StillRequest {
    /// Lowest confidence that is reported; a class may ask for more.
    pub confidence: Score,
    /// Overlap (intersection over union, 0..=1) above which the weaker of two boxes is dropped.
    pub iou: f32,
    /// Most detections that are reported.
    pub max_detections: usize,
    /// Whether boxes of different classes suppress each other.
    pub nms: NmsMode,
    /// Which classes are wanted.
    pub classes: ClassSelection,
    /// Whether the picture is turned upright.
    pub exif: Exif,
}

impl Default for StillRequest {
    fn default() -> Self {
        Self {
            confidence: Score::clamped(0.25).unwrap_or(Score::ZERO),
            iou: 0.45,
            max_detections: 300,
            nms: NmsMode::ClassWise,
            classes: ClassSelection::All,
            exif: Exif::Apply,
        }
    }
}

/// One object in the words of the product.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedDetection {
    /// The product's id of the class.
    pub class_id: u32,
    /// The product's name of the class.
    pub class: Arc<str>,
    /// The class's colour.
    pub color: Color,
    /// How sure the model is.
    pub score: Score,
    /// Where the object is, in pixels of the picture as it was searched.
    pub rect: Rect<Source>,
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
    detector: Arc<Detector>,
    classes: BoundClasses,
    limits: StillLimits,
}

/// A decoded picture on its way through the detector.
struct Search {
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
    pub fn new(detector: Arc<Detector>, classes: BoundClasses, limits: StillLimits) -> Self {
        Self { detector, classes, limits }
    }

    /// The product's classes.
    #[must_use]
    pub const fn classes(&self) -> &BoundClasses {
        &self.classes
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
        let (image, search) = self.open(bytes, request, cancel)?;
        // The picture is handed over: its memory is free as soon as it was letterboxed and searched.
        let inference = self.detector.detect(image, search.params.clone(), cancel)?;
        Ok(self.report(search, &inference))
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
        let (image, search) = self.open(bytes, request, cancel)?;
        let inference = self.detector.detect(Arc::clone(&image), search.params.clone(), cancel)?;
        Ok((self.report(search, &inference), image))
    }

    /// Checks the parameters, hashes and decodes.
    fn open(
        &self,
        bytes: &[u8],
        request: &StillRequest,
        cancel: &CancelToken,
    ) -> Result<(Arc<Image>, Search), PipelineError> {
        let started = Instant::now();
        let params = self.detect_params(request)?;
        cancel.check().map_err(PipelineError::Interrupted)?;
        let sha256 = hash_bytes(bytes).sha256;
        let options = StillOptions { limits: self.limits, exif: request.exif };
        let Still { image, orientation, .. } = decode_still(bytes, &options)?;
        let (width, height) = (image.width(), image.height());
        let decode = started.elapsed();
        let search = Search { started, decode, params, width, height, orientation, sha256 };
        Ok((Arc::new(image), search))
    }

    fn report(&self, search: Search, inference: &Inference) -> StillReport {
        let Search { started, decode, width, height, orientation, sha256, .. } = search;
        StillReport {
            width,
            height,
            orientation,
            sha256,
            detections: self.map_classes(&inference.detections),
            timing: StillTiming::new(decode, inference.timing, started.elapsed()),
        }
    }

    fn detect_params(&self, request: &StillRequest) -> Result<DetectParams, PipelineError> {
        Ok(DetectParams {
            thresholds: self.thresholds(request)?,
            iou: request.iou,
            max_detections: request.max_detections,
            nms: request.nms,
        })
    }

    /// The lowest score of each of the model's classes, `None` where the class is not wanted.
    fn thresholds(&self, request: &StillRequest) -> Result<ClassThresholds, PipelineError> {
        if let ClassSelection::Only(ids) = &request.classes
            && let Some(&unknown) = ids.iter().find(|&&id| !self.classes.contains_id(id))
        {
            return Err(PipelineError::UnknownClass(unknown));
        }
        let labels = u32::try_from(self.detector.manifest().labels().len()).unwrap_or(u32::MAX);
        let threshold = |index| {
            let class = self.classes.class(ClassIndex(index))?;
            let wanted = match &request.classes {
                ClassSelection::All => true,
                ClassSelection::Only(ids) => ids.contains(&class.id),
            };
            wanted.then(|| class.min_confidence.unwrap_or(Score::ZERO).max(request.confidence))
        };
        Ok(ClassThresholds::per_class((0..labels).map(threshold).collect()))
    }

    /// Names what was found; product ids may order differently from the model's indices.
    fn map_classes(&self, detections: &[Detection]) -> Vec<MappedDetection> {
        let mut mapped: Vec<MappedDetection> = detections
            .iter()
            .filter_map(|detection| {
                let class = self.classes.class(detection.class)?;
                Some(MappedDetection {
                    class_id: class.id,
                    class: Arc::clone(&class.name),
                    color: class.color,
                    score: detection.score,
                    rect: detection.rect,
                })
            })
            .collect();
        mapped.sort_by(|a, b| {
            b.score
                .cmp(&a.score)
                .then_with(|| a.class_id.cmp(&b.class_id))
                .then_with(|| a.rect.x0.total_cmp(&b.rect.x0))
                .then_with(|| a.rect.y0.total_cmp(&b.rect.y0))
        });
        mapped
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
