//! What the service says of itself: health, readiness, and what it runs.

use anyhow::Result;
use detections_e2e::server::Server;
use serde_json::{Value, json};

#[test]
fn health_is_reported_as_documented() -> Result<()> {
    let server = Server::start(&[])?;
    let reply = server.client().get("/health")?;
    assert_eq!(reply.status, 200);
    let health = reply.json()?;
    assert_eq!((&health["status"], &health["ready"]), (&json!("healthy"), &json!(true)));
    assert_eq!((&health["backend"], &health["device"]), (&json!("tract"), &json!("cpu")));
    assert!(health["version"].is_string() && health["uptime_s"].is_number(), "{health}");
    let model = &health["model"];
    assert!(model["name"].is_string() && model["head"].is_string(), "{model}");
    assert_eq!(model["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(model["input"].as_array().map(Vec::len), Some(2));
    assert!(model["labels"].as_u64() >= Some(5), "{model}");
    Ok(())
}

#[test]
fn probes_answer_and_heads_are_taken() -> Result<()> {
    let server = Server::start(&[])?;
    for target in ["/health", "/health/live", "/health/ready", "/info", "/metrics", "/openapi.json"]
    {
        let reply = server.client().get(target)?;
        assert_eq!(reply.status, 200, "{target}");
        assert!(!reply.body.is_empty(), "{target}");
        let head = server.client().send(reqwest::Method::HEAD, target, &[], Vec::new())?;
        assert_eq!((head.status, head.body.len()), (200, 0), "HEAD {target}");
    }
    Ok(())
}

#[test]
fn info_tells_what_runs_and_why() -> Result<()> {
    let variables = [
        ("DETECTIONS__SERVER__MAX_BODY_BYTES", "1234567"),
        ("DETECTIONS__DETECT__CONFIDENCE", "0.5"),
        ("DETECTIONS__INFER__THREADS", "1"),
    ];
    let server = Server::start(&variables)?;
    let info = server.client().get("/info")?.json()?;
    let health = server.client().get("/health")?.json()?;
    assert_eq!(info["model"]["sha256"], health["model"]["sha256"]);
    assert!(info["model"]["head_reason"].as_str().is_some_and(|why| why.len() > 10), "{info}");
    let labels = info["model"]["labels"].as_array().map_or(0, Vec::len);
    assert_eq!(json!(labels), health["model"]["labels"]);
    assert_eq!(info["model"]["threads"], 1);
    assert_eq!(info["limits"]["max_body_bytes"], 1_234_567);
    assert_eq!(info["defaults"]["confidence"], 0.5);
    assert!(info["build"]["version"].is_string(), "{info}");
    Ok(())
}

#[test]
fn classes_rename_what_is_reported() -> Result<()> {
    let labels = Server::start(&[])?.client().get("/info")?.json()?["model"]["labels"].clone();
    let names: Vec<Value> = labels
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(id, label)| json!({"id": 100 + id, "name": format!("kind {id}"), "label": label}))
        .collect();
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), serde_json::to_vec(&names)?)?;
    let path = file.path().to_string_lossy().into_owned();
    let server = Server::start(&[("CLASSES", &path)])?;
    let picture = crate::pictures::town()?;
    let answer = server.client().post(crate::pictures::NEARLY_EVERYTHING, &[], picture)?.json()?;
    let found = answer["detections"].as_array().cloned().unwrap_or_default();
    assert!(!found.is_empty());
    for detection in found {
        let id = detection["class_id"].as_u64().unwrap_or(0);
        assert!(id >= 100, "{detection}");
        assert_eq!(detection["class"], format!("kind {}", id - 100), "{detection}");
    }
    Ok(())
}
