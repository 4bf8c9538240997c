//! Pictures and videos that share a detector: whose turn it is.

use detections_infer::{ClassThresholds, DetectParams, Detector, InferError, Lane, Ticket};
use detections_types::{CancelToken, ErrorKind, Score};

use crate::double::{Control, WAIT, grey, spawn};

fn params() -> DetectParams {
    let thresholds = ClassThresholds::uniform(Score::new(0.01).unwrap());
    DetectParams { thresholds, ..DetectParams::default() }
}

fn submit(detector: &Detector, lane: Lane, values: impl IntoIterator<Item = u8>) -> Vec<Ticket> {
    let submit =
        |value| detector.submit_in(lane, grey(value), params(), &CancelToken::new()).unwrap();
    values.into_iter().map(submit).collect()
}

/// Occupies the worker until it is let go.
fn occupy(detector: &Detector, control: &Control) -> Vec<Ticket> {
    let tickets = submit(detector, Lane::default(), [WAIT]);
    control.entered.recv().unwrap();
    tickets
}

fn wait(tickets: impl IntoIterator<Item = Ticket>) {
    for ticket in tickets {
        ticket.wait().unwrap();
    }
}

#[test]
fn a_film_that_waits_delays_a_picture_by_one_frame() {
    let (detector, control) = spawn(1, 1, 64);
    let occupied = occupy(&detector, &control);
    let (film, clip) = (detector.open_lane(), detector.open_lane());
    let mut tickets = submit(&detector, film, 150..158);
    tickets.extend(submit(&detector, clip, 170..173));
    tickets.extend(submit(&detector, Lane::default(), [200]));
    tickets.push(detector.submit(grey(201), params(), &CancelToken::new()).unwrap());
    control.let_go.send(()).unwrap();
    wait(occupied.into_iter().chain(tickets));
    let turns = [150, 170, 200, 151, 171, 201, 152, 172, 153, 154, 155, 156, 157];
    assert_eq!(control.order()[1..], turns);
}

#[test]
fn frames_of_one_video_fill_batches_and_share_them_with_pictures() {
    let (detector, control) = spawn(4, 1, 64);
    assert_eq!(detector.parallelism(), 4);
    let occupied = occupy(&detector, &control);
    let mut tickets = submit(&detector, detector.open_lane(), 150..157);
    tickets.extend(submit(&detector, Lane::default(), [200]));
    control.let_go.send(()).unwrap();
    wait(occupied.into_iter().chain(tickets));
    assert_eq!(control.runs(), [1, 4, 4]);
    assert_eq!(control.order()[1..], [150, 200, 151, 152, 153, 154, 155, 156]);
}

#[test]
fn the_queue_is_bounded_over_all_lanes_and_given_up_frames_make_room() {
    let (detector, control) = spawn(1, 1, 3);
    let occupied = occupy(&detector, &control);
    let (film, gone) = (detector.open_lane(), CancelToken::new());
    let given_up: Vec<Ticket> = (150..152)
        .map(|value| detector.submit_in(film, grey(value), params(), &gone).unwrap())
        .collect();
    let kept = submit(&detector, Lane::default(), [200]);
    let full = detector.submit_in(detector.open_lane(), grey(170), params(), &CancelToken::new());
    assert!(matches!(full.unwrap_err(), InferError::QueueFull { capacity: 3 }));
    gone.cancel();
    let next = submit(&detector, detector.open_lane(), [170, 171]);
    assert_eq!(detector.queued(), 3);
    for ticket in given_up {
        assert_eq!(ticket.wait().unwrap_err().kind(), ErrorKind::Cancelled);
    }
    control.let_go.send(()).unwrap();
    wait(occupied.into_iter().chain(kept).chain(next));
    assert_eq!(control.order(), [WAIT, 200, 170, 171]);
}

#[test]
fn the_end_of_the_detector_answers_all_lanes() {
    let (detector, control) = spawn(1, 1, 8);
    let occupied = occupy(&detector, &control);
    let mut waiting = submit(&detector, detector.open_lane(), [150, 151]);
    waiting.extend(submit(&detector, Lane::default(), [200]));
    let dropping = std::thread::spawn(move || drop(detector));
    for ticket in waiting {
        assert!(matches!(ticket.wait(), Err(InferError::Stopped)));
    }
    control.let_go.send(()).unwrap();
    wait(occupied);
    dropping.join().unwrap();
}

#[test]
fn all_workers_count_towards_what_is_searched_at_once() {
    let (detector, _control) = spawn(4, 3, 8);
    assert_eq!(detector.parallelism(), 12);
}
