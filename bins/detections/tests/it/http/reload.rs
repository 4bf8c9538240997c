//! Models and class maps from a Loader, taken into service while requests run.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use actix_web::{test::TestRequest, web::Data};
use detections::{
    config::{Config, Overrides},
    http::Service,
    upkeep,
};
use serde_json::Value;

use super::fixture::{detect, fixture, get, picture, send};

/// Each file's version and bytes by its name.
type Files = HashMap<String, (u64, Vec<u8>)>;

/// A Loader that has what a test gives it.
#[derive(Clone)]
struct Loader {
    url: String,
    files: Arc<Mutex<Files>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Loader {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let loader = Self { url, files: Arc::default(), asked: Arc::default() };
        let server = loader.clone();
        thread::spawn(move || {
            listener.incoming().flatten().for_each(|stream| server.answer(stream))
        });
        loader
    }

    fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut files = self.files.lock().unwrap();
        let version = files.get(name).map_or(1, |(version, _)| version + 1);
        files.insert(name.to_owned(), (version, bytes));
    }

    fn downloads(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn answer(&self, mut stream: TcpStream) {
        let lines = BufReader::new(&stream).lines().map_while(Result::ok);
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        let Some(name) = head.first().and_then(|line| line.split(' ').nth(1)) else { return };
        let name = name.trim_start_matches("/models/").to_owned();
        let file = self.files.lock().unwrap().get(&name).cloned();
        let Some((version, bytes)) = file else {
            let text = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            return drop(stream.write_all(text.as_bytes()));
        };
        let tag = format!("\"{version}\"");
        let known = format!("if-none-match: {tag}");
        if head.iter().any(|line| line.eq_ignore_ascii_case(&known)) {
            let text = "HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n";
            return drop(stream.write_all(text.as_bytes()));
        }
        self.asked.lock().unwrap().push(name);
        let length = bytes.len();
        let text = format!(
            "HTTP/1.1 200 OK\r\netag: {tag}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        drop(stream.write_all(text.as_bytes()).and_then(|()| stream.write_all(&bytes)));
    }
}

fn model(name: &str) -> Vec<u8> {
    std::fs::read(fixture("model").join(name)).unwrap()
}

/// A service that asks `url` for the model `m`, only when it is told to.
fn service(url: &str, data: &Path, settings: &[(&str, &str)]) -> Data<Service> {
    let mut flags = Overrides::default();
    let mut set = |key: &str, value: &str| flags.set("test", key, value);
    set("model.name", "m");
    set("loader.url", url);
    set("loader.interval_ms", "0");
    set("data.dir", data.to_str().unwrap());
    set("infer.threads", "1");
    settings.iter().for_each(|(key, value)| set(key, value));
    let config = Arc::new(Config::load(None, [], &flags).unwrap());
    let service = Data::new(Service::new(Arc::clone(&config)));
    drop(upkeep::spawn(&service, config).unwrap());
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
    let told =
        health(&away, |health| health["reason"].to_string().contains("does not answer")).await;
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
