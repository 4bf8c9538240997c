//! Clients that go away at any byte leave nothing behind.

use std::{
    io::Write as _,
    net::{Shutdown, TcpStream},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use detections_e2e::{
    events::Events,
    footage::{Container, Footage},
    process,
    random::Random,
    server::Server,
    upload::{self, Upload},
    wire,
};
use serde_json::Value;

use crate::{Held, alone, check_health, read, say, serve, setting, settle, tiny_model};

/// How many clients leave.
const VARIABLE: &str = "DETECTIONS_E2E_KILLS";
const SHORT: u64 = 60;

/// How many are there at once.
const AT_ONCE: u64 = 4;
/// The part of a file in which its header is.
const HEADER: usize = 20_000;
/// What is sent at once by a client that does not hurry.
const BLOCK: usize = 32 * 1024;
const MAY_GROW: u64 = 24 << 20;

#[test]
fn clients_that_leave_leave_nothing_behind() -> Result<()> {
    let _turn = alone();
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let files = Container::ALL.map(|container| read(&footage.in_container(container)?));
    let files = files.into_iter().collect::<Result<Vec<_>>>()?;
    let server = serve(&tiny_model())?;
    let count = setting(VARIABLE, SHORT)?;
    let told = files.iter().map(|file| told(&server, file)).collect::<Result<Vec<_>>>()?;
    leave_in_turn(&server, &files, 0..AT_ONCE * 2)?;
    settle(&server, None)?;
    let held = Held::by(&server)?;

    let mut resident = Vec::new();
    for half in [0..count / 2, count / 2..count] {
        leave_in_turn(&server, &files, half)?;
        settle(&server, Some(held))?;
        resident.push(process::resident_bytes(server.pid()?)?);
    }
    say(&format!("{count} clients left; held {held:?}, resident after each half {resident:?}"));
    ensure!(resident[1] <= resident[0] + resident[0] / 10 + MAY_GROW, "memory grew: {resident:?}");
    for number in 0..count {
        check_job(&server, number)?;
    }
    for (file, before) in files.iter().zip(&told) {
        ensure!(told_again(&server, file)? == *before, "the same file is told otherwise");
    }
    check_health(&server)
}

/// What is told of a file that is sent as a whole.
fn told(server: &Server, file: &[u8]) -> Result<Vec<Value>> {
    let upload = Upload::to("/detect/video?confidence=0.5");
    let answer = upload::send(server.address(), &upload, file)?;
    let events = Events::of(&answer)?;
    let lasting = events.of_kind("frame").map(|frame| {
        let mut frame = frame.clone();
        frame.as_object_mut().map(|frame| frame.remove("received_bytes"));
        frame
    });
    Ok(lasting.collect())
}

fn told_again(server: &Server, file: &[u8]) -> Result<Vec<Value>> {
    told(server, file).context("after others left")
}

fn leave_in_turn(server: &Server, files: &[Vec<u8>], numbers: std::ops::Range<u64>) -> Result<()> {
    thread::scope(|scope| {
        let lanes = (0..AT_ONCE).map(|lane| {
            let numbers = numbers.clone().filter(move |number| number % AT_ONCE == lane);
            scope.spawn(move || -> Result<()> {
                for number in numbers {
                    leave(server, files, number).with_context(|| format!("client {number}"))?;
                }
                Ok(())
            })
        });
        let lanes: Vec<_> = lanes.collect();
        lanes.into_iter().try_for_each(|lane| lane.join().ok().context("a client panicked")?)
    })
}

/// A job's id, told by its number.
fn job_id(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// Sends a file up to some byte and goes; some in a hurry, some after a look at the answer, some with
/// a word and some without.
fn leave(server: &Server, files: &[Vec<u8>], number: u64) -> Result<()> {
    let mut random = Random::new(number);
    let file = &files[random.place(files.len())];
    let request = first_part(file, number, &mut random);
    let mut stream = TcpStream::connect(server.address()).context("connecting")?;
    stream.set_write_timeout(Some(Duration::from_secs(60)))?;
    stream.set_read_timeout(Some(Duration::from_millis(random.below(100) + 1)))?;
    let in_a_hurry = random.below(2) == 0;
    let block = if in_a_hurry { request.len() } else { BLOCK };
    // A server may refuse what it has seen of a file and close first.
    let taken = request.chunks(block).all(|block| stream.write_all(block).is_ok());
    if taken && random.below(3) > 0 {
        stream.peek(&mut [0; 64]).ok();
    }
    if random.below(2) == 0 {
        stream.shutdown(Shutdown::Both).ok();
    }
    Ok(())
}

/// A request up to some byte: for half of the clients in the header of their file, for the others in
/// its frames; some as jobs, some in chunks.
fn first_part(file: &[u8], number: u64, random: &mut Random) -> Vec<u8> {
    let end = if number.is_multiple_of(2) { HEADER.min(file.len()) } else { file.len() };
    let (sent, id) = (&file[..random.place(end)], job_id(number));
    let (target, job) = match random.below(3) {
        0 => ("/detect/video?async=true", Some(("X-Job-Id", id.as_str()))),
        1 => ("/detect/video?frames=every:3", None),
        _ => ("/detect/video", None),
    };
    let length = file.len().to_string();
    let (framing, body) = match random.below(2) {
        0 => (("Transfer-Encoding", "chunked"), wire::chunks(sent, BLOCK)),
        _ => (("Content-Length", length.as_str()), sent.to_vec()),
    };
    let headers: Vec<_> = [Some(framing), job].into_iter().flatten().collect();
    [wire::head("POST", target, &headers), body].concat()
}

/// A job whose client left is not running any more.
fn check_job(server: &Server, number: u64) -> Result<()> {
    let reply = server.client().get(&format!("/jobs/{}", job_id(number)))?;
    if reply.status == 404 {
        return Ok(());
    }
    let job = reply.json()?;
    let over = !["queued", "running"].iter().any(|state| job["state"] == **state);
    ensure!(reply.status == 200 && over, "job {number} goes on: {job}");
    Ok(())
}
