//! `POST /detect`: what is answered, in which forms it may be asked, and that the answer depends on
//! nothing but the question.

use std::thread;

use anyhow::{Context, Result};
use detections_e2e::{
    http::{Client, Reply, multipart},
    picture::fixture,
    server::Server,
};
use serde_json::{Value, json};

use crate::pictures::{MIXED, NEARLY_EVERYTHING, decoded, size, town};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().map(|object| object.keys().map(String::as_str).collect()).unwrap_or_default()
}

fn post(server: &Server, target: &str, body: Vec<u8>) -> Result<Reply> {
    let reply = server.client().post(target, &[], body)?;
    anyhow::ensure!(reply.status == 200, "{target}: {} {}", reply.status, reply.text());
    Ok(reply)
}

#[test]
fn the_answer_has_the_documented_shape() -> Result<()> {
    let server = Server::start(&[])?;
    let picture = town()?;
    let (width, height) = size(&picture)?;
    let answer = post(&server, NEARLY_EVERYTHING, picture)?.json()?;

    assert_eq!(keys(&answer), ["detections", "id", "image", "model", "params", "timing_ms"]);
    assert_eq!(keys(&answer["model"]), ["backend", "device", "name", "sha256"]);
    assert_eq!(answer["model"]["backend"], "tract");
    assert_eq!(answer["model"]["device"], "cpu");
    assert_eq!(keys(&answer["image"]), ["height", "orientation", "sha256", "width"]);
    assert_eq!(
        (&answer["image"]["width"], &answer["image"]["height"]),
        (&json!(width), &json!(height))
    );
    assert_eq!(answer["image"]["sha256"].as_str().map(str::len), Some(64));
    let stages = ["decode", "infer", "postprocess", "preprocess", "queue", "total"];
    assert_eq!(keys(&answer["timing_ms"]), stages);
    let times = stages.map(|stage| answer["timing_ms"][stage].as_f64().unwrap_or(-1.0));
    assert!(times.iter().all(|&time| (0.0..60_000.0).contains(&time)), "{times:?}");

    let detections = answer["detections"].as_array().context("no detections")?;
    assert!(!detections.is_empty(), "nothing is above a confidence of 0.01");
    for detection in detections {
        assert_eq!(keys(detection), ["box", "class", "class_id", "confidence"]);
        let [x1, y1, x2, y2] = ["x1", "y1", "x2", "y2"].map(|side| detection["box"][side].as_f64());
        assert!(Some(0.0) <= x1 && x1 < x2 && x2 <= Some(f64::from(width)), "{detection}");
        assert!(Some(0.0) <= y1 && y1 < y2 && y2 <= Some(f64::from(height)), "{detection}");
    }
    let scores: Vec<_> = detections.iter().map(|one| one["confidence"].as_f64()).collect();
    assert!(scores.windows(2).all(|pair| pair[0] >= pair[1]), "{scores:?}");
    Ok(())
}

#[test]
fn parameters_are_echoed_under_every_name_they_have() -> Result<()> {
    let server = Server::start(&[])?;
    let defaults = post(&server, "/detect", town()?)?.json()?["params"].clone();
    let documented = [
        ("confidence", json!(0.25)),
        ("iou", json!(0.45)),
        ("max_detections", json!(300)),
        ("tile", json!("off")),
    ];
    for (name, value) in documented {
        assert_eq!(defaults[name], value, "{name}");
    }
    for (query, name, value) in [
        ("confidence=0.5", "confidence", json!(0.5)),
        ("conf=0.5", "confidence", json!(0.5)),
        ("min_confidence=0.5", "confidence", json!(0.5)),
        ("threshold=0.5", "confidence", json!(0.5)),
        ("iou=0.75", "iou", json!(0.75)),
        ("overlap=0.75", "iou", json!(0.75)),
        ("iou_threshold=0.75", "iou", json!(0.75)),
        ("max_detections=7", "max_detections", json!(7)),
        ("max_det=7", "max_detections", json!(7)),
        ("agnostic_nms=true", "agnostic_nms", json!(true)),
        ("exif=ignore", "exif", json!("ignore")),
        ("timeout_ms=20000", "timeout_ms", json!(20_000)),
        ("tile=off", "tile", json!("off")),
        ("tile=640x480", "tile", json!("640x480")),
        ("tile=auto&tile_overlap=0.5", "tile_overlap", json!(0.5)),
    ] {
        let answer = post(&server, &format!("/detect?{query}"), town()?)?.json()?;
        assert_eq!(answer["params"][name], value, "{query}");
    }
    Ok(())
}

#[test]
fn parameters_change_what_is_found() -> Result<()> {
    let server = Server::start(&[])?;
    let found = |target: &str| -> Result<Vec<Value>> {
        let answer = post(&server, target, town()?)?.json()?;
        Ok(answer["detections"].as_array().cloned().unwrap_or_default())
    };
    let everything = found(NEARLY_EVERYTHING)?;
    assert!(everything.len() > 3, "{everything:?}");

    assert_eq!(found("/detect?confidence=0.01&max_detections=2")?, everything[..2]);

    let score = everything[2]["confidence"].as_f64().context("no score")?;
    let above = found(&format!("/detect?confidence={score}"))?;
    assert!(above.iter().all(|one| one["confidence"].as_f64() >= Some(score - 1e-6)), "{above:?}");

    let class = everything[0]["class"].as_str().context("no class")?;
    let only = found(&format!("/detect?confidence=0.01&classes={class}"))?;
    assert!(!only.is_empty() && only.iter().all(|one| one["class"] == class), "{only:?}");
    let id = &everything[0]["class_id"];
    assert_eq!(found(&format!("/detect?confidence=0.01&classes={id}"))?, only);
    Ok(())
}

#[test]
fn forms_and_raw_bodies_are_the_same_question() -> Result<()> {
    let server = Server::start(&[])?;
    let picture = town()?;
    let raw = post(&server, NEARLY_EVERYTHING, picture.clone())?.detections()?;
    for field in ["file", "image"] {
        let config = br#"{"confidence": 0.01}"#;
        let fields = [("config", None, &config[..]), (field, Some("../../a.jpg"), &picture)];
        let (kind, body) = multipart(&fields);
        let reply = server.client().post("/detect", &[("content-type", &kind)], body)?;
        assert_eq!(reply.detections()?, raw, "{field}");
    }
    for kind in ["image/jpeg", "image/png", "application/octet-stream", "text/plain"] {
        let headers = [("content-type", kind)];
        let reply = server.client().post(NEARLY_EVERYTHING, &headers, picture.clone())?;
        assert_eq!(reply.detections()?, raw, "the header {kind} does not decide");
    }
    Ok(())
}

#[test]
fn every_format_is_detected_in() -> Result<()> {
    let server = Server::start(&[])?;
    for name in [
        "airfield.jpg",
        "beach_progressive.jpg",
        "apron_cmyk.jpg",
        "village_grey.jpg",
        "depot_16bit.png",
        "grass_palette.png",
        "quay_alpha.png",
        "boats_lossless.webp",
        "parking.gif",
        "sand.tiff",
        "meadow.bmp",
    ] {
        let answer = post(&server, "/detect", fixture(&format!("media/{name}"))?)?.json()?;
        assert!(answer["image"]["width"].as_u64() > Some(0), "{name}: {answer}");
    }
    Ok(())
}

#[test]
fn all_orientations_are_turned_upright_unless_asked_not_to() -> Result<()> {
    let server = Server::start(&[])?;
    for orientation in 1..=8_u8 {
        let picture = fixture(&format!("media/orientation/orientation_{orientation}.jpg"))?;
        let (width, height) = size(&picture)?;
        let upright = if orientation >= 5 { (height, width) } else { (width, height) };
        for (query, expected) in [("apply", upright), ("ignore", (width, height))] {
            let target = format!("/detect?exif={query}");
            let image = post(&server, &target, picture.clone())?.json()?["image"].clone();
            assert_eq!(image["orientation"], orientation, "{query}");
            let (width, height) = expected;
            assert_eq!(
                (&image["width"], &image["height"]),
                (&json!(width), &json!(height)),
                "{image}"
            );
        }
    }
    Ok(())
}

#[test]
fn the_picture_comes_back_drawn_when_one_is_accepted() -> Result<()> {
    let server = Server::start(&[])?;
    let picture = town()?;
    let before = decoded(&picture)?.to_rgb8();
    for (accept, magic) in [("image/png", &b"\x89PNG"[..]), ("image/jpeg", &b"\xff\xd8\xff"[..])] {
        let headers = [("accept", accept)];
        let reply = server.client().post(NEARLY_EVERYTHING, &headers, picture.clone())?;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some(accept)));
        assert!(reply.body.starts_with(magic), "{accept}");
        let drawn = decoded(&reply.body)?.to_rgb8();
        assert_eq!(drawn.dimensions(), before.dimensions());
        let changed = drawn.pixels().zip(before.pixels()).filter(|(after, before)| {
            after.0.iter().zip(before.0).any(|(&after, before)| after.abs_diff(before) > 60)
        });
        assert!(changed.count() > 100, "{accept}: no box was drawn");
    }
    Ok(())
}

#[test]
fn the_same_picture_gives_the_same_bytes_whatever_else_is_in_flight() -> Result<()> {
    let server = Server::start(&[("DETECTIONS__INFER__THREADS", "2")])?;
    let alone = MIXED.map(|name| ask(server.client(), name));
    let clients: Vec<_> = (0..16)
        .map(|client| {
            let http = server.client().clone();
            thread::spawn(move || {
                let order = (0..MIXED.len() * 2).map(move |step| (step + client) % MIXED.len());
                order.map(|which| (which, ask(&http, MIXED[which]))).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut compared = 0;
    for client in clients {
        for (which, together) in client.join().ok().context("a client panicked")? {
            let alone = alone[which].as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
            assert_eq!(&together?, alone, "{}", MIXED[which]);
            compared += 1;
        }
    }
    assert_eq!(compared, 16 * MIXED.len() * 2);
    Ok(())
}

fn ask(client: &Client, name: &str) -> Result<String> {
    let detections = client.post(NEARLY_EVERYTHING, &[], fixture(name)?)?.detections()?;
    anyhow::ensure!(detections.len() > 2, "{name}: nothing to compare");
    Ok(detections)
}
