//! Stands before a mock's own routes: writes requests down, lets rules strike them, and gives
//! recorded answers where a recording is replayed.

use std::{io, time::Duration};

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue, RETRY_AFTER},
    },
    middleware::Next,
    web::Data,
};
use futures_util::StreamExt;
use tokio::time::sleep;

use crate::{Kit, Problem, body, fault::Fault, socket::Socket, tape, wire};

/// Longest that a hanging request is held.
const HANG: Duration = Duration::from_secs(600);
/// Most bytes of a request's body that are read before an answer of a rule.
const DRAINED: usize = 64 << 20;
/// The digests that an answer may state, each with one of something else.
const WRONG_DIGESTS: [(&str, &str); 2] = [
    ("repr-digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"),
    ("x-checksum-sha256", "0000000000000000000000000000000000000000000000000000000000000000"),
];

/// The middleware, for `actix_web::middleware::from_fn`.
///
/// # Errors
/// What the service itself fails with.
pub async fn intercept(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let kit = request.app_data::<Data<Kit>>().cloned();
    let Some(kit) = kit.filter(|_| !is_ours(request.path())) else {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    };
    let n = kit.journal.begin(wire::entry(&request));
    let strike = kit.faults.strike(request.method(), request.path());
    let mut fault = None;
    if let Some(strike) = strike {
        kit.journal.struck(n, format!("{:?}", strike.fault));
        sleep(Duration::from_millis(strike.delay_ms)).await;
        fault = Some(strike.fault);
    }
    let answer = match fault {
        Some(Fault::Status { code, retry_after }) => state(request, code, retry_after).await,
        Some(Fault::Hang) => {
            sleep(HANG).await;
            Ok(reset(request))
        }
        Some(Fault::Reset) => Ok(reset(request)),
        Some(fault) => Ok(shape(proceed(&kit, request, next).await?, &fault)),
        None => proceed(&kit, request, next).await,
    }?;
    kit.journal.end(n, answer.status().as_u16());
    Ok(answer)
}

/// Control and health are never struck, written down or replayed.
fn is_ours(path: &str) -> bool {
    path == "/health" || path.starts_with("/control/")
}

/// The service's own answer, or the recorded one.
async fn proceed(
    kit: &Data<Kit>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Some(replay) = &kit.replay {
        let answer = replay.answer(request.method(), request.path(), request.query_string());
        return Ok(request.into_response(answer));
    }
    let (method, target) = (request.method().clone(), tape::target(&request));
    let answer = next.call(request).await?.map_into_boxed_body();
    Ok(match &kit.tape {
        Some(_) => tape::record(kit.clone(), method, target, answer),
        None => answer,
    })
}

async fn state(
    mut request: ServiceRequest,
    code: u16,
    retry_after: Option<String>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    drain(&mut request).await;
    let status = StatusCode::from_u16(code).map_err(actix_web::error::ErrorInternalServerError)?;
    let problem = Problem::new(status, "fault", "a rule of this mock asks for this answer");
    let mut answer = HttpResponse::from_error(problem);
    if let Some(value) = retry_after.and_then(|value| HeaderValue::from_str(&value).ok()) {
        answer.headers_mut().insert(RETRY_AFTER, value);
    }
    Ok(request.into_response(answer))
}

/// Reads what the client still sends, so that it gets as far as reading the answer.
async fn drain(request: &mut ServiceRequest) {
    let mut payload = request.take_payload();
    let mut seen = 0_usize;
    while let Some(Ok(bytes)) = payload.next().await {
        seen = seen.saturating_add(bytes.len());
        if seen > DRAINED {
            return;
        }
    }
}

fn reset(request: ServiceRequest) -> ServiceResponse<BoxBody> {
    // Where the system refuses, the connection still ends without an answer.
    let _: Option<io::Result<()>> = request.conn_data::<Socket>().map(Socket::reset_when_closed);
    request.into_response(HttpResponse::Ok().body(body::nothing()))
}

fn shape(mut answer: ServiceResponse<BoxBody>, fault: &Fault) -> ServiceResponse<BoxBody> {
    match *fault {
        Fault::Slow { bytes_per_s } => answer.map_body(|_, whole| body::slow(whole, bytes_per_s)),
        Fault::Truncate { after_bytes } => {
            answer.map_body(|_, whole| body::truncated(whole, after_bytes))
        }
        Fault::WrongHash => {
            for (name, wrong) in WRONG_DIGESTS {
                let name = HeaderName::from_static(name);
                if answer.headers().contains_key(&name) {
                    answer.headers_mut().insert(name, HeaderValue::from_static(wrong));
                }
            }
            answer
        }
        Fault::Status { .. } | Fault::Hang | Fault::Reset | Fault::Delay => answer,
    }
}
