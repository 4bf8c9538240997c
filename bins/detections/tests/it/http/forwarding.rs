//! A caller's token on its way to the services beside this one: to those that are to get it and to no other.

use std::{path::Path, sync::Arc};

use actix_web::{http::header::AUTHORIZATION, test::TestRequest, web::Data};
use detections::{
    access::{FreshToken, Scope},
    annotations::Annotations,
    config::{Config, Overrides},
    engine::Backend,
    http::Service,
    upkeep,
};

use super::{
    fixture::{detection, fixture, picture, send},
    neighbours::{Loader, Taker},
};

/// The services beside this one, whom it lets in, and where it keeps what it has.
struct World {
    loader: Loader,
    taker: Taker,
    caller: FreshToken,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let caller = FreshToken::make("ada", &[Scope::Admin], None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tokens.toml"), caller.entry()).unwrap();
        let loader = Loader::new();
        loader.put("m", std::fs::read(fixture("model/topview.onnx")).unwrap());
        Self { loader, taker: Taker::start(), caller, folder }
    }

    /// A service that hands its callers' tokens on to the services in `forward`.
    async fn service(&self, forward: &str) -> Data<Service> {
        let path = |name: &str| Path::join(self.folder.path(), name).to_str().unwrap().to_owned();
        let mut flags = Overrides::default();
        for (key, value) in [
            ("model.name", "m"),
            ("loader.url", &self.loader.url),
            ("loader.interval_ms", "0"),
            ("loader.token", "of-the-service"),
            ("annotations.url", &self.taker.url),
            ("annotations.token", "of-the-service"),
            ("access.tokens_file", &path("tokens.toml")),
            ("access.forward", forward),
            ("data.dir", &path("data")),
            ("infer.threads", "1"),
        ] {
            flags.set("test", key, value);
        }
        let config = Arc::new(Config::load(None, [], &flags).unwrap());
        let service = Data::new(Service::new(Arc::clone(&config)));
        service.annotate(Annotations::start(&config).unwrap().unwrap());
        let backend = Backend::open(&config.infer).unwrap();
        upkeep::spawn(&service, config, backend).unwrap().await.unwrap().unwrap();
        while self.ask(&service, TestRequest::get().uri("/health/ready")).await != 200 {
            tokio::task::yield_now().await;
        }
        service
    }

    async fn ask(&self, service: &Data<Service>, request: TestRequest) -> u16 {
        let token = format!("bearer  {}", self.caller.token());
        send(service, request.insert_header((AUTHORIZATION, token))).await.status
    }

    /// What the Loader and the Annotations service are shown when the caller reloads and sends a picture.
    async fn shown(&self, forward: &str) -> [String; 2] {
        let service = self.service(forward).await;
        let first = self.loader.borne();
        assert!(first.iter().all(|borne| borne == "Bearer of-the-service"), "nobody called yet");
        let reload = TestRequest::post().uri("/admin/reload");
        assert_eq!(self.ask(&service, reload).await, 200);
        assert_eq!(self.ask(&service, detection("", picture("harbour.png"))).await, 200);
        let post = self.taker.wait_until(|taken| !taken.is_empty()).remove(0);
        let asked = self.loader.borne().split_off(first.len());
        assert_eq!(asked.len(), 1);
        [asked[0].clone(), post.borne]
    }
}

#[actix_web::test]
async fn a_callers_token_goes_to_the_services_that_are_named() {
    let ours = || "Bearer of-the-service".to_owned();
    for (forward, to_loader, to_annotations) in
        [("loader,annotations", true, true), ("loader", true, false), ("annotations", false, true)]
    {
        let world = World::new();
        let callers = format!("Bearer {}", world.caller.token());
        let expected = [to_loader, to_annotations]
            .map(|forwarded| if forwarded { callers.clone() } else { ours() });
        assert_eq!(world.shown(forward).await, expected, "{forward}");
    }
}

#[actix_web::test]
async fn a_video_is_posted_for_who_sent_it() {
    let world = World::new();
    let service = world.service("annotations").await;
    let video = TestRequest::post().uri("/detect/video?max_frames=3");
    let video = video.set_payload(picture("traffic.mp4"));
    assert_eq!(world.ask(&service, video).await, 200);
    let posts = world.taker.wait_until(|taken| taken.len() >= 3);
    let callers = format!("Bearer {}", world.caller.token());
    assert!(posts.iter().all(|post| post.borne == callers));
}
