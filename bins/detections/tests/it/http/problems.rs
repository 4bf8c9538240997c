//! What the service says when something is wrong, each as a complete problem.

use actix_web::test::TestRequest;

use super::fixture::{
    config, detect, detection, fixture, form, get, loading, picture, ready, send,
};

#[actix_web::test]
async fn unknown_paths_and_methods_are_problems() {
    let service = loading(&[]);
    assert_eq!(get(&service, "/nowhere").await.problem(404).0, "not_found");
    assert_eq!(get(&service, "/docs/nothing.js").await.problem(404).0, "not_found");
    for (request, allow) in [
        (TestRequest::get().uri("/detect"), "POST"),
        (TestRequest::post().uri("/health"), "GET, HEAD"),
        (TestRequest::delete().uri("/metrics"), "GET, HEAD"),
    ] {
        let reply = send(&service, request).await;
        assert_eq!(reply.problem(405).0, "method_not_allowed");
        assert_eq!(reply.header("allow"), allow);
    }
}

#[actix_web::test]
async fn before_the_model_and_after_the_signal_there_are_no_detections() {
    let service = loading(&[]);
    let reply = detect(&service, "", picture("town.jpg")).await;
    assert_eq!(reply.problem(503).0, "loading");
    assert_eq!(reply.header("retry-after"), "2");
    assert_eq!(get(&service, "/info").await.problem(503).0, "loading");

    let service = ready(&[]);
    service.drain();
    let reply = detect(&service, "", picture("town.jpg")).await;
    assert_eq!(reply.problem(503).0, "draining");
    assert_eq!(reply.header("retry-after"), "2");
}

#[actix_web::test]
async fn bad_bodies_are_told_apart() {
    let service = ready(&[]);
    let town = picture("town.jpg");
    let mp4 = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2".to_vec();
    for (body, status, code, part) in [
        (Vec::new(), 400, "empty_body", "no picture"),
        (b"hello".to_vec(), 415, "unsupported_media", "not an image"),
        (mp4, 415, "unsupported_media", "is a video (video/mp4)"),
        (town[..town.len() / 2].to_vec(), 422, "undecodable", ""),
    ] {
        let reply = detect(&service, "", body).await;
        let (found, detail) = reply.problem(status);
        assert_eq!(found, code, "{detail}");
        assert!(detail.contains(part), "{detail}");
    }
    let gzip = detection("", town).insert_header(("content-encoding", "gzip"));
    assert_eq!(send(&service, gzip).await.problem(415).0, "unsupported_media");
}

#[actix_web::test]
async fn too_many_pixels_are_422() {
    let service = ready(&[("limits.max_pixels", "1000")]);
    let (code, _) = detect(&service, "", picture("town.jpg")).await.problem(422);
    assert_eq!(code, "image_too_large");
}

#[actix_web::test]
async fn wrong_parameters_are_named() {
    let service = ready(&[]);
    for (query, code, word) in [
        ("colour=red", "unknown_parameter", "`colour`"),
        ("conf=2", "invalid_parameter", "`conf`"),
        ("conf=0.1&threshold=0.1", "duplicate_parameter", "`threshold`"),
        ("tile=some", "invalid_parameter", "must be off, auto or WIDTHxHEIGHT"),
        ("classes=unicorn", "invalid_parameter", "`unicorn`"),
    ] {
        let (found, detail) = detect(&service, query, picture("town.jpg")).await.problem(400);
        assert_eq!(found, code, "{query}");
        assert!(detail.contains(word), "{detail}");
    }
}

#[actix_web::test]
async fn broken_forms_are_400() {
    let service = ready(&[]);
    let town = picture("town.jpg");
    for (parts, word) in [
        (&[("picture", &town[..])][..], "`picture`"),
        (&[("file", &town[..]), ("image", &town[..])], "more than one picture"),
        (
            &[("file", &town[..]), ("config", b"{"), ("config", b"{")],
            "more than one field `config`",
        ),
        (&[("file", &town[..]), ("config", b"no json")], "`config`"),
        (&[("config", b"{}")], "no picture"),
        (&[], "no picture"),
    ] {
        let (_, detail) = send(&service, form(parts)).await.problem(400);
        assert!(detail.contains(word), "{detail}");
    }
    let cut = form(&[("file", &town)]).set_payload(b"--edge\r\ncontent-disp".to_vec());
    assert_eq!(send(&service, cut).await.problem(400).0, "malformed_body");
    let no_edge = detection("", town).insert_header(("content-type", "multipart/form-data"));
    assert_eq!(send(&service, no_edge).await.problem(400).0, "malformed_body");
}

#[actix_web::test]
async fn nothing_acceptable_is_406() {
    let service = ready(&[]);
    let request = detection("", picture("town.jpg")).insert_header(("accept", "text/html"));
    let (code, detail) = send(&service, request).await.problem(406);
    assert_eq!(code, "not_acceptable");
    assert!(detail.contains("image/png"), "{detail}");
}

#[actix_web::test]
async fn large_bodies_are_refused_by_their_length_and_by_count() {
    let service = ready(&[("server.max_body_bytes", "1000")]);
    let announced = detection("", Vec::new()).insert_header(("content-length", "1001"));
    assert_eq!(send(&service, announced).await.problem(413).0, "body_too_large");
    let (code, detail) = detect(&service, "", vec![0; 1001]).await.problem(413);
    assert_eq!(code, "body_too_large");
    assert!(detail.contains("1000"), "{detail}");
    let (code, _) = send(&service, form(&[("file", &[0; 1000])])).await.problem(413);
    assert_eq!(code, "body_too_large");
}

#[actix_web::test]
async fn a_full_service_says_when_to_come_back() {
    let service = ready(&[("server.max_in_flight", "1")]);
    let inside = service.gate().admit(0).unwrap();
    let reply = detect(&service, "", picture("town.jpg")).await;
    assert_eq!(reply.problem(429).0, "overloaded");
    assert!(reply.header("retry-after").parse::<u64>().unwrap() >= 1);
    drop(inside);
    assert_eq!(detect(&service, "", picture("town.jpg")).await.status, 200);
    assert_eq!(service.gate().load().items, 0);
}

#[actix_web::test]
async fn bytes_are_admitted_as_they_arrive_with_and_without_a_length() {
    let town = picture("town.jpg");
    let room = (town.len() + 10).to_string();
    let settings =
        [("server.max_in_flight_bytes", room.as_str()), ("server.max_body_bytes", &room)];
    let service = ready(&settings);
    let inside = service.gate().admit(11).unwrap();
    let announced =
        detection("", town.clone()).insert_header(("content-length", town.len().to_string()));
    assert_eq!(send(&service, announced).await.problem(429).0, "overloaded");
    assert_eq!(detect(&service, "", town.clone()).await.problem(429).0, "overloaded");
    drop(inside);
    assert_eq!(detect(&service, "", town).await.status, 200);
    assert_eq!(service.gate().load().bytes, 0);
}

#[actix_web::test]
async fn a_deadline_that_passes_is_504_and_the_permit_comes_back() {
    let service = ready(&[]);
    let reply = detect(&service, "timeout_ms=1", picture("large_harbour.jpg")).await;
    assert_eq!(reply.problem(504).0, "deadline_exceeded");
    service.gate().emptied().await;
    assert_eq!(detect(&service, "", picture("town.jpg")).await.status, 200);
}

#[actix_web::test]
async fn work_that_nobody_waits_for_gives_its_permit_back() {
    let service = ready(&[]);
    for _ in 0..8 {
        let pending = detect(&service, "", picture("large_harbour.jpg"));
        // Polled until the work is queued, then dropped, as when the client goes away.
        tokio::select! {
            biased;
            _ = pending => {}
            () = tokio::task::yield_now() => {}
        }
    }
    service.gate().emptied().await;
    assert_eq!(detect(&service, "", picture("town.jpg")).await.status, 200);
}

#[test]
fn bad_classes_and_models_are_configuration_or_input_faults() {
    let engine = |settings: &[(&str, &str)]| {
        detections::engine::Engine::start(&config(settings)).unwrap_err()
    };
    let model = fixture("onnx/garbage.onnx");
    assert!(!engine(&[("model.path", model.to_str().unwrap())]).is_configuration());
    assert!(engine(&[("classes.path", "/nowhere.json")]).is_configuration());
}
