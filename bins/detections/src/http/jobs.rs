//! Jobs by their names: how they stand, what happened to them, and their end.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header::HeaderMap},
    web,
};
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    Problem, Service,
    stream::{Format, headed, respond},
};
use crate::{
    access::Caller,
    events::EventsError,
    videos::{Failure, JobBody, Video},
    wire::VideoEvent,
};

/// An answer waits so long for the end of a job that was told to end.
const END_PATIENCE: Duration = Duration::from_secs(5);

const LAST_EVENT_ID: &str = "last-event-id";

/// How a job stands.
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs",
    params(("id" = String, Path, description = "The name of the job, a UUID")),
    responses(
        (status = 200, description = "How it stands", body = JobBody),
        super::docs::NoSuchJob,
    ))]
pub(super) async fn job(
    id: web::Path<String>,
    service: web::Data<Service>,
    caller: Option<web::ReqData<Caller>>,
) -> Result<HttpResponse, Problem> {
    let video = find(&service, &id, caller.as_deref())?;
    Ok(HttpResponse::Ok().json(video.job()))
}

/// What happened to a job and what happens to it, from the first event or behind `Last-Event-ID`.
///
/// Readable while the upload still runs, by any number of clients. Server-sent events unless `Accept` asks for
/// `application/x-ndjson`. 204 when nothing comes after `Last-Event-ID`.
#[utoipa::path(get, path = "/jobs/{id}/events", tag = "jobs",
    params(
        ("id" = String, Path, description = "The name of the job, a UUID"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The number of the last event that is known"),
    ),
    responses(
        (status = 200, description = "What happens", content(
            (VideoEvent = "text/event-stream"),
            (VideoEvent = "application/x-ndjson"),
        )),
        (status = 204, description = "The job has ended and nothing comes after `Last-Event-ID`"),
        super::docs::EventProblems,
    ))]
pub(super) async fn events(
    id: web::Path<String>,
    request: HttpRequest,
    service: web::Data<Service>,
    caller: Option<web::ReqData<Caller>>,
) -> Result<HttpResponse, Problem> {
    let video = find(&service, &id, caller.as_deref())?;
    let format = Format::events_by_default(&request)?;
    let after = last_event(request.headers())?;
    let log = video.log();
    if log.is_closed() && after > 0 && after == log.newest() {
        // A browser reconnects after the end unless it is told so.
        return Ok(HttpResponse::NoContent().finish());
    }
    let reader = log.read_after(after).map_err(|error| no_events(&error))?;
    if request.method() == Method::HEAD {
        // Without waiting for the events whose headers these are.
        return Ok(headed(format).finish());
    }
    Ok(respond(format, reader, None, |_response| {}))
}

/// Ends a job that is in work, and forgets one that has ended.
#[utoipa::path(delete, path = "/jobs/{id}", tag = "jobs",
    params(("id" = String, Path, description = "The name of the job, a UUID")),
    responses(
        (status = 200, description = "It was in work and was told to end", body = JobBody),
        (status = 204, description = "It had ended and is forgotten"),
        super::docs::NoSuchJob,
    ))]
pub(super) async fn end_job(
    id: web::Path<String>,
    service: web::Data<Service>,
    caller: Option<web::ReqData<Caller>>,
) -> Result<HttpResponse, Problem> {
    let video = find(&service, &id, caller.as_deref())?;
    if service.videos.forget(&video) {
        return Ok(HttpResponse::NoContent().finish());
    }
    video.stop(Failure::cancelled());
    // The body says whether it has ended by now.
    timeout(END_PATIENCE, video.ended()).await.ok();
    Ok(HttpResponse::Ok().json(video.job()))
}

/// The job of that name, if the caller may see it; somebody else's is as good as none.
fn find(service: &Service, id: &str, caller: Option<&Caller>) -> Result<Arc<Video>, Problem> {
    let found = Uuid::try_parse(id).ok().and_then(|id| service.videos.job(id, caller));
    found.ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "unknown_job",
            "there is no job of this name (any more)",
        )
    })
}

/// The number of the last event that the client knows, 0 for none.
fn last_event(headers: &HeaderMap) -> Result<u64, Problem> {
    let Some(number) = headers.get(LAST_EVENT_ID) else { return Ok(0) };
    let number = number.to_str().ok().and_then(|text| text.trim().parse().ok());
    number.ok_or_else(|| resume_problem("Last-Event-ID is not the number of an event".to_owned()))
}

fn resume_problem(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_last_event_id", detail)
}

fn no_events(error: &EventsError) -> Problem {
    match error {
        EventsError::Ahead { .. } => resume_problem(error.to_string()),
        EventsError::Gone { .. } => {
            Problem::new(StatusCode::GONE, "events_gone", error.to_string())
        }
        EventsError::Full | EventsError::Spool(_) => Problem::internal(),
    }
}
