//! The model comes from the Loader, and a new one takes its place while the service runs.

use anyhow::{Context, Result, ensure};
use detections_e2e::{picture::fixture, wait};
use reqwest::Method;
use serde_json::Value;

use crate::stack::{PATIENCE, Stack, town};

#[test]
fn the_model_comes_from_the_loader_and_the_names_from_the_class_file() -> Result<()> {
    let stack = Stack::open()?;
    let health = stack.client.get("/health")?.json()?;
    assert_eq!(
        (&health["status"], &health["model"]["name"]),
        (&"healthy".into(), &"topview".into())
    );
    let asked = stack.loader.requests()?;
    let asked = asked.iter().any(|one| one["path"] == "/models/topview");
    assert!(asked, "the Loader was not asked");
    let found = stack.client.post("/detect?confidence=0.05", &[], town()?)?.json()?;
    let found = found["detections"].as_array().context("no detections")?.clone();
    let names = ["car", "truck", "boat", "aircraft", "building", "storage tank"];
    assert!(!found.is_empty());
    for one in found {
        assert!(one["class"].as_str().is_some_and(|class| names.contains(&class)), "{one}");
    }
    Ok(())
}

#[test]
fn a_new_model_takes_the_place_of_the_old_and_a_bad_one_does_not() -> Result<()> {
    let stack = Stack::open()?;
    let first = sha256(&stack)?;
    stack.loader.put_file("topview.onnx", fixture("model/topview-yolox.onnx")?)?;
    reload(&stack)?;
    let second = sha256(&stack)?;
    assert_ne!(first, second, "the model did not change");
    assert_eq!(stack.client.post("/detect", &[], town()?)?.status, 200);

    stack.loader.put_file("topview.onnx", b"this is no model".to_vec())?;
    reload(&stack)?;
    assert_eq!(sha256(&stack)?, second, "a bad model was taken");
    assert_eq!(stack.client.post("/detect", &[], town()?)?.status, 200);
    assert_eq!(stack.client.get("/health")?.json()?["status"], "degraded");

    let target = "/control/files/topview.onnx";
    let reply = stack.loader.client().send(Method::DELETE, target, &[], vec![])?;
    ensure!(reply.status < 300, "{}", reply.text());
    reload(&stack)?;
    assert_eq!(sha256(&stack)?, first);
    wait::until("health", PATIENCE, || {
        let health = stack.client.get("/health").ok()?.json().ok()?;
        (health["status"] == "healthy").then_some(())
    })
}

/// Asks for a reload, again while an earlier one is under way.
fn reload(stack: &Stack) -> Result<Value> {
    wait::until("a reload", PATIENCE, || {
        let reply = stack.client.post("/admin/reload", &[], vec![]).ok()?;
        (reply.status != 409).then(|| reply.json().ok())?
    })
}

fn sha256(stack: &Stack) -> Result<String> {
    let health = stack.client.get("/health")?.json()?;
    let told = health["model"]["sha256"].as_str().map(str::to_owned);
    told.with_context(|| health.to_string())
}
