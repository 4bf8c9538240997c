//! A service in process over the small real model, and requests to it.

use std::{path::PathBuf, sync::Arc};

use actix_web::{
    http::{StatusCode, header::HeaderMap},
    test::{TestRequest, init_service, read_body, try_call_service},
    web::{Bytes, Data},
};
use detections::{
    config::{Config, Overrides},
    engine::Engine,
    http::{Service, create_app},
};
use serde_json::Value;

/// A file under `fixtures/`.
pub(super) fn fixture(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(path)
}

pub(super) fn picture(name: &str) -> Vec<u8> {
    std::fs::read(fixture("media").join(name)).unwrap()
}

/// The defaults over the project's own model on one thread, with `settings` on top.
pub(super) fn config(settings: &[(&str, &str)]) -> Config {
    let mut flags = Overrides::default();
    flags.set("test", "model.path", fixture("model/topview.onnx").to_str().unwrap());
    flags.set("test", "infer.threads", "1");
    settings.iter().for_each(|(key, value)| flags.set("test", key, value));
    Config::load(None, [], &flags).unwrap()
}

/// A service whose model is still missing.
pub(super) fn loading(settings: &[(&str, &str)]) -> Data<Service> {
    Data::new(Service::new(Arc::new(config(settings))))
}

/// A service that is ready.
pub(super) fn ready(settings: &[(&str, &str)]) -> Data<Service> {
    let service = loading(settings);
    service.engine_loaded(Engine::start(&config(settings)).unwrap()).unwrap();
    service
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks that this is a complete problem with `status` and gives its code and detail.
    #[track_caller]
    pub(super) fn problem(&self, status: u16) -> (String, String) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        let body = self.json();
        assert_eq!(body["type"], "about:blank");
        assert_eq!(body["status"], status);
        let title = StatusCode::from_u16(status).unwrap().canonical_reason().unwrap();
        assert_eq!(body["title"], title);
        assert_eq!(body["request_id"], self.header("x-request-id"));
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        (text("code"), text("detail"))
    }
}

/// Sends one request through the whole application.
pub(super) async fn send(service: &Data<Service>, request: TestRequest) -> Reply {
    let app = init_service(create_app(service.clone())).await;
    match try_call_service(&app, request.to_request()).await {
        Ok(response) => Reply {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: read_body(response).await,
        },
        Err(error) => {
            let response = error.error_response();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
            Reply { status, headers, body }
        }
    }
}

pub(super) async fn get(service: &Data<Service>, path: &str) -> Reply {
    send(service, TestRequest::get().uri(path)).await
}

pub(super) async fn detect(service: &Data<Service>, query: &str, body: Vec<u8>) -> Reply {
    send(service, detection(query, body)).await
}

pub(super) fn detection(query: &str, body: Vec<u8>) -> TestRequest {
    TestRequest::post().uri(&format!("/detect?{query}")).set_payload(body)
}

/// A form of named parts.
pub(super) fn form(parts: &[(&str, &[u8])]) -> TestRequest {
    let mut body = Vec::new();
    for (name, content) in parts {
        let head = format!(
            "--edge\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"x\"\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    TestRequest::post()
        .uri("/detect")
        .insert_header(("content-type", "multipart/form-data; boundary=edge"))
        .set_payload(body)
}
