//! A stand-in for the Annotations service: takes results, checks and keeps them, tells a repeated
//! delivery from a contradiction by its `Idempotency-Key`, and fails as its rules say.

pub mod payload;
pub mod store;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::AUTHORIZATION},
    web::{self, Bytes, Data, PayloadConfig, Query, ServiceConfig},
};
use detections_mock_kit::Problem;
use serde::Deserialize;
use serde_json::{Value, json};

use self::store::{Outcome, Store};

/// Longest body of a result; a frame as JPEG may be in it.
const MAX_BODY: usize = 16 << 20;
/// Longest key.
const MAX_KEY: usize = 256;
/// Results that one answer lists when nothing is said.
const PAGE: usize = 1000;

/// Adds the mock's own routes: `/annotations`, `/control/annotations` and `/control/counters`.
pub fn routes(config: &mut ServiceConfig, store: &Data<Store>) {
    config
        .app_data(store.clone())
        .service(web::resource("/annotations").app_data(PayloadConfig::new(MAX_BODY)).post(take))
        .service(web::resource("/control/annotations").get(list).delete(forget))
        .service(web::resource("/control/counters").get(count));
}

async fn take(
    request: HttpRequest,
    store: Data<Store>,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let authorization = header(&request, AUTHORIZATION.as_str());
    if !store.admits(authorization) {
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "no such token"));
    }
    let key = header(&request, "idempotency-key");
    let key = key.filter(|key| !key.is_empty() && key.len() <= MAX_KEY).ok_or_else(|| {
        store.count_invalid();
        Problem::bad_request("`Idempotency-Key` is missing, or not of 1 to 256 bytes")
    })?;
    let read = serde_json::from_slice::<Value>(&body).map_err(|error| {
        store.count_invalid();
        Problem::bad_request(format!("the body is not JSON: {error}"))
    })?;
    payload::check(&read).map_err(|fault| {
        store.count_invalid();
        Problem::unprocessable(fault)
    })?;
    match store.take(key, read, body.len()) {
        Outcome::Stored { sequence } => Ok(HttpResponse::Created().json(json!({"id": sequence}))),
        // A repeated delivery gets what the first one got.
        Outcome::Repeated { sequence } => Ok(HttpResponse::Created().json(json!({"id": sequence}))),
        Outcome::Contradicted => Err(Problem::new(
            StatusCode::CONFLICT,
            "conflict",
            "this `Idempotency-Key` came before with another body",
        )),
        Outcome::Full => Err(Problem::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "full",
            "no more results are kept; DELETE /control/annotations makes room",
        )),
    }
}

fn header<'request>(request: &'request HttpRequest, name: &str) -> Option<&'request str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

/// Which results are listed.
#[derive(Debug, Deserialize)]
struct Which {
    /// Those of a medium, by its SHA-256.
    media: Option<String>,
    /// How many are left out first.
    #[serde(default)]
    offset: usize,
    /// How many at most.
    #[serde(default = "page")]
    limit: usize,
}

const fn page() -> usize {
    PAGE
}

async fn list(store: Data<Store>, which: Query<Which>) -> HttpResponse {
    let records = store.list(which.media.as_deref(), which.offset, which.limit.min(PAGE));
    HttpResponse::Ok().json(json!({"total": store.counters().kept, "annotations": records}))
}

async fn forget(store: Data<Store>) -> HttpResponse {
    store.clear();
    HttpResponse::NoContent().finish()
}

async fn count(store: Data<Store>) -> HttpResponse {
    HttpResponse::Ok().json(store.counters())
}
