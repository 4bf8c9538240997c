//! A service that is killed at any moment, while it tells of a video and while it delivers: what it told arrives, and
//! nothing arrives under two keys; and one that is asked to end. `DETECTIONS_E2E_CRASHES` is how often it is killed.

use std::{
    collections::{HashMap, HashSet},
    env,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::Path,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use detections_e2e::{mock::Mock, picture::fixture, random::Random, server::Server, shared, wire};
use serde_json::{Value, json};

use super::{PATIENCE, health, left_by, post, results_of, settings};

/// A frame that a client was told of: the id of its request, and its number.
type Told = HashSet<(String, u64)>;

/// Sends a video and notes every frame with objects that is told, until the service is killed after so many of them.
fn watch_until_killed(server: &Server, id: &str, frames: usize, told: &mut Told) -> Result<()> {
    let video = fixture("media/traffic.mp4")?;
    let mut stream = TcpStream::connect(server.address())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = video.len().to_string();
    let headers = [("x-request-id", id), ("content-length", &length)];
    stream.write_all(&wire::head("POST", "/detect/video", &headers))?;
    let mut sending = stream.try_clone()?;
    let sender = thread::spawn(move || sending.write_all(&video));
    let mut seen = 0;
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        // What is told while the kill is on its way counts too: it was told.
        let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
        if event["detections"].get(0).is_some() {
            told.insert((id.to_owned(), event["index"].as_u64().context("no index")?));
        }
        if event["type"] == "frame" {
            seen += 1;
        }
        if seen == frames {
            server.signal("KILL")?;
        }
    }
    // The upload is cut off with the service.
    let _cut = sender.join();
    ensure!(seen >= frames, "the service ended after {seen} of {frames} frames");
    Ok(())
}

/// Posts take their time, so that kills also meet those that are on their way.
fn slow_taker() -> Result<Mock> {
    let mock = Mock::annotations(&["--max-requests", "10"])?;
    mock.faults(&json!([{"every": 2, "fault": "delay", "delay_ms": 20}]))?;
    Ok(mock)
}

fn start(data: &Path, mock: &Mock) -> Result<Server> {
    let url = mock.url();
    Server::start(&settings(data, &[("ANNOTATIONS_URL", &url)])?)
}

#[test]
fn what_was_told_of_videos_before_a_kill_arrives_and_under_one_key_each() -> Result<()> {
    let kills = env::var("DETECTIONS_E2E_CRASHES").map_or(Ok(3), |count| count.parse::<u64>())?;
    let (data, mock) = (tempfile::tempdir()?, slow_taker()?);
    let (mut told, mut random) = (Told::new(), Random::new(7));
    for round in 0..kills {
        let mut server = start(data.path(), &mock)?;
        let frames = 1 + usize::try_from(random.below(40))?;
        watch_until_killed(&server, &format!("video-{round}"), frames, &mut told)?;
        server.wait_for_end(Duration::from_secs(10))?;
    }
    mock.faults(&json!([]))?;
    let server = start(data.path(), &mock)?;
    health(&server, "an empty outbox", |health| health["outbox"]["pending"] == 0)?;
    let results = mock.results()?;
    let mut keys: HashMap<(String, u64), String> = HashMap::new();
    for result in &results {
        let (media, frame) = (&result["body"]["media"], &result["body"]["frame"]["index"]);
        let id = media["request_id"].as_str().context("no request")?.to_owned();
        let place = (id, frame.as_u64().context("no frame")?);
        let key = result["key"].as_str().context("no key")?.to_owned();
        let other = keys.insert(place.clone(), key);
        ensure!(other.is_none(), "{place:?} came under two keys");
    }
    let lost: Vec<_> = told.iter().filter(|place| !keys.contains_key(*place)).collect();
    ensure!(lost.is_empty(), "told and lost: {lost:?}");
    let counters = mock.client().get("/control/counters")?.json()?;
    assert_eq!((&counters["conflicts"], &counters["invalid"]), (&json!(0), &json!(0)));
    shared::note(&format!(
        "{kills} kills: {} frames told, {} arrived, none lost, {} repeated under their key",
        told.len(),
        results.len(),
        counters["duplicates"]
    ));
    Ok(())
}

#[test]
fn what_waits_when_a_signal_ends_the_service_goes_out_after_the_next_start() -> Result<()> {
    let data = tempfile::tempdir()?;
    let mock = Mock::annotations(&[])?;
    let url = mock.url();
    let address = left_by(mock)?;
    let start = || Server::start(&settings(data.path(), &[("ANNOTATIONS_URL", &url)])?);
    let mut server = start()?;
    let ids: Vec<String> = (0..3).map(|number| format!("request-{number}")).collect();
    for id in &ids {
        post(&server, id, fixture("media/harbour.png")?)?;
    }
    server.signal("TERM")?;
    ensure!(server.wait_for_end(PATIENCE)?.success(), "{}", server.log());
    let mock = Mock::annotations_at(address)?;
    let server = start()?;
    assert_eq!(results_of(&mock, &ids)?.len(), ids.len());
    health(&server, "an empty outbox", |health| health["outbox"]["pending"] == 0)?;
    Ok(())
}
