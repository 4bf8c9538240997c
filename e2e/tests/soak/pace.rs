//! Frames come at the pace of the bytes, whatever the container, the framing and the client.

use std::{env, path::PathBuf, thread};

use anyhow::{Context, Result, ensure};
use detections_e2e::{
    events::Events,
    footage::{Container, FRAMES, Footage},
    server::Server,
    shared::{is_installed, skipped},
    upload::{self, Answer, Framing, Pace, Upload},
};

use crate::{alone, built_in_model, read, say, serve, tiny_model};

/// `full`: every container by every client in both framings, one after another with the built-in model, at
/// the pace of a slow line. The frames of that line, 27 a second and for a while 30, are to be no work for two
/// processors: what would be measured otherwise is the model. Otherwise the containers all at once, each in one of the ways, faster.
const VARIABLE: &str = "DETECTIONS_E2E_PACE";
const SLOW: Pace = Pace::BytesPerSecond(200_000);
const FASTER: Pace = Pace::BytesPerSecond(500_000);

/// The first frame comes before this part of the bytes is sent.
const FIRST_FRAME: f64 = 0.10;
/// When a quarter, half and three quarters of the bytes are sent, the frames told are behind those that are
/// whole in these bytes by no more than this part of all frames.
const BEHIND: f64 = 0.10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    Socket,
    Curl,
    Library,
}

/// One way to send one file.
#[derive(Debug, Clone, Copy)]
struct Way {
    container: Container,
    client: Client,
    chunked: bool,
}

/// How far an answer was when parts of its upload were sent.
#[derive(Debug)]
struct Measured {
    /// The part of the bytes that was sent when the first frame came.
    first: f64,
    /// The part of the frames that had come when a quarter, half, three quarters and all was sent.
    quarters: [f64; 4],
}

#[test]
fn frames_come_at_the_pace_of_the_bytes() -> Result<()> {
    let _turn = alone();
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let full = env::var(VARIABLE).is_ok_and(|value| value == "full");
    let mut ways = if full { all_ways() } else { some_ways() };
    if !is_installed("curl") {
        skipped("uploads by curl, which is not installed");
        ways.retain(|way| way.client != Client::Curl);
    }
    let server = serve(&if full { built_in_model() } else { tiny_model() })?;
    let files = Container::PROGRESSIVE.map(|container| footage.in_container(container));
    let files = files.into_iter().collect::<Result<Vec<_>>>()?;
    let file = |way: &Way| {
        let position = Container::PROGRESSIVE.iter().position(|one| *one == way.container);
        files[position.unwrap_or_default()].clone()
    };
    // One after another when it is measured, all at once when it only has to hold.
    let (at_once, pace) = if full { (1, SLOW) } else { (ways.len(), FASTER) };
    let due = footage.frames_by_quarter()?;
    let mut faults = Vec::new();
    for ways in ways.chunks(at_once) {
        let outcomes = thread::scope(|scope| {
            let running: Vec<_> = ways
                .iter()
                .map(|&way| {
                    (
                        way,
                        scope.spawn({
                            let (server, file) = (&server, file(&way));
                            move || measure(server, way, pace, &file)
                        }),
                    )
                })
                .collect();
            let joined = running.into_iter().map(|(way, one)| (way, one.join()));
            joined.collect::<Vec<_>>()
        });
        for (way, outcome) in outcomes {
            let outcome = outcome.ok().context("a client panicked")?;
            faults
                .extend(judge(way, outcome, due).err().map(|error| format!("{way:?}: {error:#}")));
        }
    }
    ensure!(faults.is_empty(), "\n{}", faults.join("\n"));
    Ok(())
}

fn all_ways() -> Vec<Way> {
    let clients = [Client::Socket, Client::Curl, Client::Library];
    let ways = Container::PROGRESSIVE.into_iter().flat_map(|container| {
        clients
            .into_iter()
            .flat_map(move |client| [true, false].map(|chunked| Way { container, client, chunked }))
    });
    ways.collect()
}

/// Each container once, every client and both framings among them.
fn some_ways() -> Vec<Way> {
    let clients = [Client::Curl, Client::Socket, Client::Library, Client::Socket, Client::Curl];
    let containers = Container::PROGRESSIVE.into_iter().zip(clients);
    let ways = containers.zip([true, false, true, true, false]);
    ways.map(|((container, client), chunked)| Way { container, client, chunked }).collect()
}

fn measure(server: &Server, way: Way, pace: Pace, file: &PathBuf) -> Result<Measured> {
    let bytes = read(file)?;
    let length = u64::try_from(bytes.len())?;
    let framing = if way.chunked { Framing::Chunked } else { Framing::Length(length) };
    let target = "/detect/video?confidence=0.5";
    let upload = Upload { framing, pace, ..Upload::to(target) };
    let answer: Answer = match way.client {
        Client::Socket => upload::send(server.address(), &upload, bytes.as_slice())?,
        Client::Curl => upload::send_with_curl(server.address(), &upload, file)?,
        Client::Library => upload::send_with_library(server.address(), &upload, bytes)?,
    };
    let events = Events::of(&answer)?;
    ensure!(events.start()?["video"]["progressive"] == true, "{}", events.start()?);
    let frames = events.frames()?;
    ensure!(frames.len() == usize::try_from(FRAMES)?, "{} frames", frames.len());
    let sent = |quarter: u64| -> Result<f64> {
        let come = frames.iter().filter(|frame| frame.sent * 4 <= length * quarter).count();
        part(u64::try_from(come)?, FRAMES)
    };
    Ok(Measured {
        first: part(frames.first().context("no frame")?.sent, length)?,
        quarters: [sent(1)?, sent(2)?, sent(3)?, sent(4)?],
    })
}

fn part(of: u64, all: u64) -> Result<f64> {
    Ok(f64::from(u32::try_from(of)?) / f64::from(u32::try_from(all)?))
}

fn judge(way: Way, outcome: Result<Measured>, due: [u64; 4]) -> Result<()> {
    let Measured { first, quarters } = outcome?;
    let framing = if way.chunked { "chunked" } else { "with a length" };
    let shown = quarters.map(|part| format!("{:>5.1} %", part * 100.0)).join(" | ");
    say(&format!(
        "{:<15} | {:<8} | {framing:<13} | first frame at {:>4.1} % of the bytes | {shown} of the frames at each quarter",
        way.container.name(),
        format!("{:?}", way.client),
        first * 100.0
    ));
    ensure!(first < FIRST_FRAME, "the first frame came at {first} of the bytes");
    // Of the last quarter nothing more is asked than that every frame comes, which is checked before.
    for (part, due) in quarters.into_iter().zip(due).take(3) {
        let due = self::part(due, FRAMES)?;
        ensure!(part >= due - BEHIND, "{part} of the frames were told where {due} were sent");
    }
    Ok(())
}
