//! Answers as they were recorded: for each method and target in their order, the last for ever.

use std::{
    collections::{HashMap, VecDeque},
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
    sync::{Mutex, PoisonError},
};

use actix_web::{
    HttpResponse,
    http::{
        Method, StatusCode,
        header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING},
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    Problem,
    tape::{self, Line, MAX_TAPE},
};

/// A recording that is played.
#[derive(Debug)]
pub struct Replay {
    answers: Mutex<HashMap<(String, String), VecDeque<Line>>>,
}

impl Replay {
    /// Reads a recording.
    ///
    /// # Errors
    /// When the file cannot be read, is too long, or a line of it is none of a recording.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        if length > MAX_TAPE {
            let words = format!("{} has {length} bytes, at most {MAX_TAPE}", path.display());
            return Err(io::Error::other(words));
        }
        let mut answers: HashMap<_, VecDeque<Line>> = HashMap::new();
        for (index, text) in BufReader::new(file).lines().enumerate() {
            let line: Line = serde_json::from_str(&text?).map_err(|error| {
                io::Error::other(format!("{} line {}: {error}", path.display(), index + 1))
            })?;
            answers.entry((line.method.clone(), line.target.clone())).or_default().push_back(line);
        }
        Ok(Self { answers: Mutex::new(answers) })
    }

    /// The next recorded answer to such a request.
    #[must_use]
    pub fn answer(&self, method: &Method, path: &str, query: &str) -> HttpResponse {
        let target = tape::spell_target(path, query);
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = answers.get_mut(&(method.to_string(), target.clone()));
        let line = lines.and_then(|lines| {
            if lines.len() > 1 { lines.pop_front() } else { lines.front().cloned() }
        });
        drop(answers);
        match line.as_ref().map(spoken) {
            Some(Ok(answer)) => answer,
            Some(Err(wrong)) => {
                let words = format!("{method} {target}: {wrong}");
                HttpResponse::from_error(Problem::new(StatusCode::BAD_GATEWAY, "unplayable", words))
            }
            None => {
                let words = format!("nothing is recorded for {method} {target}");
                HttpResponse::from_error(Problem::not_found(words))
            }
        }
    }
}

fn spoken(line: &Line) -> Result<HttpResponse, String> {
    let status = StatusCode::from_u16(line.status).map_err(|error| error.to_string())?;
    let body = line.body.as_deref().ok_or("its body was too long to be recorded")?;
    let body = STANDARD.decode(body).map_err(|error| error.to_string())?;
    let mut answer = HttpResponse::with_body(status, body).map_into_boxed_body();
    for (name, value) in &line.headers {
        let name = name.parse::<HeaderName>().map_err(|error| error.to_string())?;
        // What belongs to the connection is stated for this one anew.
        if [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&name) {
            continue;
        }
        let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
        answer.headers_mut().append(name, value);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use actix_web::{body::to_bytes, http::Method};

    use super::Replay;

    #[actix_web::test]
    async fn answers_come_in_their_order_and_the_last_stays() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for (status, body) in [(500, "\"\""), (200, "\"YWJj\""), (201, "null")] {
            writeln!(
                file,
                r#"{{"method":"GET","target":"/a?b","status":{status},"headers":[["etag","\"x\""]],"body":{body}}}"#
            )
            .unwrap();
        }
        let replay = Replay::open(file.path()).unwrap();
        let mut seen = Vec::new();
        for _ in 0..4 {
            let answer = replay.answer(&Method::GET, "/a", "b");
            seen.push((answer.status().as_u16(), to_bytes(answer.into_body()).await.unwrap()));
        }
        assert_eq!((seen[0].0, seen[1].0, &seen[1].1[..]), (500, 200, b"abc".as_slice()));
        assert_eq!((seen[2].0, seen[3].0), (502, 502), "a body that was not kept is not made up");
        assert_eq!(replay.answer(&Method::GET, "/a", "").status(), 404);
    }

    #[test]
    fn what_is_no_recording_is_refused_with_its_line() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{{}}").unwrap();
        let error = Replay::open(file.path()).unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
    }
}
