//! `detections outbox`, beside an outbox that somebody has open and beside none.

use std::{
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use detections_annotations::{
    Delivery, DeliverySettings, EmptyFrames, Endpoint, Frame, FramePolicy, Limits, MediaKind,
    ModelIdentity, Outbox, SystemClock, Upload, WhenFull,
};
use serde_json::Value;

use super::{Ended, command, ended};

/// A service that refuses whatever it is sent.
fn refusing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1 << 16]);
            let _ = stream.write_all(
                b"HTTP/1.1 422 X\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbad\n",
            );
        }
    });
    url
}

fn run_beside(data: &Path, args: &[&str]) -> Ended {
    ended(command(args).env("DETECTIONS__DATA__DIR", data).output().unwrap())
}

fn store_one(outbox: &Outbox) {
    let upload = Upload {
        id: "u".into(),
        request: "r".into(),
        kind: MediaKind::Image,
        name: Some("a\u{1b}[2J.jpg".into()),
        model: ModelIdentity { name: "m".into(), sha256: "00".into() },
        params: "{}".into(),
        authorization: None,
    };
    let mut recording = outbox.record(upload, FramePolicy::Every, EmptyFrames::Keep).unwrap();
    let frame = Frame { index: 0, pts: None, width: 1, height: 1, findings: Vec::new() };
    let kept = recording.keep(&frame).unwrap().unwrap();
    recording.store(kept, None).unwrap().wait().unwrap();
    recording.finish(None).unwrap();
}

#[test]
fn dead_letters_are_listed_replayed_and_thrown_away_beside_a_running_delivery() {
    let data = tempfile::tempdir().unwrap();
    let limits = Limits {
        max_rows: 10,
        max_bytes: 1 << 20,
        max_age: Duration::from_secs(3600),
        when_full: WhenFull::Refuse,
    };
    let folder = data.path().join("outbox");
    let outbox = Outbox::open(&folder, limits, Arc::new(SystemClock::new())).unwrap();
    let settings = DeliverySettings {
        endpoint: Endpoint::new(&refusing(), "/annotations").unwrap(),
        authorization: None,
        workers: 1,
        timeout: Duration::from_secs(10),
        max_attempts: 1,
    };
    let _delivery = Delivery::spawn(&outbox, settings).unwrap();
    store_one(&outbox);
    let died = |times| {
        while outbox.stats().died < times || outbox.stats().dead == 0 {
            thread::yield_now();
        }
    };
    died(1);
    let listed = run_beside(data.path(), &["outbox", "list", "--dead", "--json"]);
    let letter: Value = serde_json::from_str(&listed.out).unwrap();
    assert_eq!((&letter["id"], &letter["state"]), (&1.into(), &"dead".into()));
    assert_eq!(letter["reason"], "status 422: bad");

    assert_eq!(run_beside(data.path(), &["outbox", "replay", "1"]).code, Some(0));
    died(2);
    let unknown = run_beside(data.path(), &["outbox", "replay", "77"]);
    assert_eq!(unknown.code, Some(65));
    assert!(unknown.out.contains("77 is no dead letter"), "{}", unknown.out);
    let purged = run_beside(data.path(), &["outbox", "purge", "--dead"]);
    assert_eq!(purged.out, "1 dead letters thrown away\n");
    assert_eq!(run_beside(data.path(), &["outbox", "list", "--json"]).out, "");
}

#[test]
fn where_there_is_no_outbox_it_is_named_and_none_is_made() {
    let data = tempfile::tempdir().unwrap();
    let ended = run_beside(data.path(), &["outbox", "list"]);
    assert_eq!(ended.code, Some(65));
    assert!(ended.err.contains("there is no outbox"), "{}", ended.err);
    assert!(ended.err.contains("outbox.sqlite3"), "{}", ended.err);
    assert_eq!(run_beside(data.path(), &["outbox", "replay"]).code, Some(64));
    assert!(std::fs::read_dir(data.path()).unwrap().next().is_none());
}
