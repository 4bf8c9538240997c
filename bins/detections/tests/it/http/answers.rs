//! What the service says when all is well.

use actix_web::test::TestRequest;
use detections_pipeline::StillRequest;
use detections_types::CancelToken;
use serde_json::{Value, json};

use super::fixture::{config, detect, detection, form, get, loading, picture, ready, send};
use detections::engine::Engine;

const TOWN: &str = "town.jpg";

#[actix_web::test]
async fn a_picture_gives_the_documented_report() {
    let service = ready(&[]);
    let reply = detect(&service, "conf=0.1", picture(TOWN)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let body = reply.json();
    assert_eq!(body["id"], reply.header("x-request-id"));
    assert_eq!(body["model"]["backend"], "tract");
    assert_eq!(body["model"]["device"], "cpu");
    assert_eq!(body["model"]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(body["image"]["orientation"], 1);
    let expected = json!({"confidence": 0.1, "iou": 0.45, "max_detections": 300, "agnostic_nms": false, "masks": false,
        "tile": "off", "exif": "apply", "timeout_ms": 30_000});
    assert_eq!(format!("{:?}", body["params"]), format!("{:?}", rounded(expected)));
    for stage in ["queue", "decode", "preprocess", "infer", "postprocess", "total"] {
        assert!(body["timing_ms"][stage].is_number(), "{stage}");
    }
}

/// The same value after a round trip through text, as the response went.
fn rounded(value: Value) -> Value {
    serde_json::from_str(&value.to_string()).unwrap()
}

#[actix_web::test]
async fn the_detections_are_the_pipelines_own() {
    let service = ready(&[]);
    let engine = Engine::start(&config(&[])).unwrap();
    let request = StillRequest::default();
    for name in [TOWN, "harbour.png", "empty.jpg"] {
        let bytes = picture(name);
        let report = engine.pipeline.detect(&bytes, &request, &CancelToken::new()).unwrap();
        let body = detect(&service, "", bytes).await.json();
        let found = body["detections"].as_array().unwrap();
        assert_eq!(found.len(), report.detections.len(), "{name}");
        for (found, expected) in found.iter().zip(&report.detections) {
            assert_eq!(found["class_id"], expected.class_id);
            assert_eq!(found["class"], *expected.class);
            let x1 = found["box"]["x1"].as_f64().unwrap();
            assert!((x1 - f64::from(expected.rect.x0)).abs() < 1e-3);
        }
    }
}

#[actix_web::test]
async fn a_form_is_as_good_as_a_raw_body() {
    let service = ready(&[]);
    let raw = detect(&service, "conf=0.1&exif=ignore", picture(TOWN)).await.json();
    let config = br#"{"conf": 0.1, "exif": "ignore"}"#;
    for field in ["file", "image"] {
        let reply = send(&service, form(&[(field, &picture(TOWN)), ("config", config)])).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        for part in ["detections", "params", "image"] {
            assert_eq!(reply.json()[part], raw[part], "{field} {part}");
        }
    }
}

#[actix_web::test]
async fn the_type_that_a_client_claims_does_not_matter() {
    let service = ready(&[]);
    for claimed in ["image/png", "application/octet-stream", "application/x-www-form-urlencoded"] {
        let request = detection("", picture(TOWN)).insert_header(("content-type", claimed));
        assert_eq!(send(&service, request).await.status, 200, "{claimed}");
    }
}

#[actix_web::test]
async fn the_picture_comes_back_drawn_where_that_is_accepted() {
    let service = ready(&[]);
    for (accept, magic) in [("image/jpeg", &b"\xff\xd8\xff"[..]), ("image/png", b"\x89PNG")] {
        let request = detection("", picture(TOWN)).insert_header(("accept", accept));
        let reply = send(&service, request).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, accept));
        assert!(reply.body.starts_with(magic));
    }
}

#[actix_web::test]
async fn a_sane_request_id_is_echoed_everywhere() {
    let service = ready(&[]);
    for request in [TestRequest::get().uri("/health"), TestRequest::get().uri("/nowhere")] {
        let reply = send(&service, request.insert_header(("x-request-id", "mine-1"))).await;
        assert_eq!(reply.header("x-request-id"), "mine-1");
    }
}

#[actix_web::test]
async fn health_follows_the_life_of_the_service() {
    let waiting = loading(&[]);
    let health = get(&waiting, "/health").await;
    assert_eq!(health.status, 200);
    assert_eq!(health.json()["status"], "loading");
    assert_eq!(health.json()["ready"], false);
    assert_eq!(get(&waiting, "/health/live").await.status, 200);
    assert_eq!(get(&waiting, "/health/ready").await.problem(503).0, "loading");

    let service = ready(&[]);
    let body = get(&service, "/health").await.json();
    assert_eq!((&body["status"], &body["ready"]), (&json!("healthy"), &json!(true)));
    assert_eq!(body["model"]["name"], "topview");
    assert!(body["model"]["input"].as_array().is_some_and(|sides| sides.len() == 2));
    assert_eq!(get(&service, "/health/ready").await.status, 200);

    service.drain();
    assert_eq!(get(&service, "/health").await.json()["status"], "degraded");
    assert_eq!(get(&service, "/health/ready").await.problem(503).0, "draining");
    assert_eq!(get(&service, "/health/live").await.status, 200);
}

#[actix_web::test]
async fn info_tells_what_runs_and_why() {
    let service = ready(&[]);
    let body = get(&service, "/info").await.json();
    assert!(!body["model"]["head_reason"].as_str().unwrap().is_empty());
    assert_eq!(body["limits"]["max_in_flight"], 64);
    assert_eq!(
        body["classes"].as_array().unwrap().len(),
        body["model"]["labels"].as_array().unwrap().len()
    );
    assert_eq!(body["build"]["version"], env!("CARGO_PKG_VERSION"));
}

#[actix_web::test]
async fn metrics_count_requests_and_stages() {
    let service = ready(&[]);
    detect(&service, "", picture(TOWN)).await;
    detect(&service, "bad=1", picture(TOWN)).await;
    get(&service, "/nowhere").await;
    let reply = get(&service, "/metrics").await;
    let text = String::from_utf8(reply.body.to_vec()).unwrap();
    for line in [
        "detections_http_requests_total{route=\"/detect\",method=\"POST\",status=\"200\"} 1",
        "detections_http_requests_total{route=\"/detect\",method=\"POST\",status=\"400\"} 1",
        "detections_http_requests_total{route=\"other\",method=\"GET\",status=\"404\"} 1",
        "detections_stage_seconds_count{stage=\"infer\"} 1",
        "detections_in_flight_items 0",
        "detections_in_flight_bytes 0",
        "detections_queue_length 0",
        "detections_ready 1",
        "detections_rejected_total 0",
    ] {
        assert!(text.contains(line), "`{line}` is missing in:\n{text}");
    }
    assert!(text.contains("detections_model_info{name=\"topview\""), "{text}");
}

#[actix_web::test]
async fn the_interface_describes_itself() {
    let service = loading(&[]);
    let api = get(&service, "/openapi.json").await.json();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths = [
        "/detect",
        "/detect/video",
        "/jobs/{id}",
        "/jobs/{id}/events",
        "/health",
        "/health/live",
        "/health/ready",
        "/info",
        "/metrics",
        "/admin/reload",
        "/openapi.json",
        "/docs",
    ];
    for path in paths {
        assert!(api["paths"][path].is_object(), "{path}");
    }
    let detect = &api["paths"]["/detect"]["post"];
    let named: Vec<&str> = detect["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["name"].as_str().unwrap())
        .collect();
    assert_eq!(named.len(), 10, "{named:?}");
    for status in ["200", "400", "406", "408", "413", "415", "422", "429", "500", "503", "504"] {
        assert!(detect["responses"][status].is_object(), "{status}");
    }
    assert!(api["components"]["schemas"]["ProblemBody"].is_object());

    let page = get(&service, "/docs").await;
    assert_eq!((page.status, page.header("location")), (302, "/docs/"));
    let page = get(&service, "/docs/").await;
    assert_eq!((page.status, page.header("content-encoding")), (200, ""));
    assert!(String::from_utf8_lossy(&page.body).contains("swagger-ui-bundle.js"));
    assert_eq!(get(&service, "/docs/swagger-ui-bundle.js").await.status, 200);
}
