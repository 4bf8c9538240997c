//! `POST /detect`: one picture in, its objects out, as a report or drawn.

use std::time::Instant;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{StatusCode, header::CONTENT_TYPE},
    web,
};
use detections_infer::InferError;
use detections_media::{MediaKind, SNIFF_LEN, sniff};
use detections_pipeline::PipelineError;
use detections_types::{CancelToken, ErrorKind};
use tokio::time::timeout_at;

use super::{
    Problem, Service,
    access::posts_authorization,
    body::{Announced, Intake, Upload, receive},
    negotiate::Answer,
    params::{Given, Params},
    problem::told_with_causes,
    request_id::RequestId,
    state::Loaded,
};
use crate::{
    annotations::{PictureRecord, Subject},
    videos::Failure,
    wire::ImageResponse,
    work::{Outcome, Pending, Work, WorkError},
};

/// Finds objects in one image.
///
/// The body is the image itself (JPEG, PNG, WebP, GIF, TIFF or BMP, recognised by its magic bytes), or a
/// form with the image in the field `file` or `image` and, optionally, the parameters as a JSON object in
/// the field `config`.
#[utoipa::path(
    post,
    path = "/detect",
    tag = "detection",
    params(super::docs::DetectQuery),
    request_body(
        description = "One image",
        content(
            (super::docs::ImageBytes = "application/octet-stream"),
            (super::docs::ImageBytes = "image/*"),
            (super::docs::DetectForm = "multipart/form-data"),
        )
    ),
    responses(
        (status = 200, description = "What was found, in the form that `Accept` asks for", content(
            (ImageResponse = "application/json"),
            (super::docs::ImageBytes = "image/jpeg"),
            (super::docs::ImageBytes = "image/png"),
        )),
        super::docs::DetectProblems,
    )
)]
pub(super) async fn detect(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
    id: web::ReqData<RequestId>,
) -> Result<HttpResponse, Problem> {
    let started = Instant::now();
    let server = &service.config.server;
    let loaded = service.ready()?;
    let answer = Answer::negotiate(&request)?;
    let mut given = Given::from_query(request.query_string())?;
    let announced = Announced::by(&request, server.max_body_bytes)?;
    let mut permit = service.gate.admit(0).inspect_err(|_full| service.metrics.rejected())?;

    let intake = Intake::new(payload, server.max_body_bytes, server.client_timeout)
        .until(started + server.timeout);
    let upload = receive(&request, announced, intake, &mut permit).await;
    let upload = upload.inspect_err(|problem| {
        if ResponseError::status_code(problem) == StatusCode::TOO_MANY_REQUESTS {
            service.metrics.rejected();
        }
    })?;
    let Upload { picture, config, name } = upload;
    config.map_or(Ok(()), |json| given.add_json(&json))?;
    let params = Params::settle(given, &service.config, loaded.engine.pipeline.classes())?;
    refuse_other_media(&picture)?;

    let authorization = posts_authorization(&service, &request)?;
    let record = service.annotations().map(|annotations| {
        let subject = Subject::new(id.as_str(), name, &loaded.engine.model);
        PictureRecord::new(annotations, subject.authorized_by(authorization), params.body())
    });
    let cancel = CancelToken::with_deadline(started + params.timeout);
    let work = Work {
        body: picture,
        request: params.request.clone(),
        drawn: answer.encoding(),
        record,
        cancel: cancel.clone(),
        permit,
    };
    let pending = loaded.executor.submit(work).map_err(failed)?;
    let outcome = Waiting { cancel, pending }.outcome(&params).await?;
    service.metrics.answered(&outcome.report);
    Ok(respond(answer, outcome, &loaded, &params, id.as_str()))
}

/// Magic bytes decide what a body is, whatever its header says.
fn refuse_other_media(body: &[u8]) -> Result<(), Problem> {
    match sniff(body.get(..SNIFF_LEN).unwrap_or(body)) {
        Some(MediaKind::Image(_)) => Ok(()),
        Some(MediaKind::Video(kind)) => Err(Problem::unsupported(format!(
            "the body is a video ({}); this resource takes one image",
            kind.mime()
        ))),
        _ => Err(Problem::unsupported(
            "the body is not an image of a known type: JPEG, PNG, WebP, GIF, TIFF or BMP",
        )),
    }
}

/// A request that waits for its work; when it is dropped, the work stops at its next check.
struct Waiting {
    cancel: CancelToken,
    pending: Pending,
}

impl Waiting {
    async fn outcome(mut self, params: &Params) -> Result<Outcome, Problem> {
        let deadline = self.cancel.deadline().unwrap_or_else(Instant::now);
        match timeout_at(deadline.into(), &mut self.pending).await {
            Err(_elapsed) => Err(Problem::deadline(params.timeout)),
            Ok(Ok(outcome)) => outcome.map_err(failed),
            Ok(Err(_gone)) => Err(failed(WorkError::Stopped)),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

fn failed(error: WorkError) -> Problem {
    if let WorkError::Record(error) = &error {
        tracing::error!(error = told_with_causes(error), "a result is not stored");
        return Failure::of_record(error).into();
    }
    if let WorkError::Pipeline(PipelineError::Infer(error @ InferError::Parameter { .. })) = &error
    {
        // Whether it fits shows only beside the picture: tiles, for one.
        return Problem::parameter("invalid_parameter", error.to_string());
    }
    let kind = error.kind();
    tracing::debug!(?kind, error = told_with_causes(&error), "no detections");
    let problem = Problem::from_work(kind, &error);
    if kind == ErrorKind::Internal {
        tracing::error!(?kind, error = told_with_causes(&error), "the work on a picture failed");
    }
    problem
}

fn respond(
    answer: Answer,
    outcome: Outcome,
    loaded: &Loaded,
    params: &Params,
    id: &str,
) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    match outcome.drawn {
        Some(picture) => response.insert_header((CONTENT_TYPE, answer.mime())).body(picture),
        None => {
            let model = &loaded.engine.model;
            response.json(ImageResponse::new(id.to_owned(), model, params.body(), &outcome.report))
        }
    }
}
