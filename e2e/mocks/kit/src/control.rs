//! The routes under `/control` that every mock has: its faults and its record of requests.

use actix_web::{
    HttpResponse, Responder, ResponseError, error,
    http::StatusCode,
    web::{self, Data, JsonConfig, Query, ServiceConfig},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Kit, Problem, fault::Rule};

/// Most bytes of a list of rules.
const MAX_RULES_BYTES: usize = 256 << 10;

/// Adds `/health`, `/control/faults` and `/control/requests`.
pub fn routes(config: &mut ServiceConfig) {
    let reading = JsonConfig::default()
        .limit(MAX_RULES_BYTES)
        .content_type_required(false)
        .error_handler(|wrong, _| refuse(&wrong));
    config
        .service(
            web::resource("/control/faults")
                .app_data(reading)
                .get(list_faults)
                .put(put_faults)
                .delete(clear_faults),
        )
        .service(web::resource("/control/requests").get(list_requests).delete(clear_requests))
        .service(web::resource("/health").get(health));
}

/// Answers what no route is for.
///
/// # Errors
/// Always: there is nothing.
pub async fn nothing_here(request: actix_web::HttpRequest) -> Result<HttpResponse, Problem> {
    Err(Problem::not_found(format!("no {} {}", request.method(), request.path())))
}

fn refuse(wrong: &error::JsonPayloadError) -> actix_web::Error {
    let too_large = wrong.status_code() == StatusCode::PAYLOAD_TOO_LARGE;
    let words = wrong.to_string();
    if too_large {
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", words).into();
    }
    Problem::bad_request(words).into()
}

async fn health() -> impl Responder {
    web::Json(json!({"status": "healthy"}))
}

/// One rule, or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Rules {
    Many(Vec<Value>),
    One(Box<Value>),
}

async fn put_faults(kit: Data<Kit>, rules: web::Json<Rules>) -> Result<HttpResponse, Problem> {
    let values = match rules.into_inner() {
        Rules::Many(values) => values,
        Rules::One(value) => vec![*value],
    };
    let read = |(index, value): (usize, Value)| {
        serde_json::from_value::<Rule>(value).map_err(|error| format!("rule {index}: {error}"))
    };
    let rules = values.into_iter().enumerate().map(read).collect::<Result<Vec<_>, _>>();
    rules.and_then(|rules| kit.faults.replace(rules)).map_err(Problem::unprocessable)?;
    Ok(HttpResponse::Ok().json(kit.faults.standing()))
}

async fn list_faults(kit: Data<Kit>) -> impl Responder {
    web::Json(kit.faults.standing())
}

async fn clear_faults(kit: Data<Kit>) -> Result<HttpResponse, Problem> {
    kit.faults.replace(Vec::new()).map_err(Problem::unprocessable)?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since: u64,
}

async fn list_requests(kit: Data<Kit>, query: Query<Since>) -> impl Responder {
    let requests = kit.journal.entries(query.since);
    web::Json(json!({"total": kit.journal.total(), "requests": requests}))
}

async fn clear_requests(kit: Data<Kit>) -> impl Responder {
    kit.journal.clear();
    HttpResponse::NoContent()
}
