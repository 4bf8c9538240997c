//! Models swapped under load: no request fails, and each answer is the one that exactly one model gives, which is that
//! of the model's golden reference. Long with `DETECTIONS_E2E_SWAP_S`, the seconds that 16 clients ask while 10 swaps
//! happen.

use std::{
    collections::HashMap,
    env,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use detections_e2e::{http::Client, mock::Mock, picture::fixture, server::Server, shared, wait};
use reqwest::Method;
use serde_json::json;

use super::{MODELS, PATIENCE, health, is, settings, shelf, text};
use crate::golden;

/// What a picture is sent for; small and with objects.
const PICTURE: &str = "media/harbour.png";
/// Its name among the golden references.
const REFERENCE: &str = "harbour.png";

/// How many clients ask for how long at least, and how often the model changes meanwhile.
struct Load {
    clients: usize,
    swaps: usize,
    lasts: Duration,
}

impl Load {
    fn wanted() -> Result<Self> {
        let Ok(seconds) = env::var("DETECTIONS_E2E_SWAP_S") else {
            return Ok(Self { clients: 4, swaps: 5, lasts: Duration::ZERO });
        };
        let lasts = Duration::from_secs(seconds.parse().context("DETECTIONS_E2E_SWAP_S")?);
        Ok(Self { clients: 16, swaps: 10, lasts })
    }
}

/// The detections of each model by its digest, as bytes.
type References = HashMap<String, String>;

/// An answer: the digest of its model and its detections.
fn answer(client: &Client) -> Result<(String, String)> {
    let reply = client.post("/detect", &[], fixture(PICTURE)?)?;
    ensure!(reply.status == 200, "{}", reply.text());
    let model = reply.json()?["model"]["sha256"].as_str().context("no digest")?.to_owned();
    Ok((model, reply.detections()?))
}

/// The answer of one model, held to what OpenCV and ONNX Runtime found with it.
fn reference(model: &str, client: &Client) -> Result<(String, String)> {
    let (digest, detections) = answer(client)?;
    golden::agree_on(model, REFERENCE, &serde_json::from_str::<Vec<_>>(&detections)?)?;
    Ok((digest, detections))
}

fn reload(server: &Server) -> Result<()> {
    let reply = server.client().send(Method::POST, "/admin/reload", &[], Vec::new())?;
    let told = reply.json()?;
    ensure!(reply.status == 200 && told["model"] == "swapped", "{told}");
    Ok(())
}

/// One client's answers until `stop`, each compared with its model's.
fn ask(
    client: &Client,
    references: &References,
    stop: &AtomicBool,
    told: &AtomicUsize,
) -> Result<()> {
    while !stop.load(Ordering::Relaxed) {
        let (model, detections) = answer(client)?;
        let reference = references.get(&model).context("a model that is none of the two")?;
        ensure!(*reference == detections, "the boxes of {model} are not its own: {detections}");
        told.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

#[test]
fn no_request_fails_or_mixes_models_while_they_are_swapped() -> Result<()> {
    let load = Load::wanted()?;
    let (models, data) = (shelf(MODELS[0])?, tempfile::tempdir()?);
    let mock = Mock::loader(text(models.path())?, &[])?;
    let url = mock.url();
    let more = [
        ("LOADER_URL", url.as_str()),
        ("MODEL", "m"),
        ("DETECTIONS__LOADER__INTERVAL_MS", "0"),
        ("DETECTIONS__SERVER__TIMEOUT_MS", "120000"),
    ];
    let server = Server::start(&settings(data.path(), &more)?)?;
    let mut references = References::new();
    references.extend([reference(MODELS[0], server.client())?]);
    mock.put_file("m.onnx", fixture(MODELS[1])?)?;
    reload(&server)?;
    references.extend([reference(MODELS[1], server.client())?]);
    ensure!(references.len() == 2, "two models with one answer tell nothing");

    let (stop, told) = (AtomicBool::new(false), AtomicUsize::new(0));
    let started = Instant::now();
    thread::scope(|scope| -> Result<()> {
        let clients: Vec<_> = (0..load.clients)
            .map(|_| scope.spawn(|| ask(server.client(), &references, &stop, &told)))
            .collect();
        let swapped = swap(&load, &server, &mock, &told);
        // Also when a swap failed: otherwise the clients would go on for ever.
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().ok().context("a client panicked")??;
        }
        swapped
    })?;
    let (told, clients, swaps) = (told.into_inner(), load.clients, load.swaps);
    shared::note(&format!(
        "{told} answers to {clients} clients over {swaps} swaps in {:.1} s, none failed or mixed",
        started.elapsed().as_secs_f64()
    ));
    health(&server, "health", |health| is(health, "healthy"))?;
    Ok(())
}

/// Swaps the model again and again; between two swaps each client is answered at least once on average.
fn swap(load: &Load, server: &Server, mock: &Mock, told: &AtomicUsize) -> Result<()> {
    let pause = load.lasts / u32::try_from(load.swaps)?;
    for round in 0..load.swaps {
        let (since, before) = (Instant::now(), told.load(Ordering::Relaxed));
        wait::until("answers", PATIENCE, || {
            let answered = told.load(Ordering::Relaxed) >= before + load.clients;
            (answered && since.elapsed() >= pause).then_some(())
        })?;
        mock.put_file("m.onnx", fixture(MODELS[round % 2])?)?;
        reload(server)?;
    }
    Ok(())
}

#[test]
fn a_second_reload_is_refused_while_the_first_goes_on() -> Result<()> {
    let (models, data) = (shelf(MODELS[0])?, tempfile::tempdir()?);
    let mock = Mock::loader(text(models.path())?, &[])?;
    let url = mock.url();
    let more =
        [("LOADER_URL", url.as_str()), ("MODEL", "m"), ("DETECTIONS__LOADER__INTERVAL_MS", "0")];
    let server = Server::start(&settings(data.path(), &more)?)?;
    let before = mock.requests()?.len();
    mock.faults(&json!([{"fault": "hang"}]))?;
    let client = server.client().clone();
    let first = thread::spawn(move || client.post("/admin/reload", &[], Vec::new()));
    wait::until("the first reload", PATIENCE, || {
        (mock.requests().ok()?.len() > before).then_some(())
    })?;
    let second = server.client().post("/admin/reload", &[], Vec::new())?;
    assert_eq!((second.status, &second.json()?["code"]), (409, &json!("reload_running")));
    assert_eq!(server.client().post("/detect", &[], fixture(PICTURE)?)?.status, 200);
    drop(mock);
    let first = first.join().ok().context("the client panicked")??.json()?;
    assert_eq!(first["model"], "refused", "{first}");
    Ok(())
}
