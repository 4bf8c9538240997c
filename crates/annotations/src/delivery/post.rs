//! One post over HTTP: never redirected, through no proxy, and given up in time.

use std::{
    fmt,
    io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable},
    time::{Duration, SystemTime},
};

use ureq::{
    Agent, Error, Timeout,
    http::{Response, header},
    tls::{RootCerts, TlsConfig},
};

use crate::{
    Authorization, Endpoint,
    payload::Queued,
    retry::{Reply, retry_after},
};

/// Nobody is waited for longer until a connection stands.
const CONNECT: Duration = Duration::from_secs(5);

/// What is read of an answer, and what is kept of it.
const ANSWER_BYTES: u64 = 64 << 10;
const SAID_CHARS: usize = 200;

/// Posts results.
pub(super) struct Poster {
    agent: Agent,
    endpoint: Endpoint,
    authorization: Option<Authorization>,
}

impl fmt::Debug for Poster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poster").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Poster {
    pub(super) fn new(
        endpoint: Endpoint,
        authorization: Option<Authorization>,
        timeout: Duration,
    ) -> Self {
        let roots = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let agent = Agent::config_builder()
            .timeout_global(Some(timeout))
            .timeout_connect(Some(timeout.min(CONNECT)))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .tls_config(roots)
            .user_agent(concat!("detections/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Self { agent, endpoint, authorization }
    }

    /// Posts `body`; `wall` is asked where the answer has dates.
    pub(super) fn post(
        &self,
        queued: &Queued,
        body: &[u8],
        wall: impl Fn() -> SystemTime,
    ) -> Reply {
        let mut request = self
            .agent
            .post(self.endpoint.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", queued.key());
        let authorization = queued.authorization.as_ref().or(self.authorization.as_ref());
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization.expose());
        }
        let mut response = match request.send(body) {
            Ok(response) => response,
            Err(error) => return failed(&error),
        };
        let code = response.status().as_u16();
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let date = text(header::DATE);
        let retry_after =
            text(header::RETRY_AFTER).and_then(|value| retry_after(value, date, wall()));
        let said = said(&mut response);
        let said = authorization.map_or(said.clone(), |authorization| authorization.redact(said));
        Reply::Status { code, retry_after, said }
    }
}

/// The beginning of an answer; reading it also lets the connection be used again.
fn said(response: &mut Response<ureq::Body>) -> String {
    let text =
        response.body_mut().with_config().limit(ANSWER_BYTES).lossy_utf8(true).read_to_string();
    let text = text.unwrap_or_default();
    text.trim().chars().take(SAID_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn failed(error: &Error) -> Reply {
    let told = error.to_string();
    let no_connection = matches!(
        error,
        Error::HostNotFound
            | Error::ConnectionFailed
            | Error::Tls(_)
            | Error::Rustls(_)
            | Error::Timeout(Timeout::Connect | Timeout::Resolve)
    );
    let no_route = matches!(error, Error::Io(error)
        if matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable));
    if no_connection || no_route { Reply::Unreachable(told) } else { Reply::Broken(told) }
}
