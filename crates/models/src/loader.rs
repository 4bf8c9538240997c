//! The Loader over HTTP: asks for a file under conditions and hands back what the answer is, its body unread.

use std::{fmt, io::Read, time::Duration};

use ureq::{
    Agent, Body,
    config::Config,
    http::{Response, StatusCode, Uri, header},
    tls::{RootCerts, TlsConfig},
};

use crate::{
    BearerToken, ModelsError,
    address::{Address, printable, redirected},
    stated::Stated,
};

/// Redirects that are followed, all to the same host.
const MAX_REDIRECTS: usize = 5;

/// One download takes no longer; the next goes on where it stopped.
const LONGEST_BODY: Duration = Duration::from_secs(3600);

/// Where the Loader is and how it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoaderOptions {
    /// Its base address, such as `http://loader:8080`.
    pub url: String,
    /// The path of a file, with `{name}` once in it.
    pub path: String,
    /// How long a connection, the head of an answer, or a pause within a body may take.
    pub timeout: Duration,
    /// What opens its door.
    pub token: Option<BearerToken>,
}

/// A client of the Loader service.
pub struct Loader {
    agent: Agent,
    address: Address,
    token: Option<BearerToken>,
}

/// What is asked of the Loader.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Get<'a> {
    pub(crate) url: &'a Uri,
    /// Instead of the configured one.
    pub(crate) token: Option<&'a BearerToken>,
    /// The tag of what is known already.
    pub(crate) known: Option<&'a str>,
    /// How many bytes are there already, and of what tag.
    pub(crate) resume: Option<(u64, &'a str)>,
}

/// What the Loader answered.
pub(crate) enum Answer {
    /// What is known is what there is.
    NotModified,
    /// What was begun cannot be continued.
    RangeRefused,
    /// The file, or the rest of it where `stated.start` is not 0.
    File { stated: Stated, body: Box<dyn Read> },
}

impl Loader {
    /// A client; nothing is asked yet.
    ///
    /// # Errors
    /// [`ModelsError::BadAddress`].
    pub fn new(options: &LoaderOptions) -> Result<Self, ModelsError> {
        let address = Address::parse(&options.url, &options.path)?;
        let patience = Some(options.timeout);
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let config = Config::builder()
            // The environment is the program's to read.
            .proxy(None)
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .accept_encoding("identity")
            .accept("*/*")
            .user_agent(concat!("detections/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(patience)
            .timeout_connect(patience)
            .timeout_send_request(patience)
            .timeout_recv_response(patience)
            .timeout_per_read(patience)
            .timeout_recv_body(Some(LONGEST_BODY))
            .build();
        Ok(Self { agent: Agent::new_with_config(config), address, token: options.token.clone() })
    }

    /// The address of the file called `name`.
    pub(crate) fn url(&self, name: &str) -> Result<Uri, ModelsError> {
        self.address.of(name)
    }

    /// Asks, and follows redirects that stay with the host.
    pub(crate) fn get(&self, get: &Get<'_>) -> Result<Answer, ModelsError> {
        let mut url = get.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send(&url, get).map_err(|error| failed(&url, error))?;
            let Some(location) = redirect(&response) else { return answer(&url, get, response) };
            url = redirected(&url, &location)?;
        }
        Err(ModelsError::BadAnswer { url: url.to_string(), problem: "it redirects without an end" })
    }

    fn send(&self, url: &Uri, get: &Get<'_>) -> Result<Response<Body>, ureq::Error> {
        let mut request = self.agent.get(url);
        if let Some(token) = get.token.or(self.token.as_ref()) {
            request = request.header(header::AUTHORIZATION, token.header());
        }
        if let Some(known) = get.known {
            request = request.header(header::IF_NONE_MATCH, known);
        }
        if let Some((length, etag)) = get.resume {
            request = request.header(header::RANGE, format!("bytes={length}-"));
            request = request.header(header::IF_RANGE, etag);
        }
        request.call()
    }
}

impl fmt::Debug for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loader").field("address", &self.address).finish_non_exhaustive()
    }
}

fn redirect(response: &Response<Body>) -> Option<String> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(header::LOCATION)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

fn answer(url: &Uri, get: &Get<'_>, response: Response<Body>) -> Result<Answer, ModelsError> {
    let name = || url.to_string();
    let file = |stated: Result<Stated, &'static str>, body: Body| match stated {
        Ok(stated) => Ok(Answer::File { stated, body: Box::new(body.into_reader()) }),
        Err(problem) => Err(ModelsError::BadAnswer { url: name(), problem }),
    };
    let (head, body) = response.into_parts();
    match head.status {
        StatusCode::OK => file(Stated::whole(&head.headers), body),
        StatusCode::PARTIAL_CONTENT if get.resume.is_some() => {
            file(Stated::rest(&head.headers), body)
        }
        StatusCode::NOT_MODIFIED if get.known.is_some() => Ok(Answer::NotModified),
        StatusCode::RANGE_NOT_SATISFIABLE if get.resume.is_some() => Ok(Answer::RangeRefused),
        StatusCode::NOT_FOUND => Err(ModelsError::NotFound { url: name() }),
        status => Err(ModelsError::Status { url: name(), status: status.as_u16() }),
    }
}

/// What became of a request that brought no answer.
fn failed(url: &Uri, error: ureq::Error) -> ModelsError {
    let url = printable(&url.to_string());
    if is_timeout(&error) {
        return ModelsError::TimedOut { url };
    }
    ModelsError::Unreachable { url, source: Box::new(error) }
}

/// Whether an error is one of time.
pub(crate) fn is_timeout(error: &ureq::Error) -> bool {
    let io = if let ureq::Error::Io(error) = error { Some(error.kind()) } else { None };
    matches!(error, ureq::Error::Timeout(_)) || io == Some(std::io::ErrorKind::TimedOut)
}
