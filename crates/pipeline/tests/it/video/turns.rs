//! Videos beside each other: all workers are kept busy, and nobody waits for more than the turn of each.

use std::{
    ops::ControlFlow,
    sync::{Mutex, mpsc},
    thread,
    time::Instant,
};

use detections_pipeline::{Event, VideoPipeline, VideoRequest};
use detections_types::CancelToken;

use super::{PATIENT, arrived, pipeline};
use crate::{
    fixed_model::{detector, gated_detector},
    scripted::frames,
};

/// Runs a video of `count` frames and calls `each` for every frame.
fn run(pipeline: &VideoPipeline, count: usize, mut each: impl FnMut()) {
    let mut sink = |event| {
        if matches!(event, Event::Frame(_)) {
            each();
        }
        ControlFlow::Continue(())
    };
    let (request, cancel) = (VideoRequest::default(), CancelToken::new());
    pipeline.run(frames(count), &arrived(), &request, &cancel, &mut sink).unwrap();
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENT;
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        thread::yield_now();
    }
}

#[test]
fn one_video_keeps_all_workers_busy() {
    let (detector, control) = gated_detector(3);
    let pipeline = pipeline(detector);
    thread::scope(|scope| {
        scope.spawn(|| run(&pipeline, 12, || {}));
        // Nothing was let go on: three frames are being searched at the same time.
        for _ in 0..3 {
            control.runs.recv_timeout(PATIENT).unwrap();
        }
        drop(control.permits);
    });
}

#[test]
fn two_videos_take_turns() {
    let (detector, control) = gated_detector(1);
    let pipeline = pipeline(detector.clone());
    let order = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for video in ['a', 'b'] {
            let (pipeline, order) = (&pipeline, &order);
            scope.spawn(move || run(pipeline, 60, || order.lock().unwrap().push(video)));
        }
        // One frame is being searched, all others that either video may have ahead wait.
        let waiting = 2 * pipeline.window() - 1;
        for frame in 0..40 {
            control.runs.recv_timeout(PATIENT).unwrap();
            wait_until("a full queue", || detector.queued() == waiting);
            control.permits.send(()).unwrap();
            wait_until("a frame told", || order.lock().unwrap().len() == frame + 1);
        }
        drop(control.permits);
    });
    let order = order.into_inner().unwrap();
    let behind = |video| order[..40].iter().filter(|told| **told == video).count();
    // Which video began first, and how far it was when the other one began, is left open.
    assert!(behind('a').abs_diff(behind('b')) <= 2 * pipeline.window(), "{order:?}");
    let switches = order[10..40].windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!(switches, 29, "{order:?}");
    assert_eq!(order.len(), 120);
}

#[test]
fn a_full_queue_makes_frames_wait_and_nothing_fail() {
    let pipeline = pipeline(detector());
    let (done, ends) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..4 {
            let (pipeline, done) = (&pipeline, done.clone());
            scope.spawn(move || {
                let mut told = 0;
                run(pipeline, 25, || told += 1);
                done.send(told).unwrap();
            });
        }
    });
    assert_eq!(ends.try_iter().collect::<Vec<_>>(), [25; 4]);
}
