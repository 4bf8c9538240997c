//! `POST /detect/video`: one video in, and what is found in its frames out while it still arrives.

mod form;
mod upload;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{
        StatusCode,
        header::{HeaderName, LOCATION},
    },
    rt, web,
};
use tokio::time::{timeout, timeout_at};
use uuid::Uuid;

use self::upload::{VideoUpload, feed};
use super::{
    Problem, Service,
    access::posts_authorization,
    body::{Announced, Intake},
    params::{Delivery, Given, VideoParams},
    request_id::RequestId,
    stream::{Format, respond},
};
use crate::{
    access::Caller,
    annotations::{Subject, VideoRecord},
    videos::{JobBody, Name, Owner, Plan, UploadState, Video},
    wire::VideoEvent,
};

/// The header that carries the name of a job in both directions.
const X_JOB_ID: HeaderName = HeaderName::from_static("x-job-id");

/// A response waits so long for the first frame, so that a video that has none gets a status of its own.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);

/// Finds objects in one video while it is uploaded.
///
/// The body is the video itself (MP4, MOV, Matroska, WebM, AVI, MPEG-TS, MPEG-PS, H.264, H.265 or MJPEG,
/// recognised by its magic bytes), or a form with the video in the field `file` and, before it, optionally
/// the parameters as a JSON object in the field `config`.
///
/// The answer begins with the first frame, while the upload still runs. Exactly one `end` or fatal `error`
/// closes it; a stream without it was cut. What fails before the first frame has a status of its own, unless
/// the first frame takes longer than 30 seconds.
#[utoipa::path(
    post,
    path = "/detect/video",
    tag = "detection",
    params(super::docs::VideoQuery, super::docs::JobHeader),
    request_body(
        description = "One video",
        content(
            (super::docs::ImageBytes = "application/octet-stream"),
            (super::docs::ImageBytes = "video/*"),
            (super::docs::VideoForm = "multipart/form-data"),
        )
    ),
    responses(
        (status = 200, description = "What happens, one event a line, or as server-sent events", content(
            (VideoEvent = "application/x-ndjson"),
            (VideoEvent = "text/event-stream"),
        )),
        (status = 202, description = "With `async=true`: the job, once the upload has been read", body = JobBody),
        super::docs::VideoProblems,
    )
)]
pub(super) async fn detect_video(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
    id: web::ReqData<RequestId>,
) -> Result<HttpResponse, Problem> {
    let started = Instant::now();
    let config = &service.config;
    let loaded = service.ready()?;
    let format = Format::lines_by_default(&request)?;
    let job = named_job(&request)?;
    let mut given = Given::from_query(request.query_string())?;
    let announced = Announced::by(&request, config.video.max_body_bytes)?;
    let permit = service.videos.admit().inspect_err(|_full| service.metrics.rejected())?;

    let (limit, pause) = (config.video.max_body_bytes, config.server.client_timeout);
    let intake = Intake::new(payload, limit, pause);
    let opened = VideoUpload::open(&request, announced, intake);
    let head_deadline = started + config.server.timeout;
    let opened = timeout_at(head_deadline.into(), opened).await;
    let (upload, fields) = opened.map_err(|_elapsed| head_stalled())??;
    fields.map_or(Ok(()), |json| given.add_json(&json))?;
    let params = VideoParams::settle(given, config, loaded.engine.video.classes())?;
    let sniffed = timeout_at(head_deadline.into(), upload.sniffed()).await;
    let upload = sniffed.map_err(|_elapsed| head_stalled())??;

    let delivery = params.delivery;
    let name = name(job, delivery, id.as_str());
    let authorization = posts_authorization(&service, &request)?;
    let record = service.annotations().map(|annotations| {
        let subject = Subject::new(&name.to_string(), upload.name(), &loaded.engine.model);
        VideoRecord::new(annotations, subject.authorized_by(authorization), params.body())
    });
    let plan = Plan { record, ..plan(&params, name.clone(), owner(&request), started) };
    let (video, intake) = service.videos.begin(&loaded.engine.video, plan, permit)?;
    let uploading = Uploading(Arc::clone(&video));
    rt::spawn(feed(upload, intake, Arc::clone(&video), Arc::clone(service.videos.metrics())));
    let answer = Answer { name, format, uploading };
    answer.keep_for_a_while(&service);
    match delivery {
        Delivery::Stream => answer.stream().await,
        Delivery::Job => answer.accepted().await,
    }
}

/// The name that the client chose for its job.
fn named_job(request: &HttpRequest) -> Result<Option<Uuid>, Problem> {
    let Some(id) = request.headers().get(X_JOB_ID) else { return Ok(None) };
    let parsed = id.to_str().ok().and_then(|id| Uuid::try_parse(id).ok());
    parsed.map(Some).ok_or_else(|| {
        Problem::new(StatusCode::BAD_REQUEST, "invalid_job_id", "X-Job-Id must be a UUID")
    })
}

fn name(job: Option<Uuid>, delivery: Delivery, request: &str) -> Name {
    match (job, delivery) {
        (Some(id), _) => Name::Job(id),
        (None, Delivery::Job) => Name::Job(Uuid::new_v4()),
        (None, Delivery::Stream) => Name::Request(request.to_owned()),
    }
}

/// To whom the video belongs, where callers are told apart.
fn owner(request: &HttpRequest) -> Owner {
    request.extensions().get::<Caller>().map(|caller| Arc::clone(caller.subject()))
}

fn plan(params: &VideoParams, name: Name, owner: Owner, started: Instant) -> Plan {
    Plan {
        request: params.request.clone(),
        sampling: params.sampling,
        params: params.body(),
        deadline: started + params.timeout,
        name,
        record: None,
        owner,
    }
}

fn head_stalled() -> Problem {
    Problem::stalled("the first bytes of the video did not arrive in time".to_owned())
}

/// A connection that sends a video, and perhaps reads what is found in it; dropped when it ends.
#[derive(Debug)]
pub(super) struct Uploading(Arc<Video>);

impl Uploading {
    /// Waits until no more of the video is read, where more is still to be expected.
    pub(super) async fn over(&self) {
        // The closing event may be read before the outcome is noted.
        self.0.ended().await;
        let sends_on = match self.0.outcome() {
            Some(Err(failure)) => !matches!(failure.code, "shutting_down" | "client_stalled"),
            Some(Ok(())) | None => true,
        };
        if sends_on {
            self.0.upload_over().await;
        }
    }
}

impl Drop for Uploading {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// An answer that is being made.
struct Answer {
    name: Name,
    format: Format,
    uploading: Uploading,
}

impl Answer {
    /// A job is forgotten some time after its end.
    fn keep_for_a_while(&self, service: &Service) {
        if let Name::Job(_) = self.name {
            let video = Arc::clone(&self.uploading.0);
            rt::spawn(service.videos.clone().forget_in_time(video));
        }
    }

    /// The events as they happen, from the first frame on.
    async fn stream(self) -> Result<HttpResponse, Problem> {
        let Self { name, format, uploading } = self;
        let video = Arc::clone(&uploading.0);
        if let Ok(Err(failure)) = timeout(HEAD_PATIENCE, video.begun()).await {
            return Err(failure.into());
        }
        let reader = video.log().read_after(0).map_err(|_gone| Problem::internal())?;
        Ok(respond(format, reader, Some(uploading), |response| name_job(response, &name)))
    }

    /// The job, once it has all of its bytes.
    async fn accepted(self) -> Result<HttpResponse, Problem> {
        let video = &self.uploading.0;
        tokio::select! {
            // Whoever did not let it arrive whole has also ended the work, which tells why.
            state = video.upload_over() => if state == UploadState::Over {
                video.ended().await;
            },
            () = video.ended() => {}
        }
        if let Some(Err(failure)) = video.outcome() {
            return Err(failure.into());
        }
        let mut response = HttpResponse::build(StatusCode::ACCEPTED);
        name_job(&mut response, &self.name);
        Ok(response.json(video.job()))
    }
}

fn name_job(response: &mut HttpResponseBuilder, name: &Name) {
    if let Name::Job(id) = name {
        response.insert_header((X_JOB_ID, id.to_string()));
        response.insert_header((LOCATION, format!("/jobs/{id}")));
    }
}
