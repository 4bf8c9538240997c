//! Jobs: a video that is uploaded on one connection and told of on others, by its id.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use detections_e2e::{
    events::Events,
    footage::{Container, Footage},
    server::Server,
    upload::{self, Answer, Pace, Upload},
    wait,
};
use reqwest::Method;
use serde_json::Value;

use super::{TARGET, quick_server, read};

const PATIENCE: Duration = Duration::from_secs(60);
const TARGET_OF_JOBS: &str = "/detect/video?async=true&confidence=0.9";

/// An id that no other test uses.
fn new_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("11111111-2222-4333-8444-{:012}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// An upload that takes some seconds, and when it was answered.
struct Sending(JoinHandle<Result<(Answer, Duration)>>);

impl Sending {
    fn start(
        server: &Server,
        target: &'static str,
        id: &str,
        video: &[u8],
        started: Instant,
    ) -> Self {
        let (address, id, video) = (server.address(), id.to_owned(), video.to_vec());
        Self(thread::spawn(move || {
            let headers = [("X-Job-Id", id.as_str())];
            let pace = Pace::BytesPerSecond(700_000);
            let upload = Upload { headers: &headers, pace, ..Upload::to(target) };
            Ok((upload::send(address, &upload, video.as_slice())?, started.elapsed()))
        }))
    }

    fn finish(self) -> Result<(Answer, Duration)> {
        self.0.join().ok().context("the client panicked")?
    }
}

fn state(server: &Server, id: &str) -> Option<Value> {
    let reply = server.client().get(&format!("/jobs/{id}")).ok()?;
    (reply.status == 200).then(|| reply.json().ok())?
}

fn wait_for_job(server: &Server, id: &str) -> Result<Value> {
    wait::until("the job", PATIENCE, || state(server, id))
}

#[test]
fn a_job_is_told_on_other_connections_while_its_upload_runs() -> Result<()> {
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let server = quick_server(&[])?;
    let video = read(&footage.in_container(Container::TransportStream)?)?;
    let (id, started) = (new_id(), Instant::now());
    let sending = Sending::start(&server, TARGET_OF_JOBS, &id, &video, started);
    wait_for_job(&server, &id)?;

    let target = format!("/jobs/{id}/events");
    let first = upload::watch(server.address(), &target, &[], started, 60)?;
    let seen = numbers(&first)?;
    let last = seen.last().context("no event")?.to_string();
    let rest =
        upload::watch(server.address(), &target, &[("Last-Event-ID", &last)], started, usize::MAX)?;
    let (accepted, answered) = sending.finish()?;
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    assert!(accepted.text().contains(&id), "{}", accepted.text());
    let early = first.lines.last().context("no line")?.at;
    ensure!(early < answered, "events came at {early:?}, the upload was over at {answered:?}");

    let whole = upload::watch(server.address(), &target, &[], started, usize::MAX)?;
    let events = Events::of(&whole)?;
    ensure!(events.frames()?.len() == 377 && events.end().is_ok(), "{}", events.end()?);
    let resumed: Vec<_> = seen.iter().copied().chain(numbers(&rest)?).collect();
    assert_eq!(resumed, numbers(&whole)?, "events were lost or told twice");
    Ok(())
}

fn numbers(answer: &Answer) -> Result<Vec<u64>> {
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    let lines = answer.lines.iter().filter_map(|line| line.text.strip_prefix("id:"));
    // A reader that left in the middle of an event has its number and not its object.
    lines.map(|number| Ok(number.trim().parse()?)).collect()
}

#[test]
fn a_job_that_is_cancelled_ends_at_once_and_says_so() -> Result<()> {
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let server = quick_server(&[])?;
    let video = read(&footage.in_container(Container::TransportStream)?)?.repeat(20);
    let (id, started) = (new_id(), Instant::now());
    let sending = Sending::start(&server, TARGET_OF_JOBS, &id, &video, started);
    wait_for_job(&server, &id)?;
    let target = format!("/jobs/{id}");
    let cancelled = server.client().send(Method::DELETE, &target, &[], Vec::new())?;
    assert!([200, 202, 204].contains(&cancelled.status), "{}", cancelled.text());
    let (answer, answered) = sending.finish()?;
    ensure!(answered < Duration::from_secs(40), "the upload went on for {answered:?}");
    ensure!(!answer.sent_all, "the upload was read to its end: {}", answer.text());
    let events = format!("{target}/events");
    let told = upload::watch(server.address(), &events, &[], started, usize::MAX)?;
    let events = Events::of(&told)?;
    let last = events.of_kind("error").last().context("no error")?;
    assert_eq!((&last["code"], &last["fatal"]), (&"cancelled".into(), &true.into()), "{last}");
    Ok(())
}

#[test]
fn ids_are_checked_and_belong_to_one_job() -> Result<()> {
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let server = quick_server(&[])?;
    let video = read(&footage.in_container(Container::Matroska)?)?;
    let unknown = format!("/jobs/{}", new_id());
    for target in [unknown.clone(), format!("{unknown}/events")] {
        assert_eq!(server.client().get(&target)?.status, 404);
    }
    assert_eq!(server.client().send(Method::DELETE, &unknown, &[], Vec::new())?.status, 404);
    let id = new_id();
    let headers = [("X-Job-Id", id.as_str())];
    let post = |headers: &[(&str, &str)]| {
        let upload = Upload { headers, ..Upload::to(TARGET_OF_JOBS) };
        upload::send(server.address(), &upload, video.as_slice())
    };
    assert_eq!(post(&headers)?.status, 202);
    let again = post(&headers)?;
    assert_eq!(again.status, 409, "{}", again.text());
    let wrong = post(&[("X-Job-Id", "../../etc/passwd")])?;
    assert_eq!(wrong.status, 400, "{}", wrong.text());
    Ok(())
}

#[test]
fn a_signal_closes_the_streams_of_videos() -> Result<()> {
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let mut server = quick_server(&[("DETECTIONS__SERVER__SHUTDOWN_GRACE_MS", "20000")])?;
    let video = read(&footage.in_container(Container::TransportStream)?)?.repeat(20);
    let started = Instant::now();
    let sending = Sending::start(&server, TARGET, &new_id(), &video, started);
    wait::until("a frame", PATIENCE, || {
        let page = server.client().get("/metrics").ok()?.text();
        let frames =
            detections_e2e::metrics::sum(&page, "detections_video_frames_inferred_total", "");
        frames.is_some_and(|frames| frames > 0.0).then_some(())
    })?;
    server.signal("TERM")?;
    let (answer, answered) = sending.finish()?;
    ensure!(answered < Duration::from_secs(30), "the upload went on for {answered:?}");
    let events = Events::of(&answer)?;
    ensure!(events.end().is_err(), "a video that was cut came to an end: {}", events.end()?);
    assert_eq!(server.wait_for_end(PATIENCE)?.code(), Some(0), "{}", server.log());
    Ok(())
}
