//! Still pictures: class mapping, thresholds, selection, cancellation and bad input.

use std::{sync::Arc, time::Instant};

use detections_classes::ClassMap;
use detections_frames::{StillEncoding, StillLimits, encode_still};
use detections_media::hash_bytes;
use detections_pipeline::{
    ClassSelection, PipelineError, SearchRequest, StillPipeline, StillRequest,
};
use detections_types::{CancelToken, ErrorKind, Image, Rect, Score};

use crate::fixed_model::detector;

fn pipeline(classes: ClassMap) -> StillPipeline {
    let detector = detector();
    let classes = Arc::new(classes.bind(detector.manifest().labels()).unwrap());
    StillPipeline::new(detector, classes, StillLimits::default())
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let pixels = vec![80; width as usize * height as usize * 3];
    let image = Image::rgb8(width, height, pixels).unwrap();
    encode_still(image.view(), StillEncoding::Png).unwrap()
}

fn asking(search: SearchRequest) -> StillRequest {
    StillRequest { search, ..StillRequest::default() }
}

fn found(pipeline: &StillPipeline, request: &StillRequest) -> Vec<(u32, String)> {
    let report = pipeline.detect(&png(128, 128), request, &CancelToken::new()).unwrap();
    report.detections.iter().map(|found| (found.class_id, found.class.to_string())).collect()
}

fn pair(id: u32, name: &str) -> (u32, String) {
    (id, name.to_owned())
}

#[test]
fn a_report_names_the_picture_and_its_objects_in_source_pixels() {
    let bytes = png(128, 64);
    let request = StillRequest::default();
    let report =
        pipeline(ClassMap::identity()).detect(&bytes, &request, &CancelToken::new()).unwrap();
    assert_eq!((report.width, report.height, report.orientation), (128, 64, 1));
    assert_eq!(report.sha256, hash_bytes(&bytes).sha256);
    let car = &report.detections[0];
    // The model's 64 pixels show 128 of the source, centred with 16 rows of padding above.
    assert_eq!(car.rect, Rect::from_corners(24.0, 0.0, 40.0, 8.0));
    assert!(report.timing.total >= report.timing.decode + report.timing.infer);
}

#[test]
fn labels_become_product_classes_and_dropped_ones_disappear() {
    let classes = r#"[
        {"id": 7, "name": "vehicle", "label": "car"},
        {"id": 3, "name": "lorry", "label": "truck", "enabled": false},
        {"id": 1, "name": "ship", "label": "boat"}
    ]"#;
    let pipeline = pipeline(ClassMap::from_json(classes).unwrap());
    let expected = [pair(7, "vehicle"), pair(1, "ship")];
    assert_eq!(found(&pipeline, &StillRequest::default()), expected);
}

#[test]
fn the_higher_of_the_request_and_class_thresholds_counts() {
    let classes =
        r#"[{"name": "car"}, {"name": "truck", "min_confidence": 0.7}, {"name": "boat"}]"#;
    let pipeline = pipeline(ClassMap::from_json(classes).unwrap());
    let lowest = asking(SearchRequest { confidence: Score::ZERO, ..Default::default() });
    assert!(!found(&pipeline, &lowest).contains(&pair(1, "truck")));
    let half = Score::new(0.5).unwrap();
    let high = asking(SearchRequest { confidence: half, ..Default::default() });
    assert_eq!(found(&pipeline, &high), [pair(0, "car")]);
}

#[test]
fn only_the_selected_classes_are_found() {
    let pipeline = pipeline(ClassMap::identity());
    let request =
        asking(SearchRequest { classes: ClassSelection::Only(vec![2, 0]), ..Default::default() });
    assert_eq!(found(&pipeline, &request), [pair(0, "car"), pair(2, "boat")]);
}

#[test]
fn an_unknown_class_is_the_callers_fault_and_named() {
    let pipeline = pipeline(ClassMap::identity());
    let classes = ClassSelection::Only(vec![9]);
    let request = asking(SearchRequest { classes, ..Default::default() });
    let error = pipeline.detect(&png(8, 8), &request, &CancelToken::new()).unwrap_err();
    assert!(matches!(error, PipelineError::UnknownClass(9)));
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn the_decoded_picture_comes_back_to_draw_on() {
    let request = StillRequest::default();
    let (report, image) = pipeline(ClassMap::identity())
        .detect_with_image(&png(30, 20), &request, &CancelToken::new())
        .unwrap();
    assert_eq!((image.width(), image.height()), (report.width, report.height));
}

#[test]
fn given_up_work_ends_with_the_reason() {
    let pipeline = pipeline(ClassMap::identity());
    let cancelled = CancelToken::new();
    cancelled.cancel();
    let expired = CancelToken::with_deadline(Instant::now());
    for (token, kind) in [(cancelled, ErrorKind::Cancelled), (expired, ErrorKind::TimedOut)] {
        let error = pipeline.detect(&png(8, 8), &StillRequest::default(), &token).unwrap_err();
        assert_eq!(error.kind(), kind);
    }
}

#[test]
fn what_is_not_a_picture_is_refused_by_the_decoder() {
    let pipeline = pipeline(ClassMap::identity());
    let error = pipeline
        .detect(b"not a picture", &StillRequest::default(), &CancelToken::new())
        .unwrap_err();
    assert!(matches!(error, PipelineError::Frame(_)));
}
