//! What arrives, under which key, and in which order.

use detections_annotations::{
    Authorization, Delivery, DeliverySettings, EmptyFrames, FramePolicy, LetterBox, Upload,
};
use serde_json::json;

use crate::{
    fixture::{Fixture, frame, identity, settings, upload},
    server::{Answer, Server},
};

#[test]
fn a_result_arrives_as_it_is_documented() {
    let (fixture, server) = (Fixture::new(), Server::start());
    let mut recording = fixture.record("gate.mp4");
    let kept = recording.keep(&frame(7)).unwrap().unwrap();
    recording.store(kept, Some(b"jpeg".to_vec())).unwrap().wait().unwrap();
    recording.finish(Some(identity("gate.mp4"))).unwrap();
    let _delivery = fixture.deliver(&server.url(), 2);
    let post = server.wait_for(1).remove(0);
    let detection = json!({"class_id": 2, "class": "car", "confidence": 0.5,
        "box": {"x1": 1.0, "y1": 2.0, "x2": 3.0, "y2": 4.5}, "track_id": 1});
    let expected = json!({
        "media": {"id": "upload-gate.mp4", "request_id": "r", "sha256": "sha-gate.mp4",
            "fingerprint": "print-gate.mp4", "name": "gate.mp4", "kind": "video"},
        "model": {"name": "m", "sha256": "0a"}, "params": {"confidence": 0.25},
        "frame": {"index": 7, "pts_ms": 280.0}, "detections": [detection],
        "image": {"width": 64, "height": 48}, "frame_jpeg": "anBlZw=="});
    assert_eq!(post.body, expected);
    assert_eq!((post.key.len(), post.authorization), (64, None));
    fixture.advance_until_empty();
    assert_eq!(fixture.outbox.stats().delivered, 1);
}

#[test]
fn nothing_of_a_media_arrives_before_its_end() {
    let (fixture, server) = (Fixture::new(), Server::start());
    let _delivery = fixture.deliver(&server.url(), 1);
    let mut recording = fixture.record("a");
    let kept = recording.keep(&frame(0)).unwrap().unwrap();
    recording.store(kept, None).unwrap().wait().unwrap();
    fixture.video("b", 1);
    assert_eq!(server.wait_for(1)[0].name(), "b");
    drop(recording);
    let posts = server.wait_for(2);
    assert_eq!(posts[1].body["media"]["sha256"], json!(null), "it was cut off");
    assert_eq!(posts[1].body["media"]["id"], "upload-a");
}

#[test]
fn a_failing_frame_holds_back_its_own_media_in_order_and_no_other() {
    let (fixture, server) = (Fixture::new(), Server::start());
    for answer in [
        Answer::Status(500),
        Answer::Cut,
        Answer::With(429, "retry-after: 3\r\n"),
        Answer::Status(403),
        Answer::Status(307),
    ] {
        server.then_for("bad", answer);
    }
    fixture.video("bad", 5);
    fixture.video("good", 5);
    let _delivery = fixture.deliver(&server.url(), 2);
    fixture.advance_until("the good one is through", || {
        server.posts().iter().filter(|post| post.name() == "good").count() == 5
    });
    fixture.advance_until_empty();
    let frames = |name: &str| -> Vec<u64> {
        server.posts().iter().filter(|post| post.name() == name).map(|post| post.frame()).collect()
    };
    assert_eq!(frames("good"), [0, 1, 2, 3, 4]);
    assert_eq!(frames("bad"), [0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
    let keys: std::collections::HashSet<_> = server
        .posts()
        .iter()
        .map(|post| (post.name().to_owned(), post.frame(), post.key.clone()))
        .collect();
    assert_eq!(keys.len(), 10, "a repeated post has the same key");
}

#[test]
fn the_same_media_twice_has_the_same_keys() {
    let (fixture, server) = (Fixture::new(), Server::start());
    for id in ["one", "two"] {
        let upload = Upload { id: id.into(), ..upload("a") };
        let mut recording =
            fixture.outbox.record(upload, FramePolicy::Every, EmptyFrames::Skip).unwrap();
        let kept = recording.keep(&frame(0)).unwrap().unwrap();
        recording.store(kept, None).unwrap().wait().unwrap();
        recording.finish(Some(identity("a"))).unwrap();
    }
    let _delivery = fixture.deliver(&server.url(), 1);
    let posts = server.wait_for(2);
    assert_eq!(posts[0].key, posts[1].key);
}

#[test]
fn dead_letters_hold_back_nothing_and_are_listed_replayed_and_thrown_away() {
    let (fixture, server) = (Fixture::new(), Server::start());
    server.then(Answer::Status(400));
    (0..3).for_each(|_| server.then(Answer::Status(404)));
    fixture.video("a", 4);
    let _delivery = fixture.deliver(&server.url(), 1);
    fixture.advance_until_empty();
    let frames: Vec<u64> = server.posts().iter().map(crate::server::Post::frame).collect();
    assert_eq!(frames, [0, 1, 1, 1, 2, 3], "400 is dead at once, 404 after three");
    assert_eq!(fixture.outbox.stats().dead, 2);

    let mut letters = LetterBox::open(fixture.folder.path()).unwrap();
    let mut dead = Vec::new();
    letters
        .dead(|letter| {
            dead.push(letter);
            Ok::<_, detections_annotations::AnnotationsError>(())
        })
        .unwrap();
    assert_eq!(dead[0].reason.as_deref(), Some("status 400: said 400"));
    assert_eq!((dead[1].frame, dead[1].refusals), (1, 3));
    assert_eq!(letters.replay(&[dead[0].id, 999]).unwrap(), [999]);
    fixture.advance_until("replayed", || server.posts().len() == 7);
    let posts = server.posts();
    assert_eq!(posts[6].key, posts[0].key);
    assert_eq!(letters.purge_dead().unwrap(), 1);
    fixture.advance_until("thrown away", || {
        let stats = fixture.outbox.stats();
        (stats.dead, stats.bytes) == (0, 0)
    });
}

#[test]
fn a_callers_token_is_sent_and_then_nowhere_in_the_database() {
    let (fixture, server) = (Fixture::new(), Server::start());
    let token = Authorization::bearer("caller-secret-token").unwrap();
    let upload = Upload { authorization: Some(token), ..upload("a") };
    assert!(!format!("{upload:?}").contains("secret"));
    let mut recording =
        fixture.outbox.record(upload, FramePolicy::Every, EmptyFrames::Skip).unwrap();
    let kept = recording.keep(&frame(0)).unwrap().unwrap();
    recording.store(kept, None).unwrap().wait().unwrap();
    recording.finish(None).unwrap();
    let delivery = fixture.deliver(&server.url(), 1);
    assert_eq!(server.wait_for(1)[0].authorization.as_deref(), Some("Bearer caller-secret-token"));
    fixture.advance_until_empty();
    let rests = || {
        let files = std::fs::read_dir(fixture.folder.path()).unwrap();
        let mut contents = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        contents.any(|bytes| bytes.windows(13).any(|window| window == b"caller-secret"))
    };
    fixture.advance_until("it rests nowhere, the outbox still open", || !rests());
    drop(delivery);
    assert!(!rests());
}

#[test]
fn a_callers_token_that_is_refused_ends_with_its_letter_which_is_replayed_in_the_services_name() {
    let (fixture, server) = (Fixture::new(), Server::start());
    let bearer = |token: &str| Some(Authorization::bearer(token).unwrap());
    let upload = Upload { authorization: bearer("expired"), ..upload("a") };
    let mut recording =
        fixture.outbox.record(upload, FramePolicy::Every, EmptyFrames::Skip).unwrap();
    let kept = recording.keep(&frame(0)).unwrap().unwrap();
    let stored = recording.store(kept, None).unwrap();
    recording.finish(Some(identity("a"))).unwrap();
    stored.wait().unwrap();
    (0..3).for_each(|_| server.then(Answer::Status(401)));
    let of_service =
        DeliverySettings { authorization: bearer("ours"), ..settings(&server.url(), 1) };
    let _delivery = Delivery::spawn(&fixture.outbox, of_service).unwrap();
    fixture.advance_until("it is given up", || fixture.outbox.stats().dead == 1);
    LetterBox::open(fixture.folder.path()).unwrap().replay_all().unwrap();
    fixture.advance_until("it arrived", || fixture.outbox.stats().delivered == 1);
    let borne: Vec<_> = server.posts().into_iter().filter_map(|post| post.authorization).collect();
    assert_eq!(borne, ["Bearer expired", "Bearer expired", "Bearer expired", "Bearer ours"]);
}
