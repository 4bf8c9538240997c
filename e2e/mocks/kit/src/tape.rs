//! Records answers, one JSON object a line, so that they can be given again without the service.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};

use actix_web::{
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    web::{Bytes, Data},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::stream;
use serde::{Deserialize, Serialize};

use crate::{Kit, body};

/// Longest body that is recorded.
const MAX_BODY: usize = 16 << 20;
/// Most bytes of a recording.
pub(crate) const MAX_TAPE: u64 = 512 << 20;

/// A file of recorded answers.
#[derive(Debug)]
pub struct Tape {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    written: u64,
}

/// One recorded answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    /// The method of the request.
    pub method: String,
    /// Its path and query.
    pub target: String,
    /// The status of the answer.
    pub status: u16,
    /// The headers of the answer.
    pub headers: Vec<(String, String)>,
    /// The body in base64; none where it was too long.
    pub body: Option<String>,
}

impl Tape {
    /// An empty recording, instead of what the file held.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { state: Mutex::new(State { file: File::create(path)?, written: 0 }) })
    }

    fn write(&self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if state.written.saturating_add(length) > MAX_TAPE {
            return Err(io::Error::other("the recording is full"));
        }
        state.file.write_all(&text)?;
        state.written += length;
        Ok(())
    }
}

/// Path and query of a request, as a recording names it.
#[must_use]
pub fn target(request: &ServiceRequest) -> String {
    spell_target(request.path(), request.query_string())
}

pub(crate) fn spell_target(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// Lets an answer go out as it is, and records it once all of it has.
pub fn record(
    kit: Data<Kit>,
    method: Method,
    target: String,
    answer: ServiceResponse<BoxBody>,
) -> ServiceResponse<BoxBody> {
    let spell = |value: &actix_web::http::header::HeaderValue| {
        String::from_utf8_lossy(value.as_bytes()).into_owned()
    };
    let headers = answer.headers().iter();
    let line = Line {
        method: method.to_string(),
        target,
        status: answer.status().as_u16(),
        headers: headers.map(|(name, value)| (name.to_string(), spell(value))).collect(),
        body: None,
    };
    answer.map_body(|_, whole| copied(kit, line, whole))
}

/// What was seen of a body so far; none once it is too long to be kept.
type Seen = Option<Vec<u8>>;

fn copied(kit: Data<Kit>, line: Line, whole: BoxBody) -> BoxBody {
    let size = whole.size();
    if size.is_eof() {
        write_down(&kit, line, Some(Vec::new()));
        return whole;
    }
    let start = (whole, Some((kit, line, Some(Vec::new()))));
    let pieces = stream::unfold(start, |(mut whole, recording)| async move {
        match (body::chunk(&mut whole).await, recording) {
            (Some(Ok(bytes)), Some((kit, line, seen))) => {
                let seen = append(seen, &bytes);
                Some((Ok(bytes), (whole, Some((kit, line, seen)))))
            }
            (None, Some((kit, line, seen))) => {
                write_down(&kit, line, seen);
                None
            }
            (next, None) => Some((next?, (whole, None))),
            // An answer that broke off is not what the service meant to say.
            (Some(Err(error)), Some(_)) => Some((Err(error), (whole, None))),
        }
    });
    body::sized(size, pieces)
}

fn append(seen: Seen, bytes: &Bytes) -> Seen {
    let mut seen = seen?;
    if seen.len() + bytes.len() > MAX_BODY {
        return None;
    }
    seen.extend_from_slice(bytes);
    Some(seen)
}

fn write_down(kit: &Kit, line: Line, seen: Seen) {
    let line = Line { body: seen.map(|bytes| STANDARD.encode(bytes)), ..line };
    let written = kit.tape.as_ref().map(|tape| tape.write(&line));
    if let Some(Err(error)) = written {
        let _ = writeln!(io::stderr(), "not recorded: {} {}: {error}", line.method, line.target);
    }
}
