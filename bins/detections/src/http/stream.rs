//! Events on their way to a client, each as soon as it happens: one JSON object a line, or server-sent events.

use std::{convert::Infallible, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName},
    },
    web::{Bytes, BytesMut},
};
use futures_util::{Stream, stream};
use tokio::time::timeout;

use super::{Problem, negotiate::preferred, problem::told_with_causes, video::Uploading};
use crate::events::{Entry, Reader};

/// Proxies that would collect a response before they pass it on are asked not to.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// An event stream that is quiet for so long says that it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(15);

const PING: Bytes = Bytes::from_static(b": ping\n\n");

/// After the closing event, the rest of an upload is read and thrown away for so long: a client that sends
/// everything before it reads sees its answer.
const DISCARD_TIME: Duration = Duration::from_secs(10);

const OFFERED: &str = "application/x-ndjson or text/event-stream";

const NDJSON: &str = "application/x-ndjson";
const SSE: &str = "text/event-stream";

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// One JSON object a line.
    Ndjson,
    /// Server-sent events.
    Sse,
}

impl Format {
    /// The format that `Accept` prefers, lines when the client has no wish.
    pub(super) fn lines_by_default(request: &HttpRequest) -> Result<Self, Problem> {
        Self::negotiate(request, [Self::Ndjson, Self::Sse])
    }

    /// The format that `Accept` prefers, server-sent events when the client has no wish.
    pub(super) fn events_by_default(request: &HttpRequest) -> Result<Self, Problem> {
        Self::negotiate(request, [Self::Sse, Self::Ndjson])
    }

    fn negotiate(request: &HttpRequest, order: [Self; 2]) -> Result<Self, Problem> {
        let spelled = order
            .iter()
            .flat_map(|format| format.spellings().iter().map(|spelling| (*format, *spelling)));
        let offers: Vec<(Self, &str)> = spelled.collect();
        preferred(request, &offers)?.ok_or_else(|| Problem::not_acceptable(OFFERED))
    }

    /// The media types under which it is asked for, the one that is sent first.
    const fn spellings(self) -> &'static [&'static str] {
        match self {
            Self::Ndjson => {
                &[NDJSON, "application/ndjson", "application/jsonl", "application/json"]
            }
            Self::Sse => &[SSE],
        }
    }

    const fn mime(self) -> &'static str {
        match self {
            Self::Ndjson => NDJSON,
            Self::Sse => SSE,
        }
    }

    fn write(self, entry: Entry) -> Bytes {
        match self {
            Self::Ndjson => entry.line,
            Self::Sse => {
                let (number, word) = (entry.number, entry.kind.word());
                let mut text = BytesMut::with_capacity(entry.line.len() + 48);
                text.extend_from_slice(format!("id: {number}\nevent: {word}\ndata: ").as_bytes());
                // The line ends with the first of the two line breaks that end the event.
                text.extend_from_slice(&entry.line);
                text.extend_from_slice(b"\n");
                text.freeze()
            }
        }
    }
}

/// A response that tells all that `reader` finds, until the closing event.
pub(super) fn respond(
    format: Format,
    reader: Reader,
    uploading: Option<Uploading>,
    head: impl FnOnce(&mut HttpResponseBuilder),
) -> HttpResponse {
    let mut response = headed(format);
    head(&mut response);
    let telling = Telling { format, reader, uploading, patience: PING_INTERVAL };
    response.streaming(telling.pieces())
}

/// A response with the headers of events in this format.
pub(super) fn headed(format: Format) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(StatusCode::OK);
    response
        .insert_header((CONTENT_TYPE, format.mime()))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((X_ACCEL_BUFFERING, "no"));
    response
}

/// A response in progress; when it is dropped, its reader is gone.
struct Telling {
    format: Format,
    reader: Reader,
    uploading: Option<Uploading>,
    /// How long the stream may be quiet.
    patience: Duration,
}

impl Telling {
    fn pieces(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        Box::pin(stream::unfold(self, async |mut telling| {
            let piece = telling.next().await?;
            Some((Ok(piece), telling))
        }))
    }

    /// The next piece of the body; nothing comes after the closing event.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            match timeout(self.patience, self.reader.next()).await {
                Ok(Ok(Some(entry))) => return Some(self.format.write(entry)),
                Ok(Ok(None)) => break self.let_the_client_finish().await,
                // The client sees a stream without a closing event, and knows that it was cut.
                Ok(Err(error)) => {
                    break tracing::error!(error = told_with_causes(&error), "no more events");
                }
                Err(_quiet) if self.format == Format::Sse => return Some(PING),
                Err(_quiet) => {}
            }
        }
        None
    }

    /// Whether all of the upload is read in time makes no difference to the answer.
    async fn let_the_client_finish(&self) {
        if let Some(uploading) = &self.uploading {
            timeout(DISCARD_TIME, uploading.over()).await.ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::{http::header::ACCEPT, test::TestRequest, web::Bytes};
    use futures_util::{StreamExt as _, future::join};

    use super::{Format, PING_INTERVAL, Telling};
    use crate::events::{Entry, EventKind, EventLog, LogLimits, Retention};

    fn quiet_log() -> EventLog {
        EventLog::new(LogLimits {
            memory_bytes: 1 << 10,
            spool_bytes: 0,
            spool_dir: None,
            retention: Retention::All,
        })
    }

    fn telling(log: &EventLog, format: Format, patience: Duration) -> Telling {
        Telling { format, reader: log.read_after(0).unwrap(), uploading: None, patience }
    }

    #[actix_web::test]
    async fn a_quiet_event_stream_says_that_it_is_there_and_loses_nothing() {
        assert_eq!(PING_INTERVAL, Duration::from_secs(15));
        let log = quiet_log();
        let mut events = telling(&log, Format::Sse, Duration::from_millis(2)).pieces();
        for _ in 0..3 {
            assert_eq!(events.next().await.unwrap().unwrap(), ": ping\n\n");
        }
        log.append(EventKind::Start, b"{}\n".as_slice()).unwrap();
        log.close(EventKind::End, b"{}\n".as_slice());
        let rest: Vec<Bytes> = events.map(|piece| piece.unwrap()).collect().await;
        assert_eq!(rest, ["id: 1\nevent: start\ndata: {}\n\n", "id: 2\nevent: end\ndata: {}\n\n"]);
    }

    #[actix_web::test]
    async fn lines_have_no_pings_between_them() {
        let log = quiet_log();
        let mut lines = telling(&log, Format::Ndjson, Duration::from_millis(2)).pieces();
        let mut pings = telling(&log, Format::Sse, Duration::from_millis(2)).pieces();
        let later = async {
            // As long as three pings of the other stream take.
            for _ in 0..3 {
                pings.next().await;
            }
            log.close(EventKind::End, b"{}\n".as_slice());
        };
        let (line, ()) = join(lines.next(), later).await;
        assert_eq!(line.unwrap().unwrap(), "{}\n");
        assert!(lines.next().await.is_none());
    }

    #[test]
    fn the_same_object_is_a_line_or_an_event() {
        let line = Bytes::from_static(b"{\"type\":\"end\"}\n");
        let entry = Entry { number: 7, kind: EventKind::End, line: line.clone() };
        assert_eq!(Format::Ndjson.write(entry.clone()), line);
        let event = "id: 7\nevent: end\ndata: {\"type\":\"end\"}\n\n";
        assert_eq!(Format::Sse.write(entry), event);
    }

    #[test]
    fn the_client_chooses_the_format() {
        let format = |accept: Option<&str>| {
            let request = TestRequest::default();
            let request = match accept {
                Some(accept) => request.insert_header((ACCEPT, accept)),
                None => request,
            };
            Format::lines_by_default(&request.to_http_request()).ok()
        };
        assert_eq!(format(None), Some(Format::Ndjson));
        for (accept, expected) in [
            ("*/*", Some(Format::Ndjson)),
            ("application/json", Some(Format::Ndjson)),
            ("application/x-ndjson", Some(Format::Ndjson)),
            ("text/event-stream", Some(Format::Sse)),
            ("text/event-stream, */*;q=0.5", Some(Format::Sse)),
            ("application/x-ndjson;q=0.9, text/event-stream;q=0.1", Some(Format::Ndjson)),
            ("image/png", None),
        ] {
            assert_eq!(format(Some(accept)), expected, "{accept}");
        }
    }
}
