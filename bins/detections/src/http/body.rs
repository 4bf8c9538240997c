//! A request's body on its way in: never more bytes than allowed, never longer than allowed, and room
//! for each byte found at the gate before it is kept.

use std::{
    future::poll_fn,
    pin::Pin,
    time::{Duration, Instant},
};

use actix_web::{
    HttpRequest,
    error::PayloadError,
    http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap},
    web::{Bytes, Payload},
};
use futures_util::Stream;
use tokio::time::timeout_at;

use super::{Problem, multipart};
use crate::{gate::Permit, videos::Failure};

/// What a request brings.
#[derive(Debug)]
pub(super) struct Upload {
    /// The encoded picture.
    pub(super) picture: Vec<u8>,
    /// The `config` field of a form.
    pub(super) config: Option<Vec<u8>>,
    /// The client's name for the picture.
    pub(super) name: Option<String>,
}

/// What the headers say of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Announced {
    /// The length; `None` when the body is chunked.
    length: Option<u64>,
    /// Whether it is a form.
    pub(super) form: bool,
}

impl Announced {
    /// Reads the headers, and refuses what is too large or encoded before any byte is read.
    pub(super) fn by(request: &HttpRequest, limit: u64) -> Result<Self, Problem> {
        let headers = request.headers();
        let length = length(headers)?;
        if length.is_some_and(|length| length > limit) {
            return Err(Problem::body_too_large(limit));
        }
        if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(Problem::unsupported("a Content-Encoding is not supported"));
        }
        // Any other type is taken as the picture itself: the magic bytes decide, not the header.
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        let form = kind.to_ascii_lowercase().starts_with("multipart/");
        Ok(Self { length, form })
    }

    /// Bytes that the body takes, as far as is known.
    pub(super) fn bytes(self) -> u64 {
        self.length.unwrap_or(0)
    }
}

fn length(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(length) = headers.get(CONTENT_LENGTH) else { return Ok(None) };
    let number = length.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| Problem::malformed("the Content-Length is not a number"))
}

/// Reads the whole body; `permit` grows with it.
pub(super) async fn receive(
    request: &HttpRequest,
    announced: Announced,
    intake: Intake,
    permit: &mut Permit,
) -> Result<Upload, Problem> {
    let mut kept = Kept::new(announced, permit)?;
    let (config, name) = if announced.form {
        multipart::receive(request.headers(), intake, &mut kept).await?
    } else {
        receive_raw(intake, &mut kept).await?;
        (None, multipart::named_by(request.headers()))
    };
    if kept.bytes.is_empty() {
        return Err(Problem::new(
            actix_web::http::StatusCode::BAD_REQUEST,
            "empty_body",
            "the request has no picture: send it as the body or as the form field `file`",
        ));
    }
    Ok(Upload { picture: kept.bytes, config, name })
}

async fn receive_raw(mut intake: Intake, kept: &mut Kept<'_>) -> Result<(), Problem> {
    while let Some(chunk) = intake.next().await? {
        kept.add(&chunk)?;
    }
    Ok(())
}

/// The picture's bytes so far, for each of which there is room.
#[derive(Debug)]
pub(super) struct Kept<'a> {
    bytes: Vec<u8>,
    permit: &'a mut Permit,
}

impl<'a> Kept<'a> {
    fn new(announced: Announced, permit: &'a mut Permit) -> Result<Self, Problem> {
        let mut bytes = Vec::new();
        let expected = usize::try_from(announced.bytes()).unwrap_or(usize::MAX);
        // The pages of a large buffer are only taken from the system when they are written to.
        bytes.try_reserve_exact(expected).map_err(|_full| Problem::internal())?;
        Ok(Self { bytes, permit })
    }

    /// Keeps one more piece.
    pub(super) fn add(&mut self, chunk: &[u8]) -> Result<(), Problem> {
        let total = self.bytes.len().saturating_add(chunk.len());
        self.permit.grow_to(total as u64)?;
        self.bytes.try_reserve(chunk.len()).map_err(|_full| Problem::internal())?;
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }
}

/// The bytes as they arrive, under a limit, a longest pause and a deadline.
pub(super) struct Intake {
    payload: Payload,
    received: u64,
    limit: u64,
    pause: Duration,
    deadline: Option<Instant>,
}

impl Intake {
    /// The body of a request: so many bytes at most, and no pause between them that is longer.
    pub(super) fn new(payload: Payload, limit: u64, pause: Duration) -> Self {
        Self { payload, received: 0, limit, pause, deadline: None }
    }

    /// The same for a request that is of no use after `deadline`.
    pub(super) fn until(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// The next piece; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let pause = Instant::now() + self.pause;
        let patience = self.deadline.map_or(pause, |deadline| deadline.min(pause));
        let next = poll_fn(|cx| Pin::new(&mut self.payload).poll_next(cx));
        let Ok(next) = timeout_at(patience.into(), next).await else {
            return Err(self.stalled());
        };
        let Some(chunk) = next.transpose().map_err(|error| broken(&error))? else {
            return Ok(None);
        };
        self.received = self.received.saturating_add(chunk.len() as u64);
        if self.received > self.limit {
            return Err(Problem::body_too_large(self.limit));
        }
        Ok(Some(chunk))
    }

    fn stalled(&self) -> Problem {
        let Self { received, pause, .. } = self;
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Problem::stalled(format!(
                "the body was not complete in time ({received} bytes)"
            ));
        }
        let pause = pause.as_millis();
        Problem::stalled(format!("no byte arrived for {pause} ms, after {received} bytes"))
    }
}

fn broken(error: &PayloadError) -> Problem {
    if matches!(error, PayloadError::Incomplete(_)) {
        return Failure::client_gone().into();
    }
    Problem::malformed(format!("the body cannot be read to its end: {error}"))
}
