//! A request as the journal writes it down.

use actix_web::dev::ServiceRequest;

use crate::journal::{Entry, now_ms};

/// What is known of a request before it is answered.
#[must_use]
pub fn entry(request: &ServiceRequest) -> Entry {
    let header = |(name, value): (
        &actix_web::http::header::HeaderName,
        &actix_web::http::header::HeaderValue,
    )| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Entry {
        n: 0,
        at_ms: now_ms(),
        method: request.method().to_string(),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        headers: request.headers().iter().map(header).collect(),
        fault: None,
        status: None,
    }
}
