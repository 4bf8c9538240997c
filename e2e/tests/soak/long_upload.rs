//! Uploads that go on for minutes: memory stays below a bound and flat, for one and for four at once.

use std::{io::Read as _, thread, time::Instant};

use anyhow::{Context, Result, ensure};
use detections_e2e::{
    events::Events,
    footage::{Container, Endless, Footage},
    memory, process,
    server::Server,
    upload::{self, Pace, Upload},
    wait,
};

use crate::{PATIENCE, alone, check_health, real_model, say, serve, setting, settle};

/// How much each client sends; 1024 takes more than four minutes for each of the two tests.
const VARIABLE: &str = "DETECTIONS_E2E_UPLOAD_MIB";
const SHORT_MIB: u64 = 48;
const MIB: u64 = 1 << 20;

/// A GiB lasts more than four minutes.
const PACE: Pace = Pace::BytesPerSecond(4_000_000);

/// What the service may take, however much is sent.
const MOST_BYTES: u64 = 400 * MIB;

#[test]
fn one_long_upload_takes_bounded_memory() -> Result<()> {
    hold(&[Container::TransportStream], "/detect/video?frames=every:30")
}

#[test]
fn four_long_uploads_at_once_take_bounded_memory() -> Result<()> {
    let containers = [Container::TransportStream, Container::Matroska];
    hold(&containers.repeat(2), "/detect/video?frames=keyframes")
}

/// Sends an upload of each container, and looks at the memory all the while.
fn hold(containers: &[Container], target: &str) -> Result<()> {
    let _turn = alone();
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let bytes = setting(VARIABLE, SHORT_MIB)? * MIB;
    let server = serve(&real_model())?;
    let endless = containers.iter().map(|one| footage.endless(footage.original(), *one));
    let endless = endless.collect::<Result<Vec<_>>>()?;
    let started = Instant::now();
    let samples = thread::scope(|scope| {
        let clients: Vec<_> = endless
            .into_iter()
            .map(|video| scope.spawn(|| send(&server, target, video, bytes)))
            .collect();
        let samples = watch(&server, || clients.iter().all(|client| client.is_finished()));
        for client in clients {
            client.join().ok().context("a client panicked")??;
        }
        samples
    })?;
    let most = samples.iter().copied().max().context("no sample")?;
    say(&format!(
        "{} upload(s) of {} MiB in {:.0} s: at most {} MiB, {} looks",
        containers.len(),
        bytes / MIB,
        started.elapsed().as_secs_f64(),
        most / MIB,
        samples.len()
    ));
    ensure!(most < MOST_BYTES, "{} MiB were resident", most / MIB);
    memory::check_flat(&samples)?;
    settle(&server, None)?;
    check_health(&server)
}

fn send(server: &Server, target: &str, video: Endless, bytes: u64) -> Result<()> {
    let upload = Upload { pace: PACE, ..Upload::to(target) };
    let answer = upload::send(server.address(), &upload, video.take(bytes))?;
    ensure!(answer.sent_all, "not every byte was taken: {:?}", answer.lines.last());
    let events = Events::of(&answer)?;
    let end = events.end()?;
    ensure!(end["received_bytes"] == bytes, "{end}");
    let frames = events.frames()?;
    ensure!(frames.is_sorted_by(|one, next| one.index < next.index), "frames out of order");
    ensure!(end["frames_inferred"] == frames.len(), "{} frames, {end}", frames.len());
    Ok(())
}

/// Resident bytes until `done`, ten times a second at most.
fn watch(server: &Server, done: impl Fn() -> bool) -> Result<Vec<u64>> {
    let mut samples = Vec::new();
    while !done() {
        let next = Instant::now() + std::time::Duration::from_millis(100);
        wait::until("the next look", PATIENCE, || (Instant::now() >= next).then_some(()))?;
        samples.push(process::resident_bytes(server.pid()?)?);
    }
    Ok(samples)
}
