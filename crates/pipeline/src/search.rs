//! The search that pictures and frames share: what may be asked of it, and its answer in the words of the
//! product.

use std::{cmp::Ordering, iter, sync::Arc};

use detections_classes::{BoundClasses, Color};
use detections_infer::{
    ClassThresholds, Detail, DetectParams, Detector, Inference, Masks, NmsMode, Tiling,
};
use detections_types::{ClassIndex, Detection, Rect, Score, Source};

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

/// What a caller may ask of the search of a picture or a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchRequest {
    /// Lowest confidence that is reported; a class may ask for more.
    pub confidence: Score,
    /// Overlap (intersection over union, 0..=1) above which the weaker of two boxes is dropped.
    pub iou: f32,
    /// Most detections that are reported.
    pub max_detections: usize,
    /// Whether boxes of different classes suppress each other.
    pub nms: NmsMode,
    /// Whether the pixels of each object are told.
    pub masks: Masks,
    /// Which classes are wanted.
    pub classes: ClassSelection,
    /// How a picture or frame is cut into tiles; `None` searches the whole of it only.
    pub tiling: Option<Tiling>,
}

impl Default for SearchRequest {
    fn default() -> Self {
        Self {
            confidence: Score::clamped(0.25).unwrap_or(Score::ZERO),
            iou: 0.45,
            max_detections: 300,
            nms: NmsMode::ClassWise,
            masks: Masks::Off,
            classes: ClassSelection::All,
            tiling: None,
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
    /// What the model tells of it besides, where it tells more than an upright box.
    pub detail: Option<Detail>,
}

impl MappedDetection {
    /// The order in a report: score descending, then class id, left and top edge.
    ///
    /// Product ids may order differently from the model's indices.
    pub(crate) fn report_order(a: &Self, b: &Self) -> Ordering {
        b.score
            .cmp(&a.score)
            .then_with(|| a.class_id.cmp(&b.class_id))
            .then_with(|| a.rect.x0.total_cmp(&b.rect.x0))
            .then_with(|| a.rect.y0.total_cmp(&b.rect.y0))
    }
}

/// A running detector and the product's classes that are bound to its labels.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    pub(crate) detector: Arc<Detector>,
    pub(crate) classes: Arc<BoundClasses>,
}

impl Search {
    /// The detector's parameters for `request`.
    ///
    /// # Errors
    /// [`PipelineError::UnknownClass`].
    pub(crate) fn params(&self, request: &SearchRequest) -> Result<DetectParams, PipelineError> {
        Ok(DetectParams {
            thresholds: self.thresholds(request)?,
            iou: request.iou,
            max_detections: request.max_detections,
            nms: request.nms,
            masks: request.masks,
        })
    }

    /// The lowest score of each of the model's classes, `None` where the class is not wanted.
    fn thresholds(&self, request: &SearchRequest) -> Result<ClassThresholds, PipelineError> {
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

    /// Names what was found in a picture.
    pub(crate) fn name_all(&self, found: &Inference) -> Vec<MappedDetection> {
        let details = found.details.iter().map(Some).chain(iter::repeat(None));
        let found = found.detections.iter().zip(details);
        let mut named: Vec<_> =
            found.filter_map(|(detection, detail)| self.name(detection, detail)).collect();
        named.sort_by(MappedDetection::report_order);
        named
    }

    /// Names one object; `None` where the product has no class for it.
    pub(crate) fn name(
        &self,
        detection: &Detection,
        detail: Option<&Detail>,
    ) -> Option<MappedDetection> {
        let class = self.classes.class(detection.class)?;
        Some(MappedDetection {
            class_id: class.id,
            class: Arc::clone(&class.name),
            color: class.color,
            score: detection.score,
            rect: detection.rect,
            detail: detail.cloned(),
        })
    }
}
