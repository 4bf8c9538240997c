//! Results that go to an Annotations service: stored before they are told, whatever becomes of either side.

use std::{
    collections::HashMap,
    io::{Read, Write},
    path::Path,
    thread,
    time::Duration,
};

use actix_web::web::Data;
use detections::{annotations::Annotations, http::Service};
use serde_json::Value;

use super::{
    fixture::{config, detect, get, picture, ready},
    neighbours::{Taken, Taker},
    process::{Answer, Program, announce},
};

fn annotating(data: &Path, url: &str, settings: &[(&str, &str)]) -> Data<Service> {
    let mut all = vec![("annotations.url", url), ("data.dir", data.to_str().unwrap())];
    all.extend(settings);
    let service = ready(&all);
    service.annotate(Annotations::start(&config(&all)).unwrap().unwrap());
    service
}

#[actix_web::test]
async fn a_picture_with_objects_arrives_and_an_empty_one_does_not() {
    let (data, taker) = (tempfile::tempdir().unwrap(), Taker::start());
    let service = annotating(data.path(), &taker.url, &[("annotations.frame_jpeg", "true")]);
    assert_eq!(detect(&service, "conf=0.99", picture("town.jpg")).await.status, 200);
    let told = detect(&service, "", picture("harbour.png")).await.json();
    let post = taker.wait_until(|taken| !taken.is_empty()).remove(0).body;
    assert_eq!(post["detections"], told["detections"]);
    assert_eq!(post["media"]["sha256"], told["image"]["sha256"]);
    assert_eq!(post["media"]["request_id"], told["id"]);
    assert_eq!(post["model"]["sha256"], told["model"]["sha256"]);
    assert_eq!((&post["media"]["kind"], &post["frame"]["index"]), (&"image".into(), &0.into()));
    assert!(post["frame_jpeg"].as_str().unwrap().starts_with("/9j/"), "a JPEG in base64");
    assert!(post["params"].get("timeout_ms").is_none());
}

#[actix_web::test]
async fn a_full_outbox_is_told_to_clients_probes_and_scrapers() {
    let data = tempfile::tempdir().unwrap();
    let service = annotating(data.path(), "http://127.0.0.1:9", &[("annotations.max_rows", "1")]);
    assert_eq!(detect(&service, "", picture("harbour.png")).await.status, 200);
    let refused = detect(&service, "", picture("harbour.png")).await;
    assert_eq!(refused.problem(503).0, "outbox_full");
    assert_ne!(refused.header("retry-after"), "");
    let health = get(&service, "/health").await.json();
    assert_eq!(
        (&health["status"], &health["reason"]),
        (&"degraded".into(), &"the outbox is full".into())
    );
    assert_eq!(health["outbox"]["pending"], 1);
    let metrics = get(&service, "/metrics").await;
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(metrics.contains("detections_outbox_pending 1\n"), "{metrics}");
}

#[actix_web::test]
async fn without_an_address_there_is_no_outbox() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().join("data");
    let settings = config(&[("data.dir", dir.to_str().unwrap())]);
    assert!(Annotations::start(&settings).unwrap().is_none());
    assert!(!dir.exists());
    assert!(get(&ready(&[]), "/health").await.json().get("outbox").is_none());
}

fn environment<'a>(data: &'a Path, taker: &'a Taker) -> [(&'a str, &'a str); 2] {
    [("ANNOTATIONS_URL", &taker.url), ("DETECTIONS__DATA__DIR", data.to_str().unwrap())]
}

#[test]
fn every_frame_of_a_video_that_was_told_arrives_under_its_digest() {
    let (data, taker) = (tempfile::tempdir().unwrap(), Taker::start());
    let program = Program::start(&environment(data.path(), &taker));
    let video = std::fs::read(super::fixture::fixture("media/traffic.mp4")).unwrap();
    let mut stream = program.connect();
    let head = format!(
        "POST /detect/video?max_frames=40&frames=every:2 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-disposition: attachment; filename=\"gate.mp4\"\r\ncontent-length: {}\r\n\r\n",
        video.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&video).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let events = answer.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let events: Vec<Value> = events.filter(|event| event.is_object()).collect();
    let told: HashMap<u64, Value> = events
        .iter()
        .filter(|event| event["type"] == "frame" && event["detections"] != serde_json::json!([]))
        .map(|event| (event["index"].as_u64().unwrap(), event["detections"].clone()))
        .collect();
    assert!(told.len() > 10, "{answer}");
    let end = events.iter().find(|event| event["type"] == "end").unwrap();
    let posts = taker.wait_until(|taken| taken.len() >= told.len());
    for Taken { body: post, .. } in &posts {
        assert_eq!(post["detections"], told[&post["frame"]["index"].as_u64().unwrap()]);
        assert_eq!(post["media"]["sha256"], end["sha256"]);
        assert_eq!(post["media"]["name"], "gate.mp4");
    }
    let order: Vec<_> = posts.iter().map(|post| post.body["frame"]["index"].as_u64()).collect();
    assert!(order.is_sorted());
}

/// Where in its work a process is killed: after so many answers and so many microseconds more.
fn points(count: u64) -> impl Iterator<Item = (u64, Duration)> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..count).map(move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % 4, Duration::from_micros(state >> 32 & 0xffff))
    })
}

#[test]
fn a_process_that_is_killed_again_and_again_loses_nothing_that_it_told() {
    let kills = std::env::var("DETECTIONS_TEST_KILLS").map_or(5, |count| count.parse().unwrap());
    let (data, taker) = (tempfile::tempdir().unwrap(), Taker::start());
    let picture = picture("harbour.png");
    let mut told: Vec<String> = Vec::new();
    for (answers, more) in points(kills) {
        let program = Program::start(&environment(data.path(), &taker));
        for _ in 0..answers {
            told.push(ask(&program, &picture, told.len()));
        }
        let mut last = program.connect();
        announce(&mut last, picture.len(), "");
        last.write_all(&picture).unwrap();
        // Not a wait for something to happen: the point in the work at which the kill comes is what varies.
        thread::park_timeout(more);
        program.signal("KILL");
        program.end();
    }
    let _last = Program::start(&environment(data.path(), &taker));
    let posts = taker.wait_until(|taken| told.iter().all(|id| has(taken, id)));
    let mut keys: HashMap<&str, &str> = HashMap::new();
    for Taken { key, body: post, .. } in &posts {
        let upload = post["media"]["id"].as_str().unwrap();
        assert_eq!(*keys.entry(upload).or_insert(key), key, "one result under two keys");
    }
}

fn has(taken: &[Taken], request: &str) -> bool {
    taken.iter().any(|post| post.body["media"]["request_id"] == request)
}

fn ask(program: &Program, picture: &[u8], number: usize) -> String {
    let mut stream = program.connect();
    let id = format!("told-{number}");
    announce(&mut stream, picture.len(), &format!("x-request-id: {id}\r\n"));
    stream.write_all(picture).unwrap();
    let answer = Answer::read(&mut stream);
    assert_eq!(answer.status, 200, "{answer:?}");
    id
}
