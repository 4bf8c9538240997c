//! What is found arrives at Annotations: of pictures and of videos, and also when it takes nothing for a while.

use anyhow::{Context, Result};
use detections_e2e::{
    events::Events,
    upload::{self, Upload},
};
use serde_json::json;

use crate::stack::{Stack, town, traffic};

#[test]
fn a_picture_arrives_as_it_was_answered() -> Result<()> {
    let stack = Stack::open()?;
    let id = "stack-picture";
    let answer = stack.client.post("/detect", &[("x-request-id", id)], town()?)?.json()?;
    let results = stack.results_of(id, 1)?;
    let body = &results[0]["body"];
    assert_eq!(body["detections"], answer["detections"]);
    assert_eq!(body["media"]["sha256"], answer["image"]["sha256"]);
    assert_eq!(body["model"]["sha256"], answer["model"]["sha256"]);
    assert!(results[0]["key"].as_str().is_some_and(|key| key.len() >= 32), "{}", results[0]);
    Ok(())
}

#[test]
fn a_video_arrives_frame_by_frame() -> Result<()> {
    let stack = Stack::open()?;
    let headers = [("x-request-id", "stack-video")];
    let upload = Upload { headers: &headers, ..Upload::to("/detect/video?frames=every:10") };
    let answer = upload::send(stack.address, &upload, traffic()?.as_slice())?;
    let events = Events::of(&answer)?;
    let told: Vec<_> = events
        .frames()?
        .iter()
        .filter(|frame| !frame.detections.is_empty())
        .map(|frame| (frame.index, json!(frame.detections)))
        .collect();
    assert!(told.len() > 10, "{} frames with detections", told.len());
    let results = stack.results_of("stack-video", told.len())?;
    assert_eq!(results.len(), told.len());
    for ((index, detections), result) in told.iter().zip(&results) {
        let body = &result["body"];
        assert_eq!((&body["frame"]["index"], &body["detections"]), (&json!(index), detections));
        assert_eq!(body["media"]["sha256"], events.end()?["sha256"]);
    }
    Ok(())
}

#[test]
fn what_was_refused_for_a_while_arrives_later_and_once() -> Result<()> {
    let stack = Stack::open()?;
    stack.annotations.faults(&json!([
        {"match": "/annotations", "times": 3, "fault": "status", "status": 503},
        {"match": "/annotations", "times": 1, "fault": "reset"},
    ]))?;
    let ids = ["stack-later-0", "stack-later-1", "stack-later-2"];
    for id in ids {
        let reply = stack.client.post("/detect", &[("x-request-id", id)], town()?)?;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    for id in ids {
        let results = stack.results_of(id, 1).context(id)?;
        assert_eq!(results.len(), 1, "{id}");
    }
    stack.annotations.faults(&json!([]))
}
