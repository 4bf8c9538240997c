//! The interface described in itself: OpenAPI 3.1, and a page for browsers that needs no network.

mod access;
mod video;

use std::collections::BTreeMap;

use actix_web::{HttpResponse, http::header::LOCATION, web};
use utoipa::{
    IntoParams, IntoResponses, OpenApi, PartialSchema, ToSchema,
    openapi::{
        ContentBuilder, HeaderBuilder, Ref, RefOr, Response, ResponseBuilder,
        schema::{ObjectBuilder, Schema, Type},
    },
};
use utoipa_swagger_ui::{Config, SwaggerUi};

pub(super) use self::video::{
    EventProblems, JobHeader, NoSuchJob, VideoForm, VideoProblems, VideoQuery,
};
use super::{Problem, ProblemBody, Service, problem::PROBLEM_JSON};

/// Everything that the service answers, as an OpenAPI document.
#[derive(Debug, Clone, Copy, OpenApi)]
#[openapi(
    info(
        title = "detections",
        description = "Object detection in images and video. Every response carries `X-Request-ID`; every error is \
                       `application/problem+json`.",
    ),
    paths(
        super::detect::detect,
        super::video::detect_video,
        super::jobs::job,
        super::jobs::events,
        super::jobs::end_job,
        super::health::health,
        super::health::live,
        super::health::ready,
        super::info::info,
        super::metrics::metrics,
        super::admin::reload,
        openapi,
        to_page,
    ),
    components(schemas(ProblemBody)),
    tags(
        (name = "detection", description = "Finding objects"),
        (name = "jobs", description = "Videos by their names"),
        (name = "operation", description = "Looking after the service"),
    )
)]
pub struct ApiDoc;

/// The query of `POST /detect`; the same names are the members of the form field `config`.
#[derive(Debug, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "it describes the parameters; `params` reads them under all their names"
)]
pub(super) struct DetectQuery {
    /// Lowest confidence that is reported; also `conf`, `min_confidence`, `threshold`.
    #[param(minimum = 0.0, maximum = 1.0, default = 0.25)]
    #[schema(minimum = 0.0, maximum = 1.0, default = 0.25)]
    confidence: Option<f32>,
    /// Overlap above which the weaker of two boxes is dropped; also `overlap`, `iou_threshold`.
    #[param(minimum = 0.0, maximum = 1.0, default = 0.45)]
    #[schema(minimum = 0.0, maximum = 1.0, default = 0.45)]
    iou: Option<f32>,
    /// Most detections that are reported; also `max_det`.
    #[param(minimum = 1, maximum = 10_000, default = 300)]
    #[schema(minimum = 1, maximum = 10_000, default = 300)]
    max_detections: Option<u32>,
    /// Only these product classes: ids or names, separated by commas or as a JSON array.
    #[param(example = "car,truck")]
    #[schema(example = "car,truck")]
    classes: Option<String>,
    /// Whether boxes of different classes suppress each other.
    #[param(default = false)]
    #[schema(default = false)]
    agnostic_nms: Option<bool>,
    /// Whether the pixels of each object are told; only where the model segments.
    #[param(default = false)]
    #[schema(default = false)]
    masks: Option<bool>,
    /// How a picture is cut into overlapping tiles, which are searched beside the whole: `off`, `auto` (tiles as
    /// large as the model's input, where the picture is much larger) or their size in pixels.
    #[param(default = "off", pattern = "^(off|auto|[0-9]+x[0-9]+)$")]
    #[schema(default = "off", pattern = "^(off|auto|[0-9]+x[0-9]+)$")]
    tile: Option<String>,
    /// The part of a tile's side that its neighbour shows too, at least; only together with `tile`.
    #[param(minimum = 0.0, maximum = 0.9, default = 0.2)]
    #[schema(minimum = 0.0, maximum = 0.9, default = 0.2)]
    tile_overlap: Option<f32>,
    /// What becomes of an object that several tiles show: its best box grows to cover the others (`nmm`), or
    /// stays as it is (`nms`).
    #[param(default = "nmm", pattern = "^(nmm|nms)$")]
    #[schema(default = "nmm", pattern = "^(nmm|nms)$")]
    tile_merge: Option<String>,
    /// Whether two boxes are one object by their common area over that of the smaller one (`ios`) or over that of
    /// both (`iou`).
    #[param(default = "ios", pattern = "^(ios|iou)$")]
    #[schema(default = "ios", pattern = "^(ios|iou)$")]
    tile_match: Option<String>,
    /// Metres of ground for each pixel; with `tile=auto`, where the server knows the model's (`model.gsd`), tiles
    /// are so large that the ground looks as it did in the model's training.
    #[param(exclusive_minimum = 0.0)]
    #[schema(exclusive_minimum = 0.0)]
    gsd: Option<f32>,
    /// Whether the picture is turned upright: `apply` or `ignore`.
    #[param(default = "apply", pattern = "^(apply|ignore)$")]
    #[schema(default = "apply", pattern = "^(apply|ignore)$")]
    exif: Option<String>,
    /// Deadline in milliseconds; at most and by default the server's.
    #[param(minimum = 1)]
    #[schema(minimum = 1)]
    timeout_ms: Option<u64>,
}

/// The form of `POST /detect`.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes the form; `multipart` reads it piece by piece")]
pub(super) struct DetectForm {
    /// The image; the field may also be called `image`.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// The parameters of the query as a JSON object.
    config: Option<DetectQuery>,
}

/// An encoded image.
#[derive(Debug)]
pub(super) struct ImageBytes;

impl PartialSchema for ImageBytes {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new().schema_type(Type::String);
        RefOr::T(Schema::Object(object.content_media_type("application/octet-stream").build()))
    }
}

impl ToSchema for ImageBytes {}

/// The errors of `POST /detect`.
pub(super) struct DetectProblems;

impl IntoResponses for DetectProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            (400, "Unknown, wrong or doubled parameter; empty or malformed body"),
            (405, "Not a POST"),
            (406, "No form of the answer is acceptable"),
            (408, "The client stalled"),
            (413, "Too many bytes"),
            (415, "Not an image, by its magic bytes"),
            (422, "The image cannot be decoded, or has too many pixels"),
            (429, "The service is full; see `Retry-After`"),
            (500, "A bug; the log has more under the request id"),
            (
                503,
                "Loading, shutting down, the model failed, or the result cannot be stored for the Annotations service; \
                   see `Retry-After`",
            ),
            (504, "The deadline passed"),
        ])
    }
}

/// The error of what needs the model.
pub(super) struct NotReady;

impl IntoResponses for NotReady {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[(503, "Loading, shutting down, or the model failed; see `Retry-After`")])
    }
}

/// The errors of `POST /admin/reload`.
pub(super) struct ReloadProblems;

impl IntoResponses for ReloadProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            (405, "Not a POST"),
            (409, "Another reload is going on"),
            (503, "The server is shutting down; see `Retry-After`"),
            (504, "It goes on, but takes longer than a request may; see `/health`"),
        ])
    }
}

fn problems(table: &[(u16, &str)]) -> BTreeMap<String, RefOr<Response>> {
    table.iter().map(|&(status, text)| (status.to_string(), problem(status, text).into())).collect()
}

fn problem(status: u16, description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemBody"))).build();
    let response = ResponseBuilder::new().description(description).content(PROBLEM_JSON, content);
    if !matches!(status, 429 | 503) {
        return response.build();
    }
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    let header =
        HeaderBuilder::new().schema(Some(seconds)).description(Some("Seconds to wait")).build();
    response.header("Retry-After", header).build()
}

/// This description, as it is under the settings of this service.
#[utoipa::path(get, path = "/openapi.json", tag = "operation", responses(
    (status = 200, description = "OpenAPI 3.1", body = Object),
))]
pub(super) async fn openapi(service: web::Data<Service>) -> Result<HttpResponse, Problem> {
    let document = serde_json::to_value(ApiDoc::openapi());
    let mut document = document.map_err(|_cannot_be| Problem::internal())?;
    access::apply(&mut document, &service.config);
    Ok(HttpResponse::Ok().json(document))
}

/// The browser page of this description.
#[utoipa::path(get, path = "/docs", tag = "operation", responses(
    (status = 302, description = "To the page, `/docs/`"),
))]
pub(super) async fn to_page() -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, "/docs/")).finish()
}

/// The browser page and its files, all compiled in.
pub(super) fn page() -> SwaggerUi {
    SwaggerUi::new("/docs/{_:.*}").config(Config::from("/openapi.json"))
}
