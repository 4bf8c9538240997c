//! `POST /admin/reload`: asks now for what is new, and says what became of it.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use detections_models::BearerToken;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::{Problem, Service, access::forwarded};
use crate::{
    config::Forward,
    upkeep::{Outcome, Part, ReloadRefused},
};

/// What became of a reload.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ReloadBody {
    /// Of the model.
    model: PartBody,
    /// Of the class map.
    classes: PartBody,
    /// Why something is refused or could not be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// What became of one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum PartBody {
    /// It is what it was.
    Unchanged,
    /// A new one is in service.
    Swapped,
    /// There is no new one that could be taken; what was there stays in service.
    Refused,
}

impl From<Part> for PartBody {
    fn from(part: Part) -> Self {
        match part {
            Part::Unchanged => Self::Unchanged,
            Part::Swapped => Self::Swapped,
            Part::Refused => Self::Refused,
        }
    }
}

impl From<Outcome> for ReloadBody {
    fn from(outcome: Outcome) -> Self {
        let Outcome { model, classes, detail } = outcome;
        Self { model: model.into(), classes: classes.into(), detail }
    }
}

impl From<ReloadRefused> for Problem {
    fn from(refused: ReloadRefused) -> Self {
        match refused {
            ReloadRefused::Running => {
                Self::new(StatusCode::CONFLICT, "reload_running", refused.to_string())
            }
            ReloadRefused::Ending => Self::unavailable("draining", "the server is shutting down"),
        }
    }
}

/// Asks now for a new model and class map, and waits for what becomes of them.
///
/// What was refused before is tried again. Requests that run go on with what they began with.
#[utoipa::path(post, path = "/admin/reload", tag = "operation", responses(
    (status = 200, description = "What became of it", body = ReloadBody),
    super::docs::ReloadProblems,
))]
pub(super) async fn reload(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let patience = service.config.server.timeout;
    let reloading = service.reload(loader_token(&service, &request)?)?;
    match timeout(patience, reloading).await {
        Ok(Ok(outcome)) => Ok(HttpResponse::Ok().json(ReloadBody::from(outcome))),
        Ok(Err(_ended)) => Err(ReloadRefused::Ending.into()),
        Err(_elapsed) => Err(Problem::deadline(patience)),
    }
}

/// What opens the Loader's door for the caller, where the Loader gets its token.
fn loader_token(service: &Service, request: &HttpRequest) -> Result<Option<BearerToken>, Problem> {
    let Some(token) = forwarded(service, request, Forward::Loader) else { return Ok(None) };
    // A token that was let in can be carried; without it the Loader would be asked in another name.
    BearerToken::new(token.token()).map(Some).ok_or_else(Problem::internal)
}
