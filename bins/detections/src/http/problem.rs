//! Every error that a client sees, as `application/problem+json` (RFC 9457), and the one place where
//! an error kind becomes a status.

use std::{borrow::Cow, error::Error, fmt, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use detections_types::ErrorKind;
use serde::Serialize;
use utoipa::ToSchema;

use super::request_id::X_REQUEST_ID;
use crate::{gate::Full, videos::Failure};

/// The media type of an error.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// The status that is logged for a client that went away; it is never sent.
pub(super) const CLIENT_CLOSED_REQUEST: u16 = 499;

/// After which time a service that cannot answer now may be asked again.
const RETRY_SOON: Duration = Duration::from_secs(2);

/// An error as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProblemBody {
    /// `about:blank`: the status says what kind of problem it is, `code` says which.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub kind: &'static str,
    /// The status in words.
    #[schema(example = "Bad Request")]
    pub title: Cow<'static, str>,
    /// The status.
    #[schema(example = 400)]
    pub status: u16,
    /// A word for programs.
    #[schema(example = "unknown_parameter")]
    pub code: Cow<'static, str>,
    /// A sentence for people.
    #[schema(example = "unknown parameter `foo`")]
    pub detail: Cow<'static, str>,
    /// The request's id, as in `X-Request-ID`.
    pub request_id: Cow<'static, str>,
}

/// An error on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    retry_after: Option<Duration>,
    allow: Option<&'static str>,
    challenge: Option<Box<str>>,
    request_id: String,
}

impl Problem {
    /// A problem of `status`; `code` is for programs and `detail` for people.
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let detail = detail.into();
        Self {
            status,
            code,
            detail,
            retry_after: None,
            allow: None,
            challenge: None,
            request_id: String::new(),
        }
    }

    /// A parameter is unknown, wrong or given twice.
    pub(super) fn parameter(code: &'static str, detail: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// The body cannot be read as what its headers say that it is.
    pub(super) fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed_body", detail)
    }

    /// The body has more than `limit` bytes.
    pub(super) fn body_too_large(limit: u64) -> Self {
        let detail = format!("the body has more than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    }

    /// The client sent too little for too long.
    pub(super) fn stalled(detail: String) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "client_stalled", detail)
    }

    /// The body is not an image.
    pub(super) fn unsupported(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media", detail)
    }

    /// No answer can be given in a type that the client accepts.
    pub(super) fn not_acceptable(offered: &str) -> Self {
        let detail = format!("this resource is available as {offered}");
        Self::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", detail)
    }

    /// The deadline passed before there was an answer.
    pub(super) fn deadline(timeout: Duration) -> Self {
        let detail = format!("no answer within {} ms", timeout.as_millis());
        Self::new(StatusCode::GATEWAY_TIMEOUT, "deadline_exceeded", detail)
    }

    /// The service cannot answer now.
    pub(super) fn unavailable(code: &'static str, detail: &'static str) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        Self { retry_after: Some(RETRY_SOON), ..problem }
    }

    /// The resource exists, but not with this method.
    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        let detail = format!("this resource allows {allow}");
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
        Self { allow: Some(allow), ..problem }
    }

    /// The same problem with the challenge that the caller has to meet (RFC 9110, section 11.6.1).
    pub(super) fn challenged(self, challenge: String) -> Self {
        Self { challenge: Some(challenge.into()), ..self }
    }

    /// A fault of this program; the log has the details, the client does not.
    pub(super) fn internal() -> Self {
        let detail = "an internal error; the log has more under this request id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// What went wrong while a picture was worked on.
    ///
    /// Only a picture that the client sent is told in full; the rest is for the log.
    pub(super) fn from_work(kind: ErrorKind, error: &dyn Error) -> Self {
        let (status, code) = match kind {
            ErrorKind::InvalidInput => (StatusCode::UNPROCESSABLE_ENTITY, "undecodable"),
            ErrorKind::TooLarge => (StatusCode::UNPROCESSABLE_ENTITY, "image_too_large"),
            ErrorKind::Unsupported => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media"),
            ErrorKind::Overloaded => return Full { retry_after: Duration::from_secs(1) }.into(),
            ErrorKind::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "deadline_exceeded"),
            ErrorKind::Cancelled => return Self::unavailable("stopped", "the work was stopped"),
            ErrorKind::Unavailable => {
                return Self::unavailable("model_failed", "the model does not answer");
            }
            ErrorKind::Internal => return Self::internal(),
        };
        Self::new(status, code, told_with_causes(error))
    }

    /// What a bare error response of the framework becomes.
    pub(super) fn from_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => {
                Self::new(status, "not_found", "there is no such resource; see /docs")
            }
            status if status.is_server_error() => Self::internal(),
            status => Self::new(status, "bad_request", "the request cannot be understood"),
        }
    }

    /// The same problem of a known request.
    pub(super) fn of_request(self, id: &str) -> Self {
        Self { request_id: id.to_owned(), ..self }
    }

    fn body(&self) -> ProblemBody {
        ProblemBody {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error").into(),
            status: self.status.as_u16(),
            code: self.code.into(),
            detail: self.detail.clone(),
            request_id: self.request_id.clone().into(),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let status = StatusCode::from_u16(failure.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let busy = matches!(failure.status, 429 | 503);
        let retry_after = busy.then_some(RETRY_SOON);
        Self { retry_after, ..Self::new(status, failure.code, failure.message) }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::new(problem.status.as_u16(), problem.code, problem.detail)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.code, self.status, self.detail)
    }
}

impl Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(wait) = self.retry_after {
            response.insert_header((RETRY_AFTER, wait.as_secs().max(1)));
        }
        if let Some(allow) = self.allow {
            response.insert_header((ALLOW, allow));
        }
        if let Some(challenge) = &self.challenge {
            response.insert_header((WWW_AUTHENTICATE, &**challenge));
        }
        if let Ok(id) = HeaderValue::from_str(&self.request_id) {
            response.insert_header((X_REQUEST_ID, id));
        }
        response.insert_header((CONTENT_TYPE, PROBLEM_JSON)).json(self.body())
    }
}

impl From<Full> for Problem {
    fn from(full: Full) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "overloaded", full.to_string());
        Self { retry_after: Some(full.retry_after), ..problem }
    }
}

/// The longest that an error is told: what a file or a client says of itself may be without end.
const LONGEST: usize = 4000;

/// An error with its causes, each told once.
pub(crate) fn told_with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::{io, time::Duration};

    use actix_web::{ResponseError, http::header::RETRY_AFTER};
    use detections_types::ErrorKind;

    use super::Problem;
    use crate::gate::Full;

    #[test]
    fn each_kind_has_its_status_and_only_the_clients_faults_are_told() {
        let secret = io::Error::other("secret");
        for (kind, status, told) in [
            (ErrorKind::InvalidInput, 422, true),
            (ErrorKind::TooLarge, 422, true),
            (ErrorKind::Unsupported, 415, true),
            (ErrorKind::TimedOut, 504, true),
            (ErrorKind::Overloaded, 429, false),
            (ErrorKind::Cancelled, 503, false),
            (ErrorKind::Unavailable, 503, false),
            (ErrorKind::Internal, 500, false),
        ] {
            let problem = Problem::from_work(kind, &secret);
            assert_eq!(problem.status_code().as_u16(), status, "{kind:?}");
            assert_eq!(problem.to_string().contains("secret"), told, "{problem}");
        }
    }

    #[test]
    fn waiting_is_told_in_whole_seconds() {
        let problem = Problem::from(Full { retry_after: Duration::from_secs(7) });
        assert_eq!(problem.error_response().headers().get(RETRY_AFTER).unwrap(), "7");
    }
}
