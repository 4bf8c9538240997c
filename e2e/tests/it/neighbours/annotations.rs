//! The Annotations service at its worst: away while results gather, flapping, asking to be spared, refusing, silent
//! or cut off; and whose token it is shown. `DETECTIONS_E2E_RESULTS` is how many results gather at least.

use std::{collections::HashMap, env, fs, path::Path};

use anyhow::{Context, Result, ensure};
use detections_e2e::{mock::Mock, picture::fixture, program, server::Server, shared, wait};
use serde_json::{Value, json};

use super::{MODELS, PATIENCE, health, is, left_by, post, results_of, settings, shelf, text};

const PICTURE: &str = "media/harbour.png";

fn server(data: &Path, mock: &Mock, more: &[(&str, &str)]) -> Result<Server> {
    let url = mock.url();
    let more = [&[("ANNOTATIONS_URL", url.as_str())], more].concat();
    Server::start(&settings(data, &more)?)
}

/// Sends so many pictures under numbered request ids.
fn post_many(server: &Server, count: usize) -> Result<Vec<String>> {
    let ids: Vec<String> = (0..count).map(|number| format!("request-{number}")).collect();
    for id in &ids {
        post(server, id, fixture(PICTURE)?)?;
    }
    Ok(ids)
}

/// The keys of the posts that came, in their order, those included that were struck by a fault.
fn keys(mock: &Mock) -> Result<Vec<String>> {
    let requests = mock.requests()?;
    Ok(requests.iter().map(|request| header(request, "idempotency-key")).collect())
}

fn header(request: &Value, name: &str) -> String {
    let headers = request["headers"].as_array().into_iter().flatten();
    let mut values = headers.filter(|pair| pair[0] == name).map(|pair| pair[1].clone());
    values.next().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn counter(mock: &Mock, name: &str) -> Result<u64> {
    mock.client().get("/control/counters")?.json()?[name].as_u64().context("no counter")
}

#[test]
fn what_gathers_while_the_service_is_down_arrives_in_order_and_once() -> Result<()> {
    let wanted =
        env::var("DETECTIONS_E2E_RESULTS").map_or(Ok(100), |count| count.parse::<u64>())?;
    let data = tempfile::tempdir()?;
    let mock = Mock::annotations(&[])?;
    let url = mock.url();
    let address = left_by(mock)?;
    let server = Server::start(&settings(data.path(), &[("ANNOTATIONS_URL", &url)])?)?;
    let mut told: HashMap<(String, u64), Value> = HashMap::new();
    let mut videos = 0;
    while u64::try_from(told.len())? < wanted {
        videos += 1;
        let id = format!("video-{videos}");
        // Other parameters each time: otherwise it would be the same media under the same keys.
        let reply = server.client().post(
            &format!("/detect/video?max_frames={}", 100 + videos),
            &[("x-request-id", &id)],
            fixture("media/traffic.mp4")?,
        )?;
        let events = reply.text();
        let events = events.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let frames = events.filter(|event| event["detections"].get(0).is_some());
        told.extend(frames.filter_map(|event| {
            Some(((id.clone(), event["index"].as_u64()?), event["detections"].clone()))
        }));
    }
    health(&server, "all in the outbox", |health| {
        health["outbox"]["pending"].as_u64() == u64::try_from(told.len()).ok()
    })?;
    let mock = Mock::annotations_at(address)?;
    let empty = |health: &Value| health["outbox"]["pending"] == 0;
    health(&server, "an empty outbox", empty)?;
    let results = mock.results()?;
    assert_eq!(results.len(), told.len());
    let mut last: HashMap<&str, u64> = HashMap::new();
    for result in &results {
        let (media, frame) = (&result["body"]["media"], &result["body"]["frame"]["index"]);
        let (id, frame) = (media["request_id"].as_str(), frame.as_u64().context("no frame")?);
        let id = id.context("no request")?;
        let detections = told.get(&(id.to_owned(), frame));
        ensure!(detections == Some(&result["body"]["detections"]), "{id}, {frame}: {result}");
        let before = last.insert(id, frame);
        ensure!(before.is_none_or(|before| before < frame), "{id}: {frame} after {before:?}");
    }
    assert_eq!(counter(&mock, "conflicts")?, 0);
    shared::note(&format!("{} results gathered and arrived in order", told.len()));
    Ok(())
}

#[test]
fn a_flapping_service_gets_everything_once() -> Result<()> {
    let data = tempfile::tempdir()?;
    let mock = Mock::annotations(&[])?;
    mock.faults(&json!([
        {"every": 3, "times": 4, "fault": "status", "status": 503},
        {"every": 4, "times": 3, "fault": "reset"},
        {"every": 5, "times": 2, "fault": "truncate", "after_bytes": 3},
        {"every": 5, "times": 2, "fault": "slow", "bytes_per_s": 100},
    ]))?;
    let server = server(data.path(), &mock, &[("DETECTIONS__ANNOTATIONS__WORKERS", "4")])?;
    let ids = post_many(&server, 16)?;
    let results = results_of(&mock, &ids)?;
    assert_eq!(results.len(), ids.len(), "none under two keys");
    health(&server, "an empty outbox", |health| health["outbox"]["pending"] == 0)?;
    let struck = mock.requests()?.iter().filter(|request| !request["fault"].is_null()).count();
    assert!(struck >= 8, "{struck} of the faults struck");
    assert_eq!((counter(&mock, "conflicts")?, counter(&mock, "invalid")?), (0, 0));
    Ok(())
}

#[test]
fn a_service_that_asks_to_be_spared_is_spared_as_long_as_it_asks() -> Result<()> {
    let data = tempfile::tempdir()?;
    let mock = Mock::annotations(&[])?;
    mock.faults(&json!([{"times": 1, "fault": "status", "status": 429, "retry_after": "2"}]))?;
    let server = server(data.path(), &mock, &[])?;
    let mut ids = post_many(&server, 1)?;
    wait::until("the wish to be noted", PATIENCE, || {
        let page = server.client().get("/metrics").ok()?.text();
        page.contains("detections_annotations_retries_total 1").then_some(())
    })?;
    for id in ["later", "latest"] {
        post(&server, id, fixture(PICTURE)?)?;
        ids.push(id.to_owned());
    }
    results_of(&mock, &ids)?;
    let requests = mock.requests()?;
    let times: Vec<u64> = requests.iter().filter_map(|asked| asked["at_ms"].as_u64()).collect();
    let pause = times[1] - times[0];
    assert!((1990..60_000).contains(&pause), "{pause} ms after a wish for 2 s");
    assert_eq!(keys(&mock)?.len(), ids.len() + 1, "one was posted twice, no other");
    Ok(())
}

#[test]
fn a_silent_service_is_left_and_gets_the_same_again() -> Result<()> {
    let data = tempfile::tempdir()?;
    let mock = Mock::annotations(&[])?;
    mock.faults(&json!([{"times": 1, "fault": "hang"}]))?;
    let server = server(data.path(), &mock, &[("DETECTIONS__ANNOTATIONS__TIMEOUT_MS", "300")])?;
    let ids = post_many(&server, 1)?;
    results_of(&mock, &ids)?;
    let keys = keys(&mock)?;
    assert!(keys.len() >= 2 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    Ok(())
}

/// Runs `detections outbox` over this data.
fn outbox(data: &Path, arguments: &[&str]) -> Result<String> {
    let arguments = [&["outbox"], arguments].concat();
    let output = program::run(arguments, &[("DETECTIONS__DATA__DIR", text(data)?)])?;
    ensure!(output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn a_refused_result_is_a_dead_letter_that_is_listed_and_replayed() -> Result<()> {
    let data = tempfile::tempdir()?;
    let mock = Mock::annotations(&[])?;
    mock.faults(&json!([{"times": 1, "fault": "status", "status": 400}]))?;
    let server = server(data.path(), &mock, &[])?;
    let ids = post_many(&server, 3)?;
    results_of(&mock, &ids[1..])?;
    let dead = health(&server, "a dead letter", |health| health["outbox"]["dead"] == 1)?;
    assert!(is(&dead, "healthy"), "one refusal is no fault of this service: {dead}");
    let listed: Value = serde_json::from_str(&outbox(data.path(), &["list", "--dead"])?)?;
    assert!(listed["reason"].as_str().is_some_and(|told| told.contains("400")), "{listed}");
    assert_eq!(outbox(data.path(), &["replay", "--all"])?, "1 dead letters are tried again\n");
    assert_eq!(results_of(&mock, &ids)?.len(), 3);
    assert_eq!(outbox(data.path(), &["list"])?, "");
    Ok(())
}

#[test]
fn the_callers_token_is_shown_to_both_neighbours_and_to_no_log() -> Result<()> {
    let made = program::run(["token", "new", "--name", "ada", "--scope", "admin"], &[])?;
    let told = String::from_utf8(made.stderr)?;
    let token = told.split_whitespace().last().context("no token")?.to_owned();
    let (models, data) = (shelf(MODELS[0])?, tempfile::tempdir()?);
    let file = data.path().join("tokens.toml");
    fs::write(&file, made.stdout)?;
    let (loader, annotations) = (Mock::loader(text(models.path())?, &[])?, Mock::annotations(&[])?);
    let (loader_url, annotations_url) = (loader.url(), annotations.url());
    let server = Server::launch(&settings(
        data.path(),
        &[
            ("LOADER_URL", &loader_url),
            ("MODEL", "m"),
            ("ANNOTATIONS_URL", &annotations_url),
            ("DETECTIONS__ANNOTATIONS__TOKEN", "of-the-service"),
            ("DETECTIONS__LOADER__INTERVAL_MS", "0"),
            ("DETECTIONS__ACCESS__TOKENS_FILE", text(&file)?),
            ("DETECTIONS__ACCESS__FORWARD", "loader,annotations"),
            ("LOG", "trace"),
        ],
    )?)?;
    health(&server, "the model", |health| is(health, "healthy"))?;
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("x-request-id", "hers")];
    assert_eq!(server.client().post("/admin/reload", &headers, Vec::new())?.status, 200);
    assert_eq!(server.client().post("/detect", &headers, fixture(PICTURE)?)?.status, 200);
    results_of(&annotations, &["hers".to_owned()])?;
    for (mock, first) in [(&loader, ""), (&annotations, bearer.as_str())] {
        let shown: Vec<String> =
            mock.requests()?.iter().map(|asked| header(asked, "authorization")).collect();
        assert_eq!(shown.first().map(String::as_str), Some(first), "{shown:?}");
        assert_eq!(shown.last(), Some(&bearer), "{shown:?}");
    }
    let outbox = data.path().join("outbox");
    let rests = || -> Result<bool> {
        let mut files = fs::read_dir(&outbox)?.map(|entry| fs::read(entry?.path()));
        files.try_fold(false, |rests, content| {
            Ok(rests || String::from_utf8_lossy(&content?).contains(&token))
        })
    };
    wait::until("the end of the token at rest", PATIENCE, || (!rests().ok()?).then_some(()))?;
    assert!(!server.log().contains(&token), "a log shows the token");
    Ok(())
}
