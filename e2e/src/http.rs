//! An ordinary client of the service: requests over kept connections, answers read to their end.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result};
use reqwest::{Method, blocking};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// Longer than any answer of a healthy server takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The first header of this name, which is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body as text, for messages and for pages.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("status {}, not JSON: `{}`", self.status, self.text()))
    }

    /// The bytes of the `detections` array, as the server spelled them.
    ///
    /// # Errors
    /// When this is no image response.
    pub fn detections(&self) -> Result<String> {
        #[derive(Deserialize)]
        struct Detections<'body> {
            #[serde(borrow)]
            detections: &'body RawValue,
        }
        let found: Detections = serde_json::from_slice(&self.body)
            .with_context(|| format!("status {}: `{}`", self.status, self.text()))?;
        Ok(found.detections.get().to_owned())
    }
}

/// A client of one server; clones share its kept connections.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    client: blocking::Client,
}

impl Client {
    /// A client of the server at `address`.
    ///
    /// # Errors
    /// When the client library cannot be set up.
    pub fn new(address: SocketAddr) -> Result<Self> {
        let client = blocking::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        Ok(Self { base: format!("http://{address}"), client })
    }

    /// `GET target`.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn get(&self, target: &str) -> Result<Reply> {
        self.send(Method::GET, target, &[], Vec::new())
    }

    /// `POST target` with a body and headers.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn post(&self, target: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Result<Reply> {
        self.send(Method::POST, target, headers, body)
    }

    /// Any request.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn send(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Reply> {
        let request = self.client.request(method, format!("{}{target}", self.base)).body(body);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = request.send().with_context(|| target.to_owned())?;
        let spell =
            |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            };
        Ok(Reply {
            status: answer.status().as_u16(),
            headers: answer.headers().iter().map(spell).collect(),
            body: answer.bytes().with_context(|| target.to_owned())?.to_vec(),
        })
    }
}

/// A multipart body of `(name, file name, content)` fields, and its content type.
#[must_use]
pub fn multipart(fields: &[(&str, Option<&str>, &[u8])]) -> (String, Vec<u8>) {
    const BOUNDARY: &str = "e2e-boundary-7MA4YWxkTrZu0gW";
    let mut body = Vec::new();
    for (name, file, content) in fields {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

#[cfg(test)]
mod tests {
    use super::{Reply, multipart};

    #[test]
    fn detections_are_cut_out_as_they_were_spelled() {
        let body = br#"{"id":"a","detections":[{"x": 1.50}],"timing_ms":{}}"#.to_vec();
        let reply = Reply { status: 200, headers: Vec::new(), body };
        assert_eq!(reply.detections().unwrap(), r#"[{"x": 1.50}]"#);
    }

    #[test]
    fn multipart_bodies_name_their_fields() {
        let (kind, body) = multipart(&[("file", Some("a.png"), b"\x89P"), ("config", None, b"{}")]);
        let boundary = kind.split_once("boundary=").unwrap().1;
        let text = String::from_utf8_lossy(&body).into_owned();
        assert!(text.contains("name=\"file\"; filename=\"a.png\"\r\n\r\n"), "{text}");
        assert!(text.ends_with(&format!("{{}}\r\n--{boundary}--\r\n")), "{text}");
    }
}
