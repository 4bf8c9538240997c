//! One fetch of a key set, from a file or over HTTP: bounded in bytes and time, and never anywhere else than
//! to the address of the settings.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    net::IpAddr,
    path::PathBuf,
    time::Duration,
};

use ureq::{
    Agent,
    config::Config,
    http::Uri,
    tls::{RootCerts, TlsConfig},
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

use super::super::{KeyError, KeySet};

/// The largest key set.
const MAX_BYTES: u64 = 256 * 1024;

/// A fetch takes no longer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Whether keys may come over HTTP without encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainHttp {
    /// Never.
    Refused,
    /// From loopback and private addresses only, whatever the name resolves to.
    Private,
}

/// Where a key set comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwksSource {
    /// A file.
    File(PathBuf),
    /// An address.
    Url {
        /// The address.
        url: String,
        /// Whether only loopback and private addresses are spoken to.
        only_private: PlainHttp,
    },
}

/// Why keys are not fetched from an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// It is none.
    #[error("is neither a path nor an https address")]
    Malformed,
    /// It holds a password, which would be logged.
    #[error("must not hold a user or a password")]
    UserInfo,
    /// Whoever is on the way could put in keys of their own.
    #[error(
        "must be https; `access.jwks_http = \"private\"` allows http to loopback and private addresses"
    )]
    Plain,
}

impl JwksSource {
    /// Reads a path or an address.
    ///
    /// # Errors
    /// [`UrlFault`] when it looks like an address, and is not one to trust.
    pub fn parse(text: &str, plain: PlainHttp) -> Result<Self, UrlFault> {
        if !text.contains("://") {
            return Ok(Self::File(PathBuf::from(text)));
        }
        let uri: Uri = text.parse().map_err(|_no_uri| UrlFault::Malformed)?;
        let authority = uri.authority().ok_or(UrlFault::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(UrlFault::UserInfo);
        }
        let only_private = match (uri.scheme_str(), plain) {
            (Some("https"), _) => PlainHttp::Refused,
            (Some("http"), PlainHttp::Private) => PlainHttp::Private,
            (Some("http"), PlainHttp::Refused) => return Err(UrlFault::Plain),
            _ => return Err(UrlFault::Malformed),
        };
        Ok(Self::Url { url: text.to_owned(), only_private })
    }

    /// The keys of a file; those of an address are not asked for here.
    ///
    /// # Errors
    /// [`FetchError`] when the file cannot be read, or has no usable key.
    pub(crate) fn read_file(&self) -> Result<Option<KeySet>, FetchError> {
        match self {
            Self::File(path) => {
                let mut bytes = Vec::new();
                File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
                if bytes.len() as u64 > MAX_BYTES {
                    return Err(FetchError::TooLarge);
                }
                Ok(Some(KeySet::from_jwks(&bytes)?))
            }
            Self::Url { .. } => Ok(None),
        }
    }
}

impl fmt::Display for JwksSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            // A query may hold a secret.
            Self::Url { url, .. } => f.write_str(url.split('?').next().unwrap_or(url)),
        }
    }
}

/// Why there are no keys this time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum FetchError {
    /// The file cannot be read.
    #[error("it cannot be read")]
    File(#[from] io::Error),
    /// There is no answer, or not a good one.
    #[error("no answer to be used")]
    Http(#[from] Box<ureq::Error>),
    /// It is larger than any sensible set.
    #[error("it has more than {MAX_BYTES} bytes")]
    TooLarge,
    /// It has no keys.
    #[error("it cannot be used")]
    Keys(#[from] KeyError),
}

/// Fetches a key set again and again.
pub(super) struct Fetcher {
    source: JwksSource,
    agent: Agent,
}

impl Fetcher {
    pub(super) fn new(source: JwksSource) -> Self {
        let config = Config::builder()
            .timeout_global(Some(TIMEOUT))
            // Another address than that of the settings is never asked, and no proxy of the environment.
            .max_redirects(0)
            .proxy(None)
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
            .build();
        let only = match &source {
            JwksSource::Url { only_private, .. } => *only_private,
            JwksSource::File(_) => PlainHttp::Refused,
        };
        let resolver = Addresses { system: DefaultResolver::default(), only };
        let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);
        Self { source, agent }
    }

    pub(super) const fn source(&self) -> &JwksSource {
        &self.source
    }

    pub(super) fn fetch(&self) -> Result<KeySet, FetchError> {
        let url = match &self.source {
            JwksSource::File(_) => {
                return self.source.read_file()?.ok_or(FetchError::Keys(KeyError::Empty));
            }
            JwksSource::Url { url, .. } => url,
        };
        let request = self.agent.get(url).header("accept", "application/json");
        let mut answer = request.call().map_err(Box::new)?;
        if answer.status() != 200 {
            return Err(Box::new(ureq::Error::StatusCode(answer.status().as_u16())).into());
        }
        let body = answer.body_mut().with_config().limit(MAX_BYTES).read_to_vec();
        let body = body.map_err(|error| match Box::new(error) {
            error if matches!(*error, ureq::Error::BodyExceedsLimit(_)) => FetchError::TooLarge,
            error => error.into(),
        })?;
        Ok(KeySet::from_jwks(&body)?)
    }
}

/// Looks names up, and keeps to private addresses where nothing but the network protects the keys.
#[derive(Debug)]
struct Addresses {
    system: DefaultResolver,
    only: PlainHttp,
}

impl Resolver for Addresses {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.system.resolve(uri, config, timeout)?;
        let refused =
            self.only == PlainHttp::Private && !found.iter().all(|at| is_private(at.ip()));
        if refused {
            let problem = "the name is not of a loopback or private address";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem).into());
        }
        Ok(found)
    }
}

/// Loopback, the private networks of RFC 1918, and unique local addresses (RFC 4193).
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::{JwksSource, PlainHttp, UrlFault, is_private};

    #[test]
    fn paths_and_trusted_addresses_are_taken() {
        let parse = JwksSource::parse;
        let (refused, private) = (PlainHttp::Refused, PlainHttp::Private);
        assert!(matches!(parse("/etc/keys.json", refused), Ok(JwksSource::File(_))));
        assert!(matches!(parse("https://id.example/keys", refused), Ok(JwksSource::Url { .. })));
        assert_eq!(parse("http://id.example/keys", refused), Err(UrlFault::Plain));
        assert!(parse("http://id.example/keys", private).is_ok());
        assert_eq!(parse("https://u:p@id.example/", private), Err(UrlFault::UserInfo));
        for bad in ["ftp://id.example/", "https://", "file:///etc/keys", "https://a b/"] {
            assert_eq!(parse(bad, private), Err(UrlFault::Malformed), "{bad}");
        }
    }

    #[test]
    fn only_networks_that_nobody_else_is_on_are_private() {
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.20.0.2",
            "192.168.0.1",
            "::1",
            "fd00::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(is_private(address.parse().unwrap()), "{address}");
        }
        for address in [
            "8.8.8.8",
            "172.32.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "2001:db8::1",
            "fe80::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(!is_private(address.parse().unwrap()), "{address}");
        }
    }
}
