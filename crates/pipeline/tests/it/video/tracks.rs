//! Objects that are followed: their ids, and that following them changes nothing else.

use detections_pipeline::{SearchRequest, Tracking, VideoRequest};
use detections_types::{CancelToken, Score};

use super::{arrived, pipeline};
use crate::{
    fixed_model::detector_of,
    scripted::{GREY, Scripted, Step, Told},
};

const DARK: u8 = 0;

/// What is told when `request` is made of frames that are so bright.
fn told(request: &VideoRequest, frames: &[u8]) -> Told {
    let source = Scripted::new(frames.iter().copied().map(Step::Frame));
    let (mut told, cancel) = (Told::default(), CancelToken::new());
    let pipeline = pipeline(detector_of(2));
    pipeline.run(source, &arrived(), request, &cancel, &mut told.sink()).unwrap();
    told
}

/// The id of the car in each frame: `None` where it is not told, 0 where it has none.
fn cars(told: &Told) -> Vec<Option<u64>> {
    let car = |found: &&_| {
        let found: &detections_pipeline::TrackedDetection = found;
        &*found.detection.class == "car"
    };
    let id = |frame: &&detections_pipeline::FrameReport| {
        let found = frame.detections.iter().find(car)?;
        Some(found.track.map_or(0, |track| track.get()))
    };
    told.frames().iter().map(id).collect()
}

#[test]
fn every_object_keeps_an_id_of_its_own() {
    let told = told(&VideoRequest::default(), &[GREY; 12]);
    let ids = |frame: usize| {
        let found = &told.frames()[frame].detections;
        found.iter().map(|found| found.track.map(|track| track.get())).collect::<Vec<_>>()
    };
    let mut last = ids(11);
    assert_eq!(ids(2), last);
    last.sort_unstable();
    assert_eq!(last, [Some(1), Some(2), Some(3)]);
    assert_eq!(told.summary().tracks, 3);
}

#[test]
fn what_is_too_weak_to_be_told_keeps_its_track() {
    // Two seconds in the dark: without the weak boxes the car would be given up.
    let frames = [&[GREY; 5][..], &[DARK; 50], &[GREY; 5]].concat();
    let cars = cars(&told(&VideoRequest::default(), &frames));
    let id = cars[4];
    assert!(id > Some(0), "{cars:?}");
    assert!(cars[5..55].iter().all(Option::is_none), "{cars:?}");
    assert!(cars[55..].iter().all(|car| *car == id), "{cars:?}");
}

#[test]
fn weak_boxes_are_neither_told_nor_counted() {
    let told = told(&VideoRequest::default(), &[DARK; 10]);
    let mut scores = told.frames().into_iter().flat_map(|frame| &frame.detections);
    assert!(scores.all(|found| found.detection.score.get() >= 0.25));
    assert_eq!(told.summary().tracks, 2);
}

#[test]
fn following_objects_changes_nothing_else() {
    let frames = [GREY, DARK, GREY, DARK];
    let all = SearchRequest { confidence: Score::ZERO, ..SearchRequest::default() };
    let two = SearchRequest { max_detections: 2, ..SearchRequest::default() };
    for search in [SearchRequest::default(), all, two] {
        let request =
            |tracking| VideoRequest { search: search.clone(), tracking, max_frames: None };
        let [on, off] = [Tracking::On, Tracking::Off].map(|t| told(&request(t), &frames));
        for (on, off) in on.frames().into_iter().zip(off.frames()) {
            let found = |frame: &detections_pipeline::FrameReport| {
                frame.detections.iter().map(|found| found.detection.clone()).collect::<Vec<_>>()
            };
            assert_eq!(found(on), found(off));
            assert!(off.detections.iter().all(|found| found.track.is_none()));
        }
        assert_eq!(off.summary().tracks, 0);
    }
}
