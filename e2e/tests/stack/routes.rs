//! Every route of the running service answers, every class of error is told, and the log's files say so.

use anyhow::{Context, Result};
use detections_e2e::{
    events::Events,
    picture::claiming_png,
    upload::{self, Upload},
    wait,
};
use reqwest::Method;

use crate::stack::{PATIENCE, Stack, town, traffic};

#[test]
fn every_route_answers() -> Result<()> {
    let stack = Stack::open()?;
    let pages =
        ["/health", "/health/live", "/health/ready", "/info", "/metrics", "/openapi.json", "/docs"];
    for page in pages {
        assert_eq!(stack.client.get(page)?.status, 200, "{page}");
    }
    let found = stack.client.post("/detect", &[], town()?)?.json()?;
    assert!(found["detections"].as_array().is_some_and(|all| !all.is_empty()), "{found}");
    let drawn = stack.client.post("/detect", &[("accept", "image/png")], town()?)?;
    assert!(drawn.status == 200 && drawn.body.starts_with(b"\x89PNG"), "{}", drawn.status);
    let job = "0b5ce1f8-5d66-4b0e-9d7a-3f1c2a7b9e10";
    let target = "/detect/video?async=true&max_frames=2";
    let taken = stack.client.post(target, &[("x-job-id", job)], traffic()?)?;
    assert_eq!(taken.status, 202, "{}", taken.text());
    let events = stack.client.get(&format!("/jobs/{job}/events"))?;
    assert!(events.status == 200 && events.text().contains("event: end"), "{}", events.text());
    assert_eq!(stack.client.get(&format!("/jobs/{job}"))?.status, 200);
    let gone = stack.client.send(Method::DELETE, &format!("/jobs/{job}"), &[], vec![])?;
    assert!((200..300).contains(&gone.status), "{}", gone.text());
    Ok(())
}

#[test]
fn every_class_of_error_is_told() -> Result<()> {
    let stack = Stack::open()?;
    let picture = town()?;
    let rows: [(&str, &str, Vec<u8>, u16); 7] = [
        ("a parameter out of range", "/detect?confidence=7", picture.clone(), 400),
        ("an unknown parameter", "/detect?speed=9", picture.clone(), 400),
        ("a route that is none", "/detekt", picture.clone(), 404),
        ("text as a picture", "/detect", b"no picture at all".to_vec(), 415),
        ("half a picture", "/detect", picture[..2000].to_vec(), 422),
        ("too many pixels", "/detect", claiming_png(65_535, 65_535), 422),
        ("too many bytes", "/detect", vec![0; 33 << 20], 413),
    ];
    for (name, target, body, status) in rows {
        let reply = stack.client.post(target, &[], body).context(name)?;
        assert_eq!(reply.status, status, "{name}: {}", reply.text());
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{name}");
        assert_eq!(reply.json()?["status"], status, "{name}");
    }
    assert_eq!(stack.client.get("/health/ready")?.status, 200);
    Ok(())
}

#[test]
fn a_video_is_told_in_the_order_of_its_frames() -> Result<()> {
    let stack = Stack::open()?;
    let upload = Upload::to("/detect/video?frames=every:5");
    let answer = upload::send(stack.address, &upload, traffic()?.as_slice())?;
    let events = Events::of(&answer)?;
    let frames: Vec<_> = events.frames()?.iter().map(|frame| frame.index).collect();
    assert_eq!(frames, (0..225).step_by(5).collect::<Vec<_>>());
    assert_eq!(events.end()?["frames_decoded"], 225);
    Ok(())
}

#[test]
fn requests_stand_in_the_files_of_the_log() -> Result<()> {
    let stack = Stack::open()?;
    let id = "stack-log-4711";
    assert_eq!(stack.client.post("/detect", &[("x-request-id", id)], town()?)?.status, 200);
    wait::until("the request in the log's files", PATIENCE, || {
        stack.log_files().ok().filter(|text| text.contains(id))
    })?;
    Ok(())
}
