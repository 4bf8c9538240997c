//! What is wrong with a video or its decoder is told in words, and what ends is forgotten in its time.

use super::{
    JOB, Program, closing, film, leave, make, nothing_in_flight, of_type, post_all, problem_code,
};

/// A film that `ffmpeg` makes; `None` where it is missing.
fn made(name: &str, codec: &[&str]) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    make(&path, codec).then(|| std::fs::read(&path).unwrap())
}

#[test]
fn lost_packets_are_told_and_the_film_goes_on() {
    let Some(mut film) = made("film.ts", &["-c:v", "mpeg2video", "-g", "5"]) else { return };
    let middle = film.len() / 2 / 188 * 188;
    film.drain(middle..middle + 188 * 5);
    let program = Program::start(&[]);
    let events = post_all(&program, "", &film, "").events();
    assert_eq!(closing(&events)["type"], "end");
    let errors = of_type(&events, "error");
    assert!(!errors.is_empty(), "{events:?}");
    for error in &errors {
        assert_eq!((&error["code"], &error["fatal"]), (&"decode_error".into(), &false.into()));
        assert!(error["message"].as_str().unwrap().starts_with("a part of the video is damaged: "));
    }
    let first = events.iter().position(|event| event["type"] == "error").unwrap();
    let behind = of_type(&events[first..], "frame");
    assert_eq!(behind.last().unwrap()["pts_ms"], 4900.0);
    nothing_in_flight(&program);
}

#[test]
fn a_film_that_is_cut_short_says_so_before_its_end() {
    let Some(film) = film() else { return };
    let program = Program::start(&[]);
    let cut = &film[..film.len() * 3 / 4];
    let events = post_all(&program, "", cut, "").events();
    assert_eq!(closing(&events)["type"], "end");
    let [.., error, _] = &events[..] else { panic!("{events:?}") };
    assert_eq!((&error["type"], &error["code"]), (&"error".into(), &"truncated".into()));
    assert_eq!(error["fatal"], false);
    let message = error["message"].as_str().unwrap();
    let missing = format!("ends {} bytes before the end", film.len() - cut.len());
    assert!(message.contains(&missing), "{message}");
    let whole = post_all(&program, "", film, "").events();
    assert!(of_type(&whole, "error").is_empty(), "{whole:?}");
}

#[test]
fn a_decoder_that_makes_no_progress_is_cut_and_named() {
    // A decoder is busy with one such picture for much longer than it may be here.
    let noise = "scale=3840:2160,noise=alls=100:allf=t:enable='gte(n,4)'";
    let codec =
        ["-vf", noise, "-frames:v", "6", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "0"];
    let Some(film) = made("film.mkv", &codec) else { return };
    let program = Program::start(&[("DETECTIONS__VIDEO__STALL_TIMEOUT_MS", "30")]);
    let mut coming = post_all(&program, "", &film, "");
    let code = match coming.status {
        200 => {
            let events = coming.events();
            let last = closing(&events);
            assert!(last["message"].as_str().unwrap().contains("no progress for 30 ms"), "{last}");
            last["code"].as_str().unwrap().to_owned()
        }
        status => {
            assert_eq!(status, 422);
            problem_code(coming)
        }
    };
    assert_eq!(code, "decoder_stalled");
    nothing_in_flight(&program);
    assert_eq!(program.get("/health").status, 200);
}

#[test]
fn a_job_is_gone_some_time_after_its_end() {
    let Some(film) = film() else { return };
    let program = Program::start(&[("DETECTIONS__JOBS__TTL_MS", "300")]);
    let named = format!("x-job-id: {JOB}\r\n");
    let accepted = post_all(&program, "async=true&max_frames=2", film, &named);
    assert_eq!(accepted.status, 202);
    leave(accepted.body.into_inner());
    let path = format!("/jobs/{JOB}");
    let gone = program.wait_for(&path, |answer| answer.status == 404);
    assert_eq!(gone.code(), "unknown_job");
    let again = post_all(&program, "max_frames=1", film, &named);
    assert_eq!(again.status, 200, "its name is free again");
}
