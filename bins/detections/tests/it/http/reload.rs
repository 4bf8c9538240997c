//! Models and class maps from a Loader, taken into service while requests run.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{test::TestRequest, web::Data};
use detections::{
    config::{Config, Overrides},
    engine::Backend,
    http::Service,
    upkeep,
};
use serde_json::Value;

use super::{
    fixture::{detect, fixture, get, picture, send},
    neighbours::Loader,
};

fn model(name: &str) -> Vec<u8> {
    std::fs::read(fixture("model").join(name)).unwrap()
}

/// A model whose cars are called otherwise, so that no class map of the one is one of the other.
fn relabelled() -> Vec<u8> {
    let mut bytes = model("topview.onnx");
    let place = bytes.windows(8).position(|bytes| bytes == b"0: 'car'").unwrap();
    bytes[place..place + 8].copy_from_slice(b"0: 'cab'");
    bytes
}

/// A service that asks `url` for the model `m`, only when it is told to.
fn service(url: &str, data: &Path, settings: &[(&str, &str)]) -> Data<Service> {
    let ours = [
        ("model.name", "m"),
        ("loader.url", url),
        ("loader.interval_ms", "0"),
        ("data.dir", data.to_str().unwrap()),
    ];
    started(&[&ours, settings].concat())
}

/// A service on one thread that keeps itself up.
fn started(settings: &[(&str, &str)]) -> Data<Service> {
    let mut flags = Overrides::default();
    flags.set("test", "infer.threads", "1");
    settings.iter().for_each(|(key, value)| flags.set("test", key, value));
    let config = Arc::new(Config::load(None, [], &flags).unwrap());
    let service = Data::new(Service::new(Arc::clone(&config)));
    let backend = Backend::open(&config.infer).unwrap();
    drop(upkeep::spawn(&service, config, backend).unwrap());
    service
}

/// Asks for the health until it is as wanted.
async fn health(service: &Data<Service>, wanted: impl Fn(&Value) -> bool) -> Value {
    let started = Instant::now();
    loop {
        let health = get(service, "/health").await.json();
        if wanted(&health) {
            return health;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "still {health}");
        tokio::task::yield_now().await;
    }
}

async fn reload(service: &Data<Service>) -> Value {
    let reply = send(service, TestRequest::post().uri("/admin/reload")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

#[actix_web::test]
async fn the_loaders_model_serves_is_replaced_and_a_bad_one_is_refused() {
    let (loader, data) = (Loader::new(), tempfile::tempdir().unwrap());
    let service = service(&loader.url, data.path(), &[]);
    // The Loader does not have it yet.
    let waiting = health(&service, |health| health["reason"].to_string().contains("404")).await;
    assert_eq!((&waiting["status"], &waiting["ready"]), (&"loading".into(), &false.into()));
    loader.put("m", model("topview.onnx"));
    let first = health(&service, |health| health["status"] == "healthy").await;
    assert_eq!(reload(&service).await["model"], "unchanged");

    loader.put("m", model("topview-yolox.onnx"));
    assert_eq!(reload(&service).await["model"], "swapped");
    let second = health(&service, |health| health["status"] == "healthy").await;
    assert_ne!(first["model"]["sha256"], second["model"]["sha256"]);
    let answer = detect(&service, "", picture("town.jpg")).await.json();
    assert_eq!(answer["model"]["sha256"], second["model"]["sha256"]);

    loader.put("m", b"no model".to_vec());
    let refused = reload(&service).await;
    assert_eq!(refused["model"], "refused", "{refused}");
    let degraded = get(&service, "/health").await.json();
    assert_eq!((&degraded["status"], &degraded["ready"]), (&"degraded".into(), &true.into()));
    assert_eq!(degraded["model"], second["model"]);
    let metrics = String::from_utf8(get(&service, "/metrics").await.body.to_vec()).unwrap();
    for line in [
        "detections_model_reloads_total{outcome=\"swapped\"} 1",
        "detections_model_reloads_total{outcome=\"refused\"} 1",
        "detections_model_info{name=\"m\"",
    ] {
        assert!(metrics.contains(line), "`{line}` is missing in:\n{metrics}");
    }
    assert_eq!(metrics.matches("detections_model_info{").count(), 1);
    assert_eq!(loader.downloads(), 3);
}

#[actix_web::test]
async fn a_cached_model_serves_while_the_loader_is_away() {
    let (loader, data) = (Loader::new(), tempfile::tempdir().unwrap());
    loader.put("m", model("topview.onnx"));
    let first = service(&loader.url, data.path(), &[]);
    health(&first, |health| health["status"] == "healthy").await;
    let away = service("http://127.0.0.1:1", data.path(), &[]);
    let told = health(&away, |health| {
        health["ready"] == true && health["reason"].to_string().contains("does not answer")
    })
    .await;
    assert_eq!((&told["status"], &told["ready"]), (&"degraded".into(), &true.into()));
    assert_eq!(detect(&away, "", picture("town.jpg")).await.status, 200);
}

#[actix_web::test]
async fn a_class_map_that_does_not_fit_waits_for_its_model() {
    let (loader, data) = (Loader::new(), tempfile::tempdir().unwrap());
    loader.put("m", model("topview.onnx"));
    loader.put("c", br#"[{"name": "thing", "id": 0}]"#.to_vec());
    let service = service(&loader.url, data.path(), &[("classes.name", "c")]);
    health(&service, |health| health["status"] == "healthy").await;
    loader.put("c", br#"[{"name": "other thing", "id": 0}]"#.to_vec());
    assert_eq!(reload(&service).await["classes"], "swapped");
    let names = get(&service, "/info").await.json()["classes"].to_string();
    assert!(names.contains("other thing"), "{names}");
    loader.put("c", br#"[{"name": "x", "label": "of no model"}]"#.to_vec());
    let refused = reload(&service).await;
    assert_eq!((&refused["classes"], &refused["model"]), (&"refused".into(), &"unchanged".into()));
    assert_eq!(get(&service, "/health").await.json()["status"], "degraded");
}

#[actix_web::test]
async fn nothing_is_reloaded_while_the_service_ends() {
    let (loader, data) = (Loader::new(), tempfile::tempdir().unwrap());
    loader.put("m", model("topview.onnx"));
    let service = service(&loader.url, data.path(), &[]);
    health(&service, |health| health["status"] == "healthy").await;
    service.drain();
    let reply = send(&service, TestRequest::post().uri("/admin/reload")).await;
    assert_eq!(reply.problem(503).0, "draining");
}

#[actix_web::test]
async fn a_reload_is_refused_while_another_goes_on() {
    let (loader, data) = (Loader::new(), tempfile::tempdir().unwrap());
    loader.put("m", model("topview.onnx"));
    let service = service(&loader.url, data.path(), &[]);
    health(&service, |health| health["status"] == "healthy").await;
    loader.hold();
    let another = async {
        loader.wait_until_asked();
        let refused = send(&service, TestRequest::post().uri("/admin/reload")).await;
        loader.release();
        refused
    };
    let (first, refused) = tokio::join!(reload(&service), another);
    assert_eq!(refused.problem(409).0, "reload_running");
    assert_eq!(first["model"], "unchanged");
    assert_eq!(reload(&service).await["model"], "unchanged", "and then it may be again");
}

#[actix_web::test]
async fn a_model_and_a_class_map_that_fit_only_each_other_are_taken_together() {
    let (loader, data) = (Loader::new(), tempfile::tempdir().unwrap());
    let cars = br#"[{"name": "of cars", "label": "car"}]"#.to_vec();
    let cabs = br#"[{"name": "of cabs", "label": "cab"}]"#.to_vec();
    loader.put("m", model("topview.onnx"));
    loader.put("c", cars.clone());
    let service = service(&loader.url, data.path(), &[("classes.name", "c")]);
    let first = health(&service, |health| health["status"] == "healthy").await;
    let serves = async |name: &str| {
        let answer = detect(&service, "conf=0.1", picture("town.jpg")).await.json();
        let found = answer["detections"].as_array().unwrap();
        assert!(!found.is_empty() && found.iter().all(|one| one["class"] == name), "{answer}");
        answer["model"]["sha256"].clone()
    };
    assert_eq!(serves("of cars").await, first["model"]["sha256"]);
    // The model comes first and waits for its class map; then the class map comes first and waits for its model.
    loader.put("m", relabelled());
    assert_eq!(reload(&service).await["model"], "refused");
    assert_eq!(serves("of cars").await, first["model"]["sha256"]);
    loader.put("c", cabs);
    let both = reload(&service).await;
    assert_eq!(
        (&both["model"], &both["classes"]),
        (&"swapped".into(), &"swapped".into()),
        "{both}"
    );
    let second = serves("of cabs").await;
    assert_ne!(second, first["model"]["sha256"]);
    health(&service, |health| health["status"] == "healthy").await;
    loader.put("c", cars);
    assert_eq!(reload(&service).await["classes"], "refused");
    assert_eq!(serves("of cabs").await, second);
    loader.put("m", model("topview.onnx"));
    let both = reload(&service).await;
    assert_eq!(
        (&both["model"], &both["classes"]),
        (&"swapped".into(), &"swapped".into()),
        "{both}"
    );
    assert_eq!(serves("of cars").await, first["model"]["sha256"]);
    assert_eq!(get(&service, "/health").await.json()["status"], "healthy");
}

#[actix_web::test]
async fn a_class_file_is_watched() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("classes.json");
    let write = |text: &str| {
        // In one step, so that nobody sees half of it.
        std::fs::write(data.path().join("new"), text).unwrap();
        std::fs::rename(data.path().join("new"), &file).unwrap();
    };
    write(r#"[{"name": "first", "label": "car"}]"#);
    let model = fixture("model/topview.onnx");
    let service = started(&[
        ("model.path", model.to_str().unwrap()),
        ("classes.path", file.to_str().unwrap()),
        ("loader.interval_ms", "20"),
    ]);
    health(&service, |health| health["status"] == "healthy").await;
    let named = async |name: &str| {
        let started = Instant::now();
        while !get(&service, "/info").await.json()["classes"].to_string().contains(name) {
            assert!(started.elapsed() < Duration::from_secs(60), "no {name}");
            tokio::task::yield_now().await;
        }
    };
    named("first").await;
    write(r#"[{"name": "second", "label": "car"}]"#);
    named("second").await;
    for bad in ["nonsense", r#"[{"name": "x", "label": "of no model"}]"#] {
        write(bad);
        health(&service, |health| health["reason"].to_string().contains("refused")).await;
        named("second").await;
    }
    write(r#"[{"name": "third", "label": "car"}]"#);
    named("third").await;
    health(&service, |health| health["status"] == "healthy").await;
}

#[actix_web::test]
async fn a_model_file_is_taken_anew_when_somebody_asks() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("m.onnx");
    std::fs::write(&file, model("topview.onnx")).unwrap();
    let service = started(&[("model.path", file.to_str().unwrap())]);
    let first = health(&service, |health| health["status"] == "healthy").await;
    assert_eq!(reload(&service).await["model"], "unchanged");
    std::fs::write(&file, model("topview-yolox.onnx")).unwrap();
    assert_eq!(reload(&service).await["model"], "swapped");
    let second = get(&service, "/health").await.json();
    assert_ne!(first["model"]["sha256"], second["model"]["sha256"]);
    std::fs::write(&file, b"no model").unwrap();
    assert_eq!(reload(&service).await["model"], "refused");
    let degraded = get(&service, "/health").await.json();
    assert_eq!((&degraded["status"], &degraded["model"]), (&"degraded".into(), &second["model"]));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(reload(&service).await["model"], "refused");
    assert_eq!(detect(&service, "", picture("town.jpg")).await.status, 200);
    std::fs::write(&file, model("topview-yolox.onnx")).unwrap();
    assert_eq!(reload(&service).await["model"], "unchanged");
    assert_eq!(get(&service, "/health").await.json()["status"], "healthy");
}
