//! The detector under load, cancellation and faults. Doubles wait on channels; nothing sleeps.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use detections_infer::{
    ClassThresholds, DetectParams, Detector, DetectorHealth, InferError, InputShape, Manifest,
    ManifestOptions, Masks, Model, Ticket,
};
use detections_types::{CancelToken, Detection, ErrorKind, Interrupt, Rect, Score};

use crate::double::{
    Control, Double, FAIL, LOSE_DEVICE, PANIC, WAIT, WarmUp, grey, spawn, spawn_over,
};

fn all() -> DetectParams {
    let thresholds = ClassThresholds::uniform(Score::new(0.01).unwrap());
    DetectParams { thresholds, ..Default::default() }
}

fn submit(detector: &Detector, value: u8) -> Ticket {
    detector.submit(grey(value), all(), &CancelToken::new()).unwrap()
}

fn detect(detector: &Detector, value: u8) -> Result<Vec<Detection>, InferError> {
    let found = detector.detect(grey(value), all(), &CancelToken::new());
    found.map(|found| found.detections)
}

/// Occupies a worker until it is let go.
fn occupy(detector: &Detector, control: &Control) -> Ticket {
    let ticket = submit(detector, WAIT);
    control.entered.recv().unwrap();
    ticket
}

#[test]
fn a_picture_is_found_and_mapped_back_to_its_own_pixels() {
    let (detector, _control) = spawn(1, 1, 4);
    let found = detect(&detector, 204).unwrap();
    assert_eq!(found.len(), 1);
    // A box of 8 pixels around (8, 8) in an input of half the picture's size.
    assert_eq!(found[0].rect, Rect::from_corners(8.0, 8.0, 24.0, 24.0));
    assert!((found[0].score.get() - 0.8).abs() < 1e-5);
    assert_eq!(detector.manifest().labels(), ["grey"]);
    assert_eq!(detector.health(), DetectorHealth::Healthy);
}

#[test]
fn waiting_pictures_share_runs_and_get_the_answers_that_they_get_alone() {
    let (detector, control) = spawn(4, 1, 64);
    let values: Vec<u8> = (200..210).collect();
    let alone: Vec<_> = values.iter().map(|value| detect(&detector, *value).unwrap()).collect();
    let occupied = occupy(&detector, &control);
    let tickets: Vec<_> = values.iter().map(|value| submit(&detector, *value)).collect();
    assert_eq!(detector.queued(), values.len());
    control.let_go.send(()).unwrap();
    let together: Vec<_> = tickets.into_iter().map(|t| t.wait().unwrap().detections).collect();
    assert_eq!(together, alone);
    occupied.wait().unwrap();
    assert_eq!(control.runs()[values.len()..], [1, 4, 4, 2]);
}

#[test]
fn a_full_queue_refuses_and_given_up_pictures_make_room() {
    let (detector, control) = spawn(1, 1, 2);
    let occupied = occupy(&detector, &control);
    let given_up = CancelToken::new();
    let first = detector.submit(grey(200), all(), &given_up).unwrap();
    let second = submit(&detector, 201);
    let refused = detector.submit(grey(202), all(), &CancelToken::new()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Overloaded);
    assert!(matches!(refused, InferError::QueueFull { capacity: 2 }));
    given_up.cancel();
    let third = submit(&detector, 203);
    assert_eq!(first.wait().unwrap_err().kind(), ErrorKind::Cancelled);
    control.let_go.send(()).unwrap();
    for ticket in [occupied, second, third] {
        ticket.wait().unwrap();
    }
    assert_eq!(control.runs(), [1, 1, 1]);
}

#[test]
fn a_cancelled_picture_is_answered_without_a_run() {
    let (detector, control) = spawn(1, 1, 4);
    let occupied = occupy(&detector, &control);
    let cancel = CancelToken::new();
    let cancelled = detector.submit(grey(200), all(), &cancel).unwrap();
    cancel.cancel();
    control.let_go.send(()).unwrap();
    occupied.wait().unwrap();
    let error = cancelled.wait().unwrap_err();
    assert!(matches!(error, InferError::Interrupted(Interrupt::Cancelled)));
    assert_eq!(control.runs(), [1]);
    let error = detector.submit(grey(200), all(), &cancel).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

#[test]
fn a_deadline_ends_the_wait_for_a_session_that_hangs() {
    let (detector, control) = spawn(1, 1, 4);
    let occupied = occupy(&detector, &control);
    let soon = CancelToken::with_deadline(Instant::now() + Duration::from_millis(20));
    let error = detector.detect(grey(200), all(), &soon).unwrap_err();
    assert!(matches!(error, InferError::Interrupted(Interrupt::TimedOut)));
    control.let_go.send(()).unwrap();
    occupied.wait().unwrap();
    detect(&detector, 201).unwrap();
    assert_eq!(control.runs(), [1, 1], "the expired picture must not run");
}

#[test]
fn a_failed_run_is_the_error_of_its_batch_and_the_worker_goes_on() {
    let (detector, control) = spawn(4, 1, 8);
    let occupied = occupy(&detector, &control);
    let batch = [submit(&detector, FAIL), submit(&detector, 200)];
    control.let_go.send(()).unwrap();
    occupied.wait().unwrap();
    for ticket in batch {
        let error = ticket.wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert_eq!(error.to_string(), "the double backend failed");
    }
    assert_eq!(detect(&detector, 200).unwrap().len(), 1);
    assert_eq!(detector.health(), DetectorHealth::Healthy);
}

#[test]
fn a_panic_is_the_error_of_its_batch_and_the_last_workers_end_stops_the_detector() {
    let (detector, control) = spawn(2, 1, 8);
    let occupied = occupy(&detector, &control);
    let tickets = [PANIC, 200, 201, 202].map(|value| submit(&detector, value));
    control.let_go.send(()).unwrap();
    occupied.wait().unwrap();
    let [first, second, third, fourth] = tickets.map(|ticket| ticket.wait().unwrap_err());
    for error in [first, second] {
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(
            matches!(&error, InferError::WorkerPanicked { reason } if reason == "told to panic")
        );
    }
    for error in [third, fourth] {
        assert!(matches!(error, InferError::Stopped), "{error}");
    }
    let failed = DetectorHealth::Failed { reason: "told to panic".into() };
    assert_eq!(detector.health(), failed);
    assert_eq!(detect(&detector, 200).unwrap_err().kind(), ErrorKind::Unavailable);
}

#[test]
fn other_workers_go_on_after_one_panicked_but_health_tells() {
    let (detector, _control) = spawn(1, 2, 8);
    assert!(matches!(detect(&detector, PANIC), Err(InferError::WorkerPanicked { .. })));
    for value in 200..210 {
        assert_eq!(detect(&detector, value).unwrap().len(), 1);
    }
    assert!(matches!(detector.health(), DetectorHealth::Failed { .. }));
}

#[test]
fn a_lost_device_ends_all_workers_and_answers_what_waits() {
    let (detector, control) = spawn(1, 2, 8);
    let held = [occupy(&detector, &control), occupy(&detector, &control)];
    let (lost, waiting) = (submit(&detector, LOSE_DEVICE), submit(&detector, 200));
    control.let_go.send(()).unwrap();
    let error = lost.wait().unwrap_err();
    assert!(error.is_of_device(), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let DetectorHealth::DeviceFailed { reason } = detector.health() else {
        panic!("{:?}", detector.health())
    };
    assert!(reason.contains("told to fall off the bus"), "{reason}");

    control.let_go.send(()).unwrap();
    let [first, second] = held.map(|ticket| ticket.wait());
    assert!(first.is_ok() && second.is_ok(), "what was being run is answered");
    assert!(matches!(waiting.wait(), Err(InferError::Stopped)));
    let refused = detector.submit(grey(200), all(), &CancelToken::new()).map(drop);
    assert!(matches!(refused, Err(InferError::Stopped)), "{refused:?}");
}

#[test]
fn two_workers_work_at_the_same_time() {
    let (detector, control) = spawn(1, 2, 8);
    let both = [occupy(&detector, &control), occupy(&detector, &control)];
    control.let_go.send(()).unwrap();
    control.let_go.send(()).unwrap();
    for ticket in both {
        ticket.wait().unwrap();
    }
}

#[test]
fn dropping_answers_what_waits_and_lets_the_running_batch_end() {
    let (detector, control) = spawn(1, 1, 8);
    let running = occupy(&detector, &control);
    let waiting = submit(&detector, 200);
    let dropping = thread::spawn(move || drop(detector));
    assert!(matches!(waiting.wait(), Err(InferError::Stopped)));
    control.let_go.send(()).unwrap();
    assert!(running.wait().is_ok());
    dropping.join().unwrap();
}

#[test]
fn what_fails_at_the_warm_up_fails_the_start() {
    let cases = [
        (WarmUp::NoSession, "the double backend failed"),
        (WarmUp::Fail, "the double backend failed"),
        (WarmUp::Panic, "a worker panicked: told to panic at the warm-up"),
        (WarmUp::ShortInput, "an input tensor of 3071 elements cannot hold 3072"),
        (WarmUp::NotANumber, "output `output` holds NaN in 2 of 126 places"),
        (WarmUp::WrongOutput, "the yolox head cannot read an output of shape [1, 6, 21]"),
    ];
    for (warm_up, expected) in cases {
        let (model, _control) = Double::new(1, warm_up);
        let error = spawn_over(model, 3, 8).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
        let of_the_file = warm_up == WarmUp::NotANumber;
        let kind = if of_the_file { ErrorKind::InvalidInput } else { ErrorKind::Internal };
        assert_eq!(error.kind(), kind);
    }
}

#[test]
fn a_model_loaded_for_another_input_is_refused() {
    let (model, _control) = Double::new(2, WarmUp::Answer);
    let (other, _other_control) = Double::new(1, WarmUp::Answer);
    let manifest = Manifest::resolve(other.description(), &ManifestOptions::default()).unwrap();
    let options = detections_infer::DetectorOptions {
        workers: 1.try_into().unwrap(),
        queue_capacity: 1.try_into().unwrap(),
    };
    let error = Detector::spawn(Arc::new(model), manifest, options).unwrap_err();
    let InferError::InputMismatch { manifest, model } = error else { panic!("{error}") };
    assert_eq!((manifest.max_batch, model.max_batch), (1, 2));
    assert_eq!(manifest, InputShape { max_batch: 1, height: 32, width: 32 });
}

#[test]
fn parameters_out_of_range_never_reach_a_worker() {
    let (detector, control) = spawn(1, 1, 1);
    let far = DetectParams { iou: 2.0, ..all() };
    let masks = DetectParams { masks: Masks::On, ..all() };
    for (params, expected) in
        [(far, "iou is 2"), (masks, "masks is true; a model whose objects have")]
    {
        let error = detector.detect(grey(200), params, &CancelToken::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    assert!(control.runs().is_empty());
}

#[test]
fn many_callers_at_once_all_get_their_own_answer() {
    let (detector, _control) = spawn(3, 2, 256);
    thread::scope(|scope| {
        for caller in 0..8_u8 {
            let detector = &detector;
            scope.spawn(move || {
                for round in 0..25_u8 {
                    let value = 120 + caller * 16 + round % 16;
                    let found = detect(detector, value).unwrap();
                    assert!((found[0].score.get() - f32::from(value) / 255.0).abs() < 1e-5);
                }
            });
        }
    });
    assert_eq!(detector.queued(), 0);
}
