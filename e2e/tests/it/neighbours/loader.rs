//! The Loader at its worst: away, failing, slow, cut off, contradicting itself, or with a model that is none.

use anyhow::{Context, Result};
use detections_e2e::{mock::Mock, program, server::Server};
use serde_json::{Value, json};

use super::{MODELS, health, is, left_by, post, says, settings, shelf, text};
use crate::pictures::{TOWN, town};

/// The digest of the file that a Loader has now.
fn digest(mock: &Mock) -> Result<Value> {
    let reply = mock.client().get("/models/m")?;
    Ok(json!(reply.header("x-checksum-sha256").context("no digest")?))
}

#[test]
fn without_a_loader_the_cached_model_serves_and_without_one_it_waits() -> Result<()> {
    let (models, data) = (shelf(MODELS[0])?, tempfile::tempdir()?);
    let address = left_by(Mock::loader(text(models.path())?, &[])?)?;
    let url = format!("http://{address}");
    let start = || Server::launch(&settings(data.path(), &[("LOADER_URL", &url), ("MODEL", "m")])?);
    let server = start()?;
    let waiting = health(&server, "the failure", |health| says(health, "does not answer"))?;
    assert_eq!((&waiting["status"], &waiting["ready"]), (&json!("loading"), &json!(false)));
    assert_eq!(server.client().post("/detect", &[], town()?)?.status, 503);
    let mock = Mock::loader_at(address, text(models.path())?)?;
    let loaded = health(&server, "the model", |health| is(health, "healthy"))?;
    assert_eq!(loaded["model"]["sha256"], digest(&mock)?);
    drop((server, mock));

    let server = start()?;
    let alone = health(&server, "the cached model", |health| says(health, "does not answer"))?;
    assert_eq!((&alone["status"], &alone["ready"]), (&json!("degraded"), &json!(true)));
    assert_eq!(post(&server, "alone", town()?)?["model"]["sha256"], loaded["model"]["sha256"]);
    let _mock = Mock::loader_at(address, text(models.path())?)?;
    health(&server, "an answer", |health| is(health, "healthy"))?;
    Ok(())
}

#[test]
fn a_download_that_fails_is_told_and_tried_until_it_succeeds() -> Result<()> {
    for (fault, told) in [
        (json!({"fault": "status", "status": 500}), "500"),
        (json!({"fault": "status", "status": 429, "retry_after": "1"}), "429"),
        (json!({"fault": "hang"}), "took too long"),
        (json!({"fault": "reset"}), "does not answer"),
        (json!({"fault": "truncate", "after_bytes": 100_000}), ""),
        (json!({"fault": "wrong_hash"}), "SHA-256"),
        (json!({"fault": "slow", "bytes_per_s": 4_000_000}), ""),
    ] {
        let (models, data) = (shelf(MODELS[0])?, tempfile::tempdir()?);
        let mock = Mock::loader(text(models.path())?, &[])?;
        let expected = digest(&mock)?;
        let mut rule = fault.clone();
        rule["times"] = if told.is_empty() { json!(1) } else { Value::Null };
        mock.faults(&json!([rule]))?;
        let url = mock.url();
        let more = [
            ("LOADER_URL", url.as_str()),
            ("MODEL", "m"),
            ("DETECTIONS__LOADER__TIMEOUT_MS", "300"),
        ];
        let server = Server::launch(&settings(data.path(), &more)?)?;
        let waiting = health(&server, &format!("{fault}"), |health| {
            if told.is_empty() { is(health, "healthy") } else { says(health, told) }
        })?;
        assert_eq!(waiting["ready"], json!(told.is_empty()), "{fault}: {waiting}");
        mock.faults(&json!([]))?;
        let well = health(&server, "the model", |health| is(health, "healthy"))?;
        assert_eq!(well["model"]["sha256"], expected, "{fault}");
        if fault["fault"] == "truncate" {
            let requests = mock.requests()?;
            let asked = requests.iter().any(|request| request["status"] == 206);
            assert!(asked, "what was there is not asked for again: {requests:?}");
        }
    }
    Ok(())
}

#[test]
fn a_bad_new_model_is_refused_and_the_next_good_one_taken() -> Result<()> {
    let (models, data) = (shelf(MODELS[0])?, tempfile::tempdir()?);
    let mock = Mock::loader(text(models.path())?, &[])?;
    let url = mock.url();
    let more = [("LOADER_URL", url.as_str()), ("MODEL", "m")];
    let server = Server::start(&settings(data.path(), &more)?)?;
    let first = health(&server, "the model", |health| is(health, "healthy"))?;
    let whole = detections_e2e::picture::fixture(MODELS[1])?;
    for bad in [b"no model".to_vec(), whole[..whole.len() / 2].to_vec(), Vec::new()] {
        mock.put_file("m.onnx", bad)?;
        let refused = health(&server, "the refusal", |health| says(health, "refused"))?;
        assert_eq!((&refused["status"], &refused["ready"]), (&json!("degraded"), &json!(true)));
        let answer = post(&server, "meanwhile", town()?)?;
        assert_eq!(answer["model"]["sha256"], first["model"]["sha256"]);
        mock.put_file("m.onnx", detections_e2e::picture::fixture(MODELS[0])?)?;
        health(&server, "the old model again", |health| is(health, "healthy"))?;
    }
    let page = server.client().get("/metrics")?.text();
    let refusals = "detections_model_reloads_total{outcome=\"refused\"} 3";
    assert!(page.contains(refusals), "`{refusals}` is missing in:\n{page}");
    mock.put_file("m.onnx", whole)?;
    let next = digest(&mock)?;
    health(&server, "the next model", |health| health["model"]["sha256"] == next)?;
    Ok(())
}

#[test]
fn the_command_line_takes_its_model_from_the_loader_and_then_from_the_cache() -> Result<()> {
    let (models, data) = (shelf(MODELS[1])?, tempfile::tempdir()?);
    let mock = Mock::loader(text(models.path())?, &[])?;
    let (expected, url) = (digest(&mock)?, mock.url());
    let picture = detections_e2e::picture::fixture_path(TOWN);
    let detect = || -> Result<(String, Value)> {
        let variables = [("LOADER_URL", url.as_str()), ("MODEL", "m")];
        let variables = settings(data.path(), &variables)?;
        let output = program::run(["detect", text(&picture)?, "--json"], &variables)?;
        let told = String::from_utf8(output.stderr)?;
        let found = serde_json::from_slice(&output.stdout);
        Ok((told.clone(), found.with_context(|| told)?))
    };
    let (_, found) = detect()?;
    assert_eq!(found["model"]["sha256"], expected);
    drop(mock);
    let (told, again) = detect()?;
    assert_eq!(again["detections"], found["detections"]);
    assert!(told.contains("the cached file is taken"), "nothing says so: {told}");
    Ok(())
}
