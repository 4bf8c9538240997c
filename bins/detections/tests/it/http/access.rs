//! Every route before no token, a bad one, one that may not, and a good one; jobs by their owners; and the
//! second port.

use actix_web::{
    http::header::AUTHORIZATION,
    test::{TestRequest, init_service, read_body, try_call_service},
    web::Data,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use detections::{
    access::{FreshToken, Scope},
    http::{Service, create_management_app},
};
use ring::hmac;
use serde_json::json;

use super::fixture::{Reply, detection, loading, picture, ready, send};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// Settings with a token of each scope, and a secret for signed ones.
struct Guarded {
    folder: tempfile::TempDir,
    tokens: Vec<FreshToken>,
}

impl Guarded {
    fn new() -> Self {
        let make = |scope: Scope| FreshToken::make(scope.word(), &[scope], None).unwrap();
        let tokens: Vec<_> = Scope::ALL.into_iter().map(make).collect();
        let folder = tempfile::tempdir().unwrap();
        let entries: String = tokens.iter().map(FreshToken::entry).collect();
        std::fs::write(folder.path().join("tokens.toml"), entries).unwrap();
        std::fs::write(folder.path().join("secret"), SECRET).unwrap();
        Self { folder, tokens }
    }

    fn settings<'a>(&self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, String)> {
        let file = |name: &str| self.folder.path().join(name).to_str().unwrap().to_owned();
        let mut settings = vec![
            ("access.tokens_file", file("tokens.toml")),
            ("access.secret_file", file("secret")),
            ("access.issuer", "https://id.example".to_owned()),
            ("access.audience", "detections".to_owned()),
        ];
        settings.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
        settings
    }

    fn loading(&self, more: &[(&str, &str)]) -> Data<Service> {
        let settings = self.settings(more);
        let settings: Vec<_> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
        loading(&settings)
    }

    fn ready(&self) -> Data<Service> {
        let settings = self.settings(&[]);
        let settings: Vec<_> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
        ready(&settings)
    }

    fn token(&self, scope: Scope) -> &str {
        let place = Scope::ALL.into_iter().position(|one| one == scope).unwrap();
        self.tokens[place].token()
    }
}

fn with(request: TestRequest, token: &str) -> TestRequest {
    request.insert_header((AUTHORIZATION, format!("Bearer {token}")))
}

fn signed(changes: &serde_json::Value) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let mut claims = json!({
        "sub": "ada", "iss": "https://id.example", "aud": "detections", "scope": "detect jobs",
        "exp": now + 300,
    });
    let all = claims.as_object_mut().unwrap();
    all.extend(changes.as_object().unwrap().clone());
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", part(r#"{"alg":"HS256"}"#), part(&claims.to_string()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), message.as_bytes());
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
}

/// Method and path of every route that asks for something, and the scope, if it is one.
const ROUTES: [(&str, &str, Option<Scope>); 13] = [
    ("POST", "/detect", Some(Scope::Detect)),
    ("POST", "/detect/video", Some(Scope::Detect)),
    ("GET", "/detect", Some(Scope::Detect)),
    ("POST", "/%64etect", Some(Scope::Detect)),
    ("GET", "/jobs/6f0a1c1e-0f5e-4c07-9a54-0d9b5a3f4b11", Some(Scope::Jobs)),
    ("HEAD", "/jobs/6f0a1c1e-0f5e-4c07-9a54-0d9b5a3f4b11", Some(Scope::Jobs)),
    ("DELETE", "/jobs/6f0a1c1e-0f5e-4c07-9a54-0d9b5a3f4b11", Some(Scope::Jobs)),
    ("GET", "/jobs/6f0a1c1e-0f5e-4c07-9a54-0d9b5a3f4b11/events", Some(Scope::Jobs)),
    ("POST", "/admin/nothing", Some(Scope::Admin)),
    ("GET", "/info", None),
    ("GET", "/metrics", None),
    ("GET", "/openapi.json", None),
    ("GET", "/nowhere", None),
];

fn request(method: &str, path: &str) -> TestRequest {
    TestRequest::default().method(method.parse().unwrap()).uri(path)
}

#[actix_web::test]
async fn every_route_asks_for_what_it_is_worth() {
    let guarded = Guarded::new();
    let service = guarded.loading(&[]);
    for (method, path, needs) in ROUTES {
        let asked = format!("{method} {path}");
        let reply = send(&service, request(method, path)).await;
        assert_eq!(reply.status, 401, "{asked}");
        assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"detections\"", "{asked}");
        let reply = send(&service, with(request(method, path), &"x".repeat(68))).await;
        assert_eq!(reply.status, 401, "{asked}");
        assert!(reply.header("www-authenticate").contains("error=\"invalid_token\""), "{asked}");
        for scope in Scope::ALL {
            let reply = send(&service, with(request(method, path), guarded.token(scope))).await;
            let may = needs.is_none_or(|needed| needed == scope) || scope == Scope::Admin;
            assert_eq!(reply.status == 403, !may, "{asked} with {scope:?}: {}", reply.status);
            assert_ne!(reply.status, 401, "{asked} with {scope:?}");
            if let (403, Some(needed)) = (reply.status, needs) {
                let challenge = reply.header("www-authenticate");
                let scope = format!("error=\"insufficient_scope\", scope=\"{}\"", needed.word());
                assert!(challenge.ends_with(&scope), "{challenge}");
            }
        }
    }
    for path in ["/health", "/health/live"] {
        assert_eq!(send(&service, request("GET", path)).await.status, 200, "{path}");
    }
}

#[actix_web::test]
async fn what_is_open_asks_for_nothing() {
    let guarded = Guarded::new();
    let service = guarded.loading(&[("access.open", "metrics,docs")]);
    for (path, status) in
        [("/health", 401), ("/metrics", 200), ("/openapi.json", 200), ("/docs/", 200)]
    {
        assert_eq!(send(&service, request("GET", path)).await.status, status, "{path}");
    }
}

#[actix_web::test]
async fn signed_tokens_are_taken_and_told_what_is_wrong_with_them() {
    let guarded = Guarded::new();
    let service = guarded.ready();
    let reply = send(&service, with(detection("", picture("town.jpg")), &signed(&json!({})))).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let none = format!(
        "{}.{}.",
        BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
        BASE64_URL_SAFE_NO_PAD.encode(r#"{"sub":"ada","scope":"detect","exp":9e9}"#)
    );
    for (token, told) in [
        (signed(&json!({ "exp": 1000 })), "the token has expired"),
        (signed(&json!({ "nbf": 9e9 })), "the token is not valid yet"),
        (signed(&json!({ "aud": "others" })), "the token is meant for another service"),
        (signed(&json!({ "iss": "others" })), "the token was issued by somebody else"),
        (none, "the token cannot be verified"),
    ] {
        let reply = send(&service, with(detection("", picture("town.jpg")), &token)).await;
        assert_eq!(reply.problem(401), ("invalid_token".to_owned(), told.to_owned()));
        assert!(reply.header("www-authenticate").contains(told), "{reply:?}");
    }
    let reply =
        send(&service, with(detection("", Vec::new()), &signed(&json!({ "scope": "jobs" })))).await;
    assert_eq!(reply.problem(403).0, "insufficient_scope");
}

#[actix_web::test]
async fn a_refused_request_is_not_admitted_and_is_counted_by_its_reason() {
    let guarded = Guarded::new();
    let service = guarded.ready();
    let held: Vec<_> = (0..64).map(|_| service.gate().admit(0).unwrap()).collect();
    let reply = send(&service, detection("unknown=1", picture("town.jpg"))).await;
    assert_eq!(reply.problem(401).0, "token_missing");
    drop(held);
    let twice = detection("", Vec::new())
        .append_header((AUTHORIZATION, format!("Bearer {}", guarded.token(Scope::Admin))))
        .append_header((AUTHORIZATION, format!("Bearer {}", guarded.token(Scope::Admin))));
    assert_eq!(send(&service, twice).await.problem(401).0, "invalid_token");
    let metrics = with(request("GET", "/metrics"), guarded.token(Scope::Jobs));
    let text = String::from_utf8(send(&service, metrics).await.body.to_vec()).unwrap();
    for line in [
        "detections_access_refused_total{reason=\"missing\"} 1",
        "detections_access_refused_total{reason=\"malformed\"} 1",
    ] {
        assert!(text.contains(line), "{line} is missing in:\n{text}");
    }
    assert!(!text.contains(guarded.token(Scope::Jobs)));
}

#[actix_web::test]
async fn the_description_says_which_token_each_route_asks_for() {
    let guarded = Guarded::new();
    let service = guarded.loading(&[("access.open", "health,docs")]);
    let api = send(&service, request("GET", "/openapi.json")).await.json();
    let scheme = &api["components"]["securitySchemes"]["bearer"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("bearer")));
    let detect = &api["paths"]["/detect"]["post"];
    assert_eq!(detect["security"], json!([{ "bearer": ["detect"] }]));
    assert!(detect["responses"]["401"].is_object() && detect["responses"]["403"].is_object());
    assert_eq!(api["paths"]["/info"]["get"]["security"], json!([{ "bearer": [] }]));
    assert!(api["paths"]["/health"]["get"]["security"].is_null());
    let open = send(&loading(&[]), request("GET", "/openapi.json")).await.json();
    assert!(open["components"]["securitySchemes"].is_null());
    assert!(open["paths"]["/detect"]["post"]["security"].is_null());
}

const JOB: &str = "6f0a1c1e-0f5e-4c07-9a54-0d9b5a3f4b11";

fn job(method: &str, more: &str, token: &str) -> TestRequest {
    with(request(method, &format!("/jobs/{JOB}{more}")), token)
}

#[actix_web::test]
async fn a_job_belongs_to_who_made_it() {
    let guarded = Guarded::new();
    let service = guarded.ready();
    let [ada, bob] = ["ada", "bob"].map(|sub| signed(&json!({ "sub": sub })));
    let elsewhere = signed(&json!({ "iss": "https://id.example", "sub": "ada " }));
    let make = |token: &str| {
        let upload = TestRequest::post().uri("/detect/video?async=true&max_frames=1");
        with(upload, token).insert_header(("x-job-id", JOB)).set_payload(picture("traffic.mp4"))
    };
    assert_eq!(send(&service, make(&ada)).await.status, 202);
    assert_eq!(send(&service, job("GET", "", &ada)).await.status, 200);
    for other in [bob.as_str(), &elsewhere, guarded.token(Scope::Jobs)] {
        for (method, more) in [("GET", ""), ("GET", "/events"), ("DELETE", "")] {
            let reply = send(&service, job(method, more, other)).await;
            assert_eq!(reply.problem(404).0, "unknown_job", "{method} {more}");
        }
    }
    assert_eq!(send(&service, make(&ada)).await.problem(409).0, "job_exists");
    assert_eq!(send(&service, make(&bob)).await.status, 202, "names of others are not taken");
    assert_eq!(send(&service, job("GET", "", guarded.token(Scope::Admin))).await.status, 200);
    let mut status = send(&service, job("DELETE", "", &ada)).await.status;
    while status == 200 {
        status = send(&service, job("DELETE", "", &ada)).await.status;
    }
    assert_eq!(status, 204);
    assert_eq!(send(&service, job("GET", "", &ada)).await.status, 404);
    assert_eq!(send(&service, job("GET", "", &bob)).await.status, 200);
}

async fn send_to_management(service: &Data<Service>, request: TestRequest) -> Reply {
    let app = init_service(create_management_app(service.clone())).await;
    let response = try_call_service(&app, request.to_request()).await.unwrap();
    Reply {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: read_body(response).await,
    }
}

#[actix_web::test]
async fn health_and_metrics_move_to_the_second_port() {
    let guarded = Guarded::new();
    let second = [("server.management_bind", "127.0.0.1:0")];
    let (closed, open) = (guarded.loading(&second), loading(&second));
    for path in ["/health", "/health/live", "/metrics"] {
        for service in [&closed, &open] {
            let reply = send_to_management(service, request("GET", path)).await;
            assert_eq!(reply.status, 200, "{path}");
        }
        assert_eq!(send(&open, request("GET", path)).await.status, 404, "{path}");
        let reply = send(&closed, with(request("GET", path), guarded.token(Scope::Admin))).await;
        assert_eq!(reply.status, 404, "{path}");
    }
    assert_eq!(send_to_management(&open, request("POST", "/detect")).await.status, 404);
    assert_eq!(send_to_management(&closed, request("POST", "/admin/x")).await.status, 401);
    let jobs = with(request("POST", "/admin/x"), guarded.token(Scope::Jobs));
    assert_eq!(send_to_management(&closed, jobs).await.status, 403);
    let paths = send(&open, request("GET", "/openapi.json")).await.json()["paths"].clone();
    assert!(
        paths["/detect"].is_object() && paths["/health"].is_null() && paths["/metrics"].is_null()
    );
}
