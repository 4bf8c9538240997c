//! The outermost layer around every request: gives it an id, catches panics, turns every error into a
//! problem, counts, and writes one line of the access log, also for clients that went away.

use std::{panic::AssertUnwindSafe, time::Instant};

use actix_web::{
    Error, HttpMessage,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{CONTENT_LENGTH, CONTENT_TYPE},
    middleware::Next,
    web,
};
use futures_util::FutureExt;
use tracing::Instrument;

use super::{
    Problem, Service,
    problem::{CLIENT_CLOSED_REQUEST, PROBLEM_JSON},
    request_id::{RequestId, X_REQUEST_ID},
};

/// Paths that are counted each under its own name; clients can invent any number of others.
const ROUTES: [&str; 10] = [
    "/admin/reload",
    "/health",
    "/health/live",
    "/health/ready",
    "/info",
    "/detect",
    "/detect/video",
    "/metrics",
    "/openapi.json",
    "/docs",
];

/// The middleware.
pub(super) async fn access_log(
    service: web::Data<Service>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = RequestId::from_headers(request.headers());
    request.extensions_mut().insert(id.clone());
    let span = tracing::info_span!("request", id = id.as_str(), caller = tracing::field::Empty);
    let mut visit = Visit::new(service, &request, span.clone());
    let answer = AssertUnwindSafe(async move { next.call(request).await }.instrument(span));
    let response = match answer.catch_unwind().await {
        Ok(Ok(response)) => with_id(as_problem(response.map_into_boxed_body(), &id), &id),
        Ok(Err(error)) => {
            let status = error.as_response_error().status_code();
            return Err(visit.fails(Problem::from_status(status), &id));
        }
        Err(_panic) => return Err(visit.fails(Problem::internal(), &id)),
    };
    visit.answered(&response);
    Ok(response)
}

/// Responses that report an error say so as a problem that names the request.
fn as_problem(response: ServiceResponse<BoxBody>, id: &RequestId) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let known = response.response().error().and_then(|error| error.as_error::<Problem>()).cloned();
    let is_problem = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
    let problem = match known {
        Some(problem) => problem,
        None if is_problem || is_health_report(&response) => return response,
        None => Problem::from_status(status),
    };
    let rendered = actix_web::ResponseError::error_response(&problem.of_request(id.as_str()));
    response.into_response(rendered)
}

/// The health check answers with its report, whatever its status.
fn is_health_report(response: &ServiceResponse<BoxBody>) -> bool {
    response.request().path() == "/health"
}

fn with_id(mut response: ServiceResponse<BoxBody>, id: &RequestId) -> ServiceResponse<BoxBody> {
    response.headers_mut().insert(X_REQUEST_ID, id.header_value());
    response
}

/// A request from its start to its line in the log.
struct Visit {
    service: web::Data<Service>,
    span: tracing::Span,
    started: Instant,
    method: String,
    path: String,
    bytes_in: u64,
    told: bool,
}

impl Visit {
    fn new(service: web::Data<Service>, request: &ServiceRequest, span: tracing::Span) -> Self {
        let length = request.headers().get(CONTENT_LENGTH);
        Self {
            service,
            span,
            started: Instant::now(),
            method: request.method().to_string(),
            path: request.path().to_owned(),
            bytes_in: length.and_then(|n| n.to_str().ok()?.parse().ok()).unwrap_or(0),
            told: false,
        }
    }

    fn answered(&mut self, response: &ServiceResponse<BoxBody>) {
        let bytes_out = match response.response().body().size() {
            BodySize::Sized(bytes) => bytes,
            BodySize::None | BodySize::Stream => 0,
        };
        self.tell(response.status().as_u16(), bytes_out);
    }

    fn fails(&mut self, problem: Problem, id: &RequestId) -> Error {
        let status = actix_web::ResponseError::status_code(&problem).as_u16();
        self.tell(status, 0);
        problem.of_request(id.as_str()).into()
    }

    fn tell(&mut self, status: u16, bytes_out: u64) {
        self.told = true;
        let route = route(&self.path);
        self.service.metrics.request(route, &self.method, status);
        let Self { method, path, bytes_in, .. } = self;
        let ms = crate::wire::millis(self.started.elapsed());
        self.span.in_scope(|| {
            tracing::info!(method, path, status, ms, bytes_in, bytes_out, "request");
        });
    }
}

/// The name under which a path is counted; the ids of jobs are not part of it.
fn route(path: &str) -> &'static str {
    match path.strip_prefix("/jobs/") {
        Some(rest) if rest.ends_with("/events") => "/jobs/{id}/events",
        Some(_) => "/jobs/{id}",
        None => ROUTES.into_iter().find(|route| *route == path).unwrap_or("other"),
    }
}

/// Dropped untold: the client did not wait for its answer.
impl Drop for Visit {
    fn drop(&mut self) {
        if !self.told {
            self.tell(CLIENT_CLOSED_REQUEST, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::{
        App, HttpResponse,
        body::to_bytes,
        middleware::from_fn,
        test::{TestRequest, init_service, try_call_service},
        web,
    };
    use serde_json::Value;

    use super::{Service, access_log};
    use crate::config::{Config, Overrides};

    async fn boom() -> HttpResponse {
        panic!("a secret");
    }

    #[actix_web::test]
    async fn a_panic_in_a_handler_is_a_problem_without_details() {
        let config = Config::load(None, [], &Overrides::default()).unwrap();
        let service = web::Data::new(Service::new(Arc::new(config)));
        let routes = App::new().app_data(service).route("/boom", web::get().to(boom));
        let app = init_service(routes.wrap(from_fn(access_log))).await;
        let request = TestRequest::get().uri("/boom").insert_header(("x-request-id", "mine"));
        let error = try_call_service(&app, request.to_request()).await.unwrap_err();
        let response = error.error_response();
        assert_eq!(response.status().as_u16(), 500);
        assert_eq!(response.headers().get("x-request-id").unwrap(), "mine");
        let body = to_bytes(response.into_body()).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (body["code"].as_str(), body["request_id"].as_str()),
            (Some("internal"), Some("mine"))
        );
        assert!(!body.to_string().contains("secret"));
    }
}
