//! The gatekeeper in front of all handlers: who may not call is told so before anything of the body is read,
//! and who may is known to the handlers.

use std::time::SystemTime;

use actix_web::{
    Error, HttpMessage,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, header::AUTHORIZATION},
    middleware::Next,
    web,
};

use super::{Problem, Service};
use crate::access::{Need, Refusal};

const CHALLENGE: &str = "Bearer realm=\"detections\"";

/// The middleware.
pub(super) async fn access(
    service: web::Data<Service>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let need = Need::of(request.match_info().get_ref().path());
    admitted(&service, need, request, next).await
}

/// The middleware of the second port, where health and metrics are open: who reaches it looks after the service.
pub(super) async fn management_access(
    service: web::Data<Service>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match Need::of(request.match_info().get_ref().path()) {
        Need::Area(_) => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
        need @ (Need::Token | Need::Scope(_)) => admitted(&service, need, request, next).await,
    }
}

async fn admitted(
    service: &Service,
    need: Need,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Some(access) = service.access() {
        let headers: Vec<Vec<u8>> = request
            .headers()
            .get_all(AUTHORIZATION)
            .take(2)
            .map(|value| value.as_bytes().to_vec())
            .collect();
        let headers = headers.iter().map(Vec::as_slice);
        match access.admit(need, headers, SystemTime::now()).await {
            Ok(Some((caller, token))) => {
                tracing::Span::current().record("caller", caller.subject().name());
                request.extensions_mut().insert(caller);
                if access.forwards() {
                    request.extensions_mut().insert(token);
                }
            }
            Ok(None) => {}
            Err(refusal) => return Ok(refused(request, refusal)),
        }
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

fn refused(request: ServiceRequest, refusal: Refusal) -> ServiceResponse<BoxBody> {
    tracing::info!(reason = refusal.reason(), "not let in");
    request.error_response(Problem::from(refusal)).map_into_boxed_body()
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let told = refusal.to_string();
        let unauthorized = |code, more: &str| {
            let problem = Self::new(StatusCode::UNAUTHORIZED, code, told.clone());
            problem.challenged(format!("{CHALLENGE}{more}"))
        };
        match refusal {
            Refusal::Missing | Refusal::OtherScheme => unauthorized("token_missing", ""),
            Refusal::Scope(scope) => {
                let more = format!(", error=\"insufficient_scope\", scope=\"{}\"", scope.word());
                let problem = Self::new(StatusCode::FORBIDDEN, "insufficient_scope", told);
                problem.challenged(format!("{CHALLENGE}{more}"))
            }
            Refusal::KeysUnavailable => Self::unavailable(
                "keys_unavailable",
                "the keys that tokens are verified with are not there yet",
            ),
            Refusal::Malformed
            | Refusal::TooLong
            | Refusal::Unknown
            | Refusal::Header
            | Refusal::Algorithm
            | Refusal::UnknownKey
            | Refusal::Signature
            | Refusal::Claims
            | Refusal::Expired
            | Refusal::NotYetValid
            | Refusal::Issuer
            | Refusal::Audience => {
                let more = format!(", error=\"invalid_token\", error_description=\"{told}\"");
                unauthorized("invalid_token", &more)
            }
        }
    }
}
