//! Videos: what is told of them, in which order and when, and how their work ends.

mod endings;
mod tracks;
mod turns;

use std::{
    ops::ControlFlow,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use detections_classes::ClassMap;
use detections_frames::{Chunk, FeedReceiver, FrameError};
use detections_infer::Detector;
use detections_media::{StreamHasher, StreamIdentity};
use detections_pipeline::{
    Arrivals, ClassSelection, Event, PipelineError, SearchRequest, VideoPipeline, VideoRequest,
    intake,
};
use detections_types::CancelToken;

use crate::{
    fixed_model::{detector, detector_of},
    scripted::{FRAME_TIME, GREY, Scripted, Step, Told, frames},
};

/// Longer than anything takes that is not broken.
const PATIENT: Duration = Duration::from_secs(60);

const NO_LIMIT: u64 = u64::MAX;

fn pipeline(detector: Arc<Detector>) -> VideoPipeline {
    let classes = ClassMap::identity().bind(detector.manifest().labels()).unwrap();
    VideoPipeline::new(detector, Arc::new(classes))
}

fn identity_of(bytes: &[u8]) -> StreamIdentity {
    let mut hasher = StreamHasher::with_limit(NO_LIMIT);
    hasher.update(bytes).unwrap();
    hasher.finish()
}

/// Those of a video that arrived whole before anybody looked.
fn arrived() -> Arrivals {
    Arrivals::complete(identity_of(b"all of it"))
}

/// Runs the default request and keeps what is told.
fn told(
    pipeline: &VideoPipeline,
    source: Scripted<impl Iterator<Item = Step> + Send>,
) -> (Told, Result<(), PipelineError>) {
    let mut told = Told::default();
    let cancel = CancelToken::new();
    let request = VideoRequest::default();
    let outcome = pipeline.run(source, &arrived(), &request, &cancel, &mut told.sink());
    (told, outcome)
}

#[test]
fn frames_are_told_in_order_between_one_start_and_one_end() {
    let (told, outcome) = told(&pipeline(detector_of(4)), frames(40));
    outcome.unwrap();
    assert_eq!(told.letters(), format!("S{}E", "F".repeat(40)));
    for (index, frame) in (0..).zip(told.frames()) {
        assert_eq!((u64::from(index), FRAME_TIME * index), (frame.index, frame.pts));
        assert_eq!(frame.received_bytes, 9);
        let classes = frame.detections.iter().map(|found| &*found.detection.class);
        assert_eq!(classes.collect::<Vec<_>>(), ["car", "truck", "boat"]);
    }
    let summary = told.summary();
    assert_eq!((summary.frames_decoded, summary.frames_inferred), (40, 40));
    assert_eq!(summary.identity, Some(identity_of(b"all of it")));
}

#[test]
fn a_frame_is_told_while_the_next_one_is_still_awaited() {
    let (seen, awaited) = mpsc::channel();
    let mut steps = (0..5).map(move |index| {
        // The source has nothing more until somebody has heard of the frame before.
        (index == 0).then_some(()).or_else(|| awaited.recv_timeout(PATIENT).ok()).unwrap();
        Step::Frame(GREY)
    });
    let source = Scripted::new(std::iter::from_fn(move || steps.next()));
    let mut letters = 0;
    let mut sink = |event| {
        letters += 1;
        if matches!(event, Event::Frame(_)) {
            seen.send(()).ok();
        }
        ControlFlow::Continue(())
    };
    let (request, cancel) = (VideoRequest::default(), CancelToken::new());
    pipeline(detector_of(3)).run(source, &arrived(), &request, &cancel, &mut sink).unwrap();
    assert_eq!(letters, 7);
}

#[test]
fn frames_that_sampling_leaves_out_are_decoded_and_not_searched() {
    let steps =
        (0..30).map(|index| if index % 10 == 0 { Step::Frame(GREY) } else { Step::LeaveOut });
    let (told, outcome) = told(&pipeline(detector_of(2)), Scripted::new(steps));
    outcome.unwrap();
    let indices: Vec<_> = told.frames().iter().map(|frame| frame.index).collect();
    assert_eq!(indices, [0, 10, 20]);
    let summary = told.summary();
    assert_eq!((summary.frames_decoded, summary.frames_inferred), (30, 3));
}

#[test]
fn a_damaged_part_is_told_in_its_place_and_the_video_goes_on() {
    let damage = |pts| Step::Fail(FrameError::Corrupt { message: "lost".to_owned(), pts });
    let frame = || Step::Frame(GREY);
    let known = Some(FRAME_TIME / 2);
    let steps = [damage(None), frame(), frame(), damage(None), frame(), damage(known)];
    let (told, outcome) = told(&pipeline(detector_of(2)), Scripted::new(steps.into_iter()));
    outcome.unwrap();
    assert_eq!(told.letters(), "SXFFXFXE");
    let times = told.0.iter().filter_map(|event| match event {
        Event::Fault(fault) => Some(fault.pts),
        Event::Start(_) | Event::Frame(_) | Event::Progress(_) | Event::End(_) => None,
    });
    assert_eq!(times.collect::<Vec<_>>(), [None, Some(FRAME_TIME), known]);
}

#[test]
fn progress_is_told_while_nothing_else_happens() {
    let (progress, [for_source, for_upload]) = two_listeners();
    let (mut upload, arrivals, receiver) = intake(1 << 20, NO_LIMIT);
    upload.send_blocking(Box::new(*b"some")).unwrap();
    let rest = thread::spawn(move || {
        // The second word comes after the last frame, while the upload goes on.
        for _ in 0..2 {
            for_upload.recv_timeout(PATIENT).unwrap();
        }
        upload.finish();
    });
    let steps = std::iter::from_fn(move || {
        let _held = &receiver;
        for_source.recv_timeout(PATIENT).unwrap();
        None
    });
    let mut told = Told::default();
    let mut keep = told.sink();
    let mut sink = |event: Event| {
        if matches!(event, Event::Progress(_)) {
            progress.iter().for_each(|listener| listener.send(()).unwrap_or_default());
        }
        keep(event)
    };
    let (request, cancel) = (VideoRequest::default(), CancelToken::new());
    let source = Scripted::new(steps);
    pipeline(detector()).run(source, &arrivals, &request, &cancel, &mut sink).unwrap();
    rest.join().unwrap();
    drop(keep);
    assert_eq!(told.letters(), "SPPE");
    assert_eq!(told.summary().received_bytes, 4);
}

fn two_listeners() -> ([mpsc::Sender<()>; 2], [mpsc::Receiver<()>; 2]) {
    let ((a, first), (b, second)) = (mpsc::channel(), mpsc::channel());
    ([a, b], [first, second])
}

#[test]
fn a_video_is_known_by_all_its_bytes_also_those_behind_its_last_frame() {
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    // The decoder takes nothing of the upload and keeps it from going on until it is let go.
    let (mut upload, arrivals, receiver) = intake(1000, NO_LIMIT);
    let sent = bytes.clone();
    let uploading = thread::spawn(move || {
        for chunk in sent.chunks(700) {
            upload.send_blocking(Box::new(chunk.to_vec())).unwrap();
        }
        upload.finish();
    });
    let mut told = Told::default();
    let (request, cancel) = (VideoRequest::default(), CancelToken::new());
    let source = holding(receiver, 3);
    pipeline(detector()).run(source, &arrivals, &request, &cancel, &mut told.sink()).unwrap();
    uploading.join().unwrap();
    assert_eq!(told.letters(), "SFFFE");
    let summary = told.summary();
    assert_eq!(summary.identity, Some(identity_of(&bytes)));
    assert_eq!(summary.received_bytes, 100_000);
}

/// A source of `count` frames that holds its end of the upload.
fn holding(receiver: FeedReceiver, count: usize) -> Scripted<impl Iterator<Item = Step> + Send> {
    let mut left = count;
    Scripted::new(std::iter::from_fn(move || {
        let _held = &receiver;
        left = left.checked_sub(1)?;
        Some(Step::Frame(GREY))
    }))
}

#[test]
fn too_many_bytes_are_refused_where_they_come_in() {
    let (mut upload, arrivals, _receiver) = intake(1000, 10);
    let chunk = |len: usize| -> Chunk { Box::new(vec![0_u8; len]) };
    upload.send_blocking(chunk(10)).unwrap();
    assert!(upload.send_blocking(chunk(1)).is_err());
    assert_eq!(arrivals.received_bytes(), 10);
}

#[test]
fn an_unknown_class_is_refused_before_anything_is_told() {
    let pipeline = pipeline(detector());
    let search = SearchRequest { classes: ClassSelection::Only(vec![9]), ..Default::default() };
    let request = VideoRequest { search, ..VideoRequest::default() };
    assert!(matches!(pipeline.check(&request), Err(PipelineError::UnknownClass(9))));
    let mut told = Told::default();
    let outcome =
        pipeline.run(frames(1), &arrived(), &request, &CancelToken::new(), &mut told.sink());
    assert!(matches!(outcome, Err(PipelineError::UnknownClass(9))));
    assert_eq!(told.letters(), "");
}
