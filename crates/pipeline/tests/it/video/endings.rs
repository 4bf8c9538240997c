//! How a video's work ends: the source, the sink, the clock, the upload or the detector may end it.

use std::{
    iter,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use detections_frames::FrameError;
use detections_pipeline::{Event, PipelineError, VideoRequest, intake};
use detections_types::{CancelToken, ErrorKind, Interrupt};

use super::{NO_LIMIT, arrived, holding, pipeline, told};
use crate::{
    fixed_model::{detector, detector_of},
    scripted::{GREY, Scripted, Step, Told},
};

const WHITE: u8 = 255;

/// Steps that come one by one from `steps`, and then wait until the work is given up.
fn then_waits(
    steps: Vec<Step>,
    cancel: &CancelToken,
) -> Scripted<impl Iterator<Item = Step> + Send + use<>> {
    let cancel = cancel.clone();
    let waiting = iter::from_fn(move || {
        while cancel.check().is_ok() {
            thread::yield_now();
        }
        Some(Step::Fail(FrameError::UploadAborted))
    });
    Scripted::new(steps.into_iter().chain(waiting))
}

#[test]
fn enough_frames_end_a_video_whose_upload_goes_on() {
    let (_upload, arrivals, receiver) = intake(1000, NO_LIMIT);
    let let_go = AtomicBool::new(false);
    let held = Flag(&let_go);
    let source = Scripted::new(iter::repeat_with(move || {
        let _held = (&receiver, &held);
        Step::Frame(GREY)
    }));
    let request = VideoRequest { max_frames: Some(5), ..VideoRequest::default() };
    let mut told = Told::default();
    let mut keep = told.sink();
    let mut sink = |event: Event| {
        let is_end = matches!(event, Event::End(_));
        assert!(!is_end || let_go.load(Ordering::SeqCst), "the source is kept to the end");
        keep(event)
    };
    let cancel = CancelToken::new();
    pipeline(detector_of(2)).run(source, &arrivals, &request, &cancel, &mut sink).unwrap();
    drop(keep);
    assert_eq!(told.letters(), "SFFFFFE");
    assert_eq!(told.summary().identity, None);
    assert_eq!(cancel.check(), Ok(()), "the upload is not given up");
}

/// Tells when it is dropped.
struct Flag<'a>(&'a AtomicBool);

impl Drop for Flag<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_source_that_fails_ends_the_video_without_an_end() {
    let steps = [Step::Frame(GREY), Step::Frame(GREY), Step::Fail(FrameError::UploadAborted)];
    let (told, outcome) = told(&pipeline(detector_of(2)), Scripted::new(steps.into_iter()));
    assert!(matches!(outcome, Err(PipelineError::Frame(FrameError::UploadAborted))));
    assert_eq!(told.letters(), "SFF");
}

#[test]
fn an_upload_that_breaks_off_behind_the_last_frame_is_no_end() {
    let (upload, arrivals, receiver) = intake(1000, NO_LIMIT);
    drop(upload);
    let mut told = Told::default();
    let (request, cancel) = (VideoRequest::default(), CancelToken::new());
    let source = holding(receiver, 2);
    let outcome = pipeline(detector()).run(source, &arrivals, &request, &cancel, &mut told.sink());
    assert!(matches!(outcome, Err(PipelineError::Frame(FrameError::UploadAborted))));
    assert_eq!(told.letters(), "SFF");
}

#[test]
fn a_source_that_panics_is_an_error_with_its_words() {
    let steps = (0..9).map(|index| {
        assert_ne!(index, 3, "a broken plugin");
        Step::Frame(GREY)
    });
    let (told, outcome) = told(&pipeline(detector_of(2)), Scripted::new(steps));
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.to_string().contains("a broken plugin"), "{error}");
    assert_eq!(told.letters(), "SFFF");
}

#[test]
fn a_detector_that_stops_ends_the_video() {
    let steps = [GREY, GREY, WHITE, GREY].map(Step::Frame);
    let (told, outcome) = told(&pipeline(detector()), Scripted::new(steps.into_iter()));
    assert!(matches!(outcome, Err(PipelineError::Infer(_))), "{outcome:?}");
    assert_eq!(told.letters(), "SFF");
}

#[test]
fn a_sink_that_breaks_stops_the_source_within_the_window() {
    let pulled = AtomicUsize::new(0);
    let source = Scripted::new(iter::repeat_with(|| {
        pulled.fetch_add(1, Ordering::SeqCst);
        Step::Frame(GREY)
    }));
    let pipeline = pipeline(detector_of(2));
    let mut frames = 0;
    let mut sink = |event| {
        frames += usize::from(matches!(event, Event::Frame(_)));
        if frames == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let (request, cancel) = (VideoRequest::default(), CancelToken::new());
    let outcome = pipeline.run(source, &arrived(), &request, &cancel, &mut sink);
    assert!(matches!(outcome, Err(PipelineError::Interrupted(Interrupt::Cancelled))));
    assert_eq!(frames, 10);
    assert!(pulled.load(Ordering::SeqCst) <= 10 + pipeline.window());
    assert_eq!(cancel.check(), Err(Interrupt::Cancelled));
}

#[test]
fn a_sink_that_breaks_or_panics_releases_a_source_that_waits() {
    let pipeline = pipeline(detector());
    for panics in [false, true] {
        let cancel = CancelToken::new();
        let source = then_waits(vec![Step::Frame(GREY)], &cancel);
        let mut sink = |event| {
            let frame = matches!(event, Event::Frame(_));
            assert!(!(frame && panics), "a broken sink");
            if frame { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let run = || pipeline.run(source, &arrived(), &VideoRequest::default(), &cancel, &mut sink);
        let outcome = catch_unwind(AssertUnwindSafe(run));
        assert_eq!(outcome.is_err(), panics);
        assert_eq!(cancel.check(), Err(Interrupt::Cancelled));
    }
}

#[test]
fn a_video_ends_at_its_deadline_and_when_it_is_cancelled() {
    let pipeline = pipeline(detector());
    let soon = CancelToken::with_deadline(Instant::now() + Duration::from_millis(50));
    let cancelled = CancelToken::new();
    for (cancel, expected) in [(soon, Interrupt::TimedOut), (cancelled, Interrupt::Cancelled)] {
        let source = then_waits(vec![Step::Frame(GREY), Step::Frame(GREY)], &cancel);
        let mut told = Told::default();
        let mut keep = told.sink();
        let mut sink = |event: Event| {
            if expected == Interrupt::Cancelled && matches!(event, Event::Frame(_)) {
                cancel.cancel();
            }
            keep(event)
        };
        let request = VideoRequest::default();
        let outcome = pipeline.run(source, &arrived(), &request, &cancel, &mut sink);
        let Err(PipelineError::Interrupted(interrupt)) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(interrupt, expected);
    }
}

#[test]
fn a_deadline_also_ends_the_wait_for_the_rest_of_the_upload() {
    let (_upload, arrivals, receiver) = intake(1000, NO_LIMIT);
    let cancel = CancelToken::with_deadline(Instant::now() + Duration::from_millis(200));
    let mut told = Told::default();
    let request = VideoRequest::default();
    let source = holding(receiver, 1);
    let outcome = pipeline(detector()).run(source, &arrivals, &request, &cancel, &mut told.sink());
    assert!(matches!(outcome, Err(PipelineError::Interrupted(Interrupt::TimedOut))), "{outcome:?}");
}
