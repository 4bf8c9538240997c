//! The real program between its neighbours, the mocks of the Loader and of the Annotations service: what it does
//! when they are away, wrong, slow or in its way, and when it is itself killed or out of space.

mod annotations;
mod clock;
mod crowded;
mod killed;
mod loader;
mod swaps;

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use detections_e2e::{mock::Mock, picture::fixture, server::Server, wait};
use serde_json::Value;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(120);

/// A model with the head of YOLOv8, and one with that of YOLOX.
const MODELS: [&str; 2] = ["model/topview.onnx", "model/topview-yolox.onnx"];

/// A folder that holds a model as `m.onnx`.
fn shelf(model: &str) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("m.onnx"), fixture(model)?)?;
    Ok(folder)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}

/// What a service on one thread needs to know, with the folder of its data.
fn settings<'a>(data: &'a Path, more: &[(&'a str, &'a str)]) -> Result<Vec<(&'a str, &'a str)>> {
    let mut settings = vec![
        ("DETECTIONS__DATA__DIR", text(data)?),
        ("DETECTIONS__INFER__THREADS", "1"),
        ("DETECTIONS__LOADER__INTERVAL_MS", "100"),
    ];
    settings.extend(more);
    Ok(settings)
}

/// Asks for the health until it is as wanted.
fn health(server: &Server, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let mut last = Value::Null;
    let found = wait::until(what, PATIENCE, || {
        last = server.client().get("/health").ok()?.json().ok()?;
        wanted(&last).then(|| last.clone())
    });
    found.with_context(|| format!("the last was {last}\n{}", server.log()))
}

fn is(health: &Value, status: &str) -> bool {
    health["status"] == status
}

/// Whether the reason of a health holds these words.
fn says(health: &Value, words: &str) -> bool {
    health["reason"].as_str().is_some_and(|reason| reason.contains(words))
}

/// An address that nobody listens at, because who did was killed.
fn left_by(mut mock: Mock) -> Result<SocketAddr> {
    mock.kill()?;
    Ok(mock.address())
}

/// Sends a picture under a request id, and under parameters of its own: otherwise its results would be those of the
/// same picture before it. It must be answered.
fn post(server: &Server, id: &str, picture: Vec<u8>) -> Result<Value> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let target = format!("/detect?confidence=0.25{:04}", NEXT.fetch_add(1, Ordering::Relaxed));
    let reply = server.client().post(&target, &[("x-request-id", id)], picture)?;
    ensure!(reply.status == 200, "{}", reply.text());
    reply.json()
}

/// Waits until these requests' results have come, and gives all that came.
fn results_of(mock: &Mock, requests: &[String]) -> Result<Vec<Value>> {
    wait::until("the results", PATIENCE, || {
        let results = mock.results().ok()?;
        let came = |id: &String| {
            results.iter().any(|result| result["body"]["media"]["request_id"] == id.as_str())
        };
        requests.iter().all(came).then_some(results)
    })
}
