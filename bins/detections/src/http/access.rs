//! The gatekeeper in front of all handlers: who may not call is told so before anything of the body is read,
//! and who may is known to the handlers.

use std::time::SystemTime;

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, header::AUTHORIZATION},
    middleware::Next,
    web,
};
use detections_annotations::Authorization;

use super::{Problem, Service};
use crate::{
    access::{CallerToken, Need, Refusal},
    config::Forward,
};

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

/// The caller's token, where that service gets it.
pub(super) fn forwarded(
    service: &Service,
    request: &HttpRequest,
    target: Forward,
) -> Option<CallerToken> {
    let gets_it = service.access().is_some_and(|access| access.forwards_to(target));
    gets_it.then(|| request.extensions().get::<CallerToken>().cloned())?
}

/// What posts to the Annotations service carry for the caller, where that service gets its token.
pub(super) fn posts_authorization(
    service: &Service,
    request: &HttpRequest,
) -> Result<Option<Authorization>, Problem> {
    let token = forwarded(service, request, Forward::Annotations);
    let authorization = token.map(|token| Authorization::bearer(token.token())).transpose();
    // A token that was let in can be carried; without it the post would go in another name.
    authorization.map_err(|_not_carried| Problem::internal())
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::{
        App,
        middleware::from_fn,
        test::{TestRequest, call_and_read_body, init_service},
        web::{self, ReqData},
    };

    use super::{Service, access};
    use crate::{
        access::{Area, Caller, CallerToken, FreshToken, Scope, TokenFormat, TokenList},
        config::{AccessConfig, Config, Forward, Overrides},
    };

    async fn known(caller: ReqData<Caller>, token: Option<ReqData<CallerToken>>) -> String {
        let token = token.map_or("none".to_owned(), |token| token.token().to_owned());
        format!("{} {token}", caller.subject().name())
    }

    /// What a handler knows of the caller with `fresh`.
    async fn told(fresh: &FreshToken, forward: Vec<Forward>) -> String {
        let mut config = Config::load(None, [], &Overrides::default()).unwrap();
        let tokens = TokenList::parse(&fresh.entry(), TokenFormat::Toml).unwrap();
        let open = vec![Area::Health];
        config.access = Some(AccessConfig { tokens, tokens_file: None, jwt: None, open, forward });
        let service = web::Data::new(Service::new(Arc::new(config)));
        let app = App::new().app_data(service).route("/info", web::get().to(known));
        let app = init_service(app.wrap(from_fn(access))).await;
        let header = ("authorization", format!("bearer {}", fresh.token()));
        let request = TestRequest::get().uri("/info").insert_header(header).to_request();
        String::from_utf8(call_and_read_body(&app, request).await.to_vec()).unwrap()
    }

    #[actix_web::test]
    async fn handlers_know_the_caller_and_its_token_only_where_it_is_forwarded() {
        let fresh = FreshToken::make("ci", &[Scope::Jobs], None).unwrap();
        assert_eq!(told(&fresh, Vec::new()).await, "ci none");
        let forwarded = told(&fresh, vec![Forward::Annotations]).await;
        assert_eq!(forwarded, format!("ci {}", fresh.token()));
    }
}
