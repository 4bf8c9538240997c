//! A key set that changes while it is used, over a real socket.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use jsonwebtoken::Algorithm;
use serde_json::json;

use super::{
    super::{
        Access, AccessMetrics, KeySet, Need, Refusal, Scope, TokenList,
        signing::{claims, jwk, jwks, now, rules, sign},
    },
    JwksSource, PlainHttp,
    fetch::{FetchError, Fetcher},
};
use crate::config::{AccessConfig, JwksConfig, JwtConfig};

/// Answers every request with the same text, which can be changed.
#[derive(Clone)]
struct Issuer {
    url: String,
    answer: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    fn start(answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let issuer = Self { url, answer: Arc::new(Mutex::new(answer)), asked: Arc::default() };
        let serving = issuer.clone();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                lines.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
                serving.asked.fetch_add(1, Ordering::SeqCst);
                let answer = serving.answer.lock().unwrap().clone();
                // Whoever reads too little goes away early.
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        issuer
    }

    fn says(&self, answer: String) {
        *self.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn source(&self) -> JwksSource {
        JwksSource::parse(&self.url, PlainHttp::Private).unwrap()
    }
}

fn http(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn set_of(kid: &str) -> String {
    http("200 OK", &jwks(&[jwk(Algorithm::ES256, &json!({ "kid": kid }))]))
}

fn access(issuer: &Issuer, refresh: Duration, cooldown: Duration) -> Access {
    let jwks = JwksConfig { source: issuer.source(), at_start: None, refresh, cooldown };
    let jwt = JwtConfig { keys: KeySet::default(), jwks: Some(jwks), rules: rules() };
    let config = AccessConfig {
        tokens: TokenList::default(),
        tokens_file: None,
        jwt: Some(jwt),
        open: Vec::new(),
        forward: Vec::new(),
    };
    let access = Access::new(config, Arc::new(AccessMetrics::default()));
    access.watch().unwrap();
    access
}

async fn ask(access: &Access, kid: Option<&str>) -> Result<(), Refusal> {
    let header = format!("Bearer {}", sign(Algorithm::ES256, kid, &claims(&json!({}))));
    let headers = [header.as_bytes()];
    access.admit(Need::Scope(Scope::Detect), headers, now()).await.map(drop)
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it_and_an_old_one_ends() {
    let issuer = Issuer::start(set_of("old"));
    let access = access(&issuer, HOUR, Duration::ZERO);
    assert_eq!(ask(&access, Some("old")).await, Ok(()));
    assert_eq!(ask(&access, None).await, Ok(()));
    issuer.says(set_of("new"));
    assert_eq!(ask(&access, Some("new")).await, Ok(()), "without waiting for the interval");
    assert_eq!(ask(&access, Some("old")).await, Err(Refusal::UnknownKey));
}

#[tokio::test]
async fn tokens_with_unknown_keys_cannot_make_it_fetch_again_and_again() {
    let issuer = Issuer::start(set_of("a"));
    let access = access(&issuer, HOUR, HOUR);
    assert_eq!(ask(&access, Some("a")).await, Ok(()));
    for _ in 0..50 {
        assert_eq!(ask(&access, Some("b")).await, Err(Refusal::UnknownKey));
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn keys_stay_while_the_issuer_fails() {
    let issuer = Issuer::start(set_of("a"));
    let access = access(&issuer, HOUR, Duration::ZERO);
    assert_eq!(ask(&access, Some("a")).await, Ok(()));
    for bad in [
        http("500 Internal Server Error", "{}"),
        http("302 Found\r\nlocation: http://127.0.0.1:1/", ""),
        http("200 OK", "<html>"),
        http("200 OK", r#"{"keys":[]}"#),
        http("200 OK", &"x".repeat(300_000)),
        "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"keys\"".to_owned(),
        "nonsense".to_owned(),
    ] {
        issuer.says(bad);
        let before = issuer.asked();
        assert_eq!(ask(&access, Some("b")).await, Err(Refusal::UnknownKey));
        assert_eq!(issuer.asked(), before + 1, "it was asked for the unknown key");
        assert_eq!(ask(&access, Some("a")).await, Ok(()));
    }
}

#[tokio::test]
async fn without_any_key_yet_it_is_the_service_that_is_not_ready() {
    let issuer = Issuer::start(http("503 Service Unavailable", ""));
    let access = access(&issuer, HOUR, Duration::ZERO);
    for kid in [None, Some("a")] {
        assert_eq!(ask(&access, kid).await, Err(Refusal::KeysUnavailable));
    }
    issuer.says(set_of("a"));
    assert_eq!(ask(&access, Some("a")).await, Ok(()));
}

#[tokio::test]
async fn the_interval_brings_new_keys_by_itself() {
    let issuer = Issuer::start(set_of("old"));
    let access = access(&issuer, Duration::from_millis(5), HOUR);
    assert_eq!(ask(&access, Some("old")).await, Ok(()));
    issuer.says(set_of("new"));
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while ask(&access, Some("new")).await.is_err() {
        assert!(std::time::Instant::now() < deadline, "no new keys came");
        tokio::task::yield_now().await;
    }
}

#[test]
fn answers_that_are_too_large_or_no_keys_are_named() {
    let issuer = Issuer::start(http("200 OK", &"x".repeat(300_000)));
    let fetcher = Fetcher::new(issuer.source());
    assert!(matches!(fetcher.fetch(), Err(FetchError::TooLarge)));
    issuer.says(http("404 Not Found", ""));
    assert!(matches!(fetcher.fetch(), Err(FetchError::Http(_))));
    issuer.says(http("200 OK", "[]"));
    assert!(matches!(fetcher.fetch(), Err(FetchError::Keys(_))));
}

#[test]
fn plain_http_to_a_public_address_is_refused_before_a_byte_is_sent() {
    // An address of the range for documentation (RFC 5737), where nobody listens.
    let source = JwksSource::parse("http://192.0.2.1/keys", PlainHttp::Private).unwrap();
    let error = Fetcher::new(source).fetch().unwrap_err();
    assert!(crate::http::told_with_causes(&error).contains("loopback or private"), "{error:?}");
}

#[test]
fn a_file_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let source = JwksSource::parse(path.to_str().unwrap(), PlainHttp::Refused).unwrap();
    let fetcher = Fetcher::new(source);
    assert!(matches!(fetcher.fetch(), Err(FetchError::File(_))));
    std::fs::write(&path, jwks(&[jwk(Algorithm::ES256, &json!({}))])).unwrap();
    assert_eq!(fetcher.fetch().unwrap().len(), 1);
    std::fs::write(&path, "x".repeat(300_000)).unwrap();
    assert!(matches!(fetcher.fetch(), Err(FetchError::TooLarge)));
}
