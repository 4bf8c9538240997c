//! Files that are damaged end in a status, or in a stream that is closed by one event.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use detections_e2e::{
    events::Events,
    footage::{Container, Footage},
    random::Random,
    server::Server,
    upload::{self, Framing, Upload},
};

use crate::{alone, check_health, read, say, serve, setting, settle, tiny_model};

/// How many files are damaged.
const VARIABLE: &str = "DETECTIONS_E2E_DAMAGED";
const SHORT: u64 = 56;
const AT_ONCE: u64 = 2;

/// What no answer takes longer than: the watchdog of a stalled decoder, and some for the machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn damaged_files_end_in_a_status_or_in_a_closed_stream() -> Result<()> {
    let _turn = alone();
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let files = Container::ALL.map(|container| read(&footage.in_container(container)?));
    let files = files.into_iter().collect::<Result<Vec<_>>>()?;
    let server = serve(&tiny_model())?;
    let count = setting(VARIABLE, SHORT)?;
    let outcomes = thread::scope(|scope| {
        let lanes = (0..AT_ONCE).map(|lane| {
            let (server, files) = (&server, &files);
            let numbers = (0..count).filter(move |number| number % AT_ONCE == lane);
            scope.spawn(move || numbers.map(|number| send(server, files, number)).collect())
        });
        let lanes: Vec<_> = lanes.collect();
        let joined = lanes.into_iter().map(|lane| lane.join().ok().context("a client panicked"));
        joined.collect::<Result<Vec<Vec<Result<String>>>>>()
    })?;
    let mut tally = BTreeMap::new();
    let mut faults = Vec::new();
    for outcome in outcomes.into_iter().flatten() {
        match outcome {
            Ok(outcome) => *tally.entry(outcome).or_insert(0_u32) += 1,
            Err(error) => faults.push(format!("{error:#}")),
        }
    }
    for (outcome, count) in &tally {
        say(&format!("{count:>4} × {outcome}"));
    }
    ensure!(faults.is_empty(), "\n{}", faults.join("\n"));
    settle(&server, None)?;
    check_health(&server)
}

/// Sends a damaged file and says how it ended.
fn send(server: &Server, files: &[Vec<u8>], number: u64) -> Result<String> {
    let mut random = Random::new(number);
    let container = random.place(files.len());
    let (damage, bytes) = damaged(&files[container], &mut random);
    let name = format!("{} with {damage}, seed {number}", Container::ALL[container].name());
    let length = u64::try_from(bytes.len())?;
    let framing = if number.is_multiple_of(2) { Framing::Chunked } else { Framing::Length(length) };
    let upload = Upload { framing, ..Upload::to("/detect/video?confidence=0.5") };
    let started = Instant::now();
    let answer = upload::send(server.address(), &upload, bytes.as_slice());
    let answer = answer.with_context(|| name.clone())?;
    ensure!(started.elapsed() < PATIENCE, "{name}: took {:?}", started.elapsed());
    if [400, 415, 422].contains(&answer.status) {
        return Ok(format!("status {}", answer.status));
    }
    let events = Events::of(&answer).with_context(|| name.clone())?;
    let faults = if events.of_kind("error").count() > 0 { "errors" } else { "no error" };
    let closed = if events.end().is_ok() { "an end" } else { "a fatal error" };
    Ok(format!("status 200, {faults}, closed by {closed}"))
}

/// The file with one kind of damage, and what it is.
fn damaged(file: &[u8], random: &mut Random) -> (&'static str, Vec<u8>) {
    let mut bytes = file.to_vec();
    match random.below(6) {
        0 => {
            flip(&mut bytes, file.len(), 64, random);
            ("flipped bits anywhere", bytes)
        }
        1 => {
            flip(&mut bytes, 4096, 8, random);
            ("flipped bits in its header", bytes)
        }
        2 => {
            bytes.truncate(random.place(file.len()));
            ("its end cut off", bytes)
        }
        3 => {
            let from = random.place(file.len() - 8192);
            bytes.drain(from..from + 8192);
            ("a hole", bytes)
        }
        4 => {
            let [one, other] = [(); 2].map(|()| random.place(file.len() / 4096) * 4096);
            for offset in 0..4096 {
                bytes.swap(one + offset, other + offset);
            }
            ("two blocks swapped", bytes)
        }
        _ => {
            let from = random.place(file.len() - 65_536);
            bytes[from..from + 65_536].fill(0);
            ("a run of zeros", bytes)
        }
    }
}

fn flip(bytes: &mut [u8], within: usize, most: usize, random: &mut Random) {
    for _ in 0..=random.place(most) {
        bytes[random.place(within)] ^= 1 << random.below(8);
    }
}
