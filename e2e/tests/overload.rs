//! More clients than there is room for: nothing but answers and polite refusals, no growth, and
//! afterwards the same answers as before. A program of its own, so that no other test shares the
//! machine with it.

use std::{
    collections::BTreeMap,
    env,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use detections_e2e::{
    http::{Client, Reply},
    memory, metrics,
    picture::fixture,
    process,
    server::Server,
};

const CLIENTS: usize = 64;
/// How many pictures the server under test lets in.
const ROOM: u32 = 8;
const SETTINGS: [(&str, &str); 3] = [
    ("DETECTIONS__SERVER__MAX_IN_FLIGHT", "8"),
    ("DETECTIONS__INFER__THREADS", "2"),
    // A line for each of tens of thousands of refusals would only measure the log.
    ("LOG", "warn,detections::serve=info"),
];
const PICTURES: [&str; 4] =
    ["media/town.jpg", "media/harbour.png", "media/road.webp", "media/portrait_beach.jpg"];
const TARGET: &str = "/detect?confidence=0.01";

/// How long the load lasts, unless the variable says otherwise: long enough to see growth.
const DEFAULT_SECONDS: u64 = 6;
const SECONDS_VARIABLE: &str = "DETECTIONS_E2E_OVERLOAD_S";

#[test]
fn over_capacity_there_are_answers_and_refusals_and_nothing_else() -> Result<()> {
    let server = Server::start(&SETTINGS)?;
    let alone =
        PICTURES.map(|name| server.client().post(TARGET, &[], fixture(name)?)?.detections());
    let alone = alone.into_iter().collect::<Result<Vec<_>>>()?;

    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| start_client(number, server.client().clone(), &stop, &alone))
        .collect::<Result<_>>()?;
    let watched = watch(&server, duration()?);
    stop.store(true, Ordering::Relaxed);
    let mut statuses = BTreeMap::new();
    for client in clients {
        for (status, count) in client.join().ok().context("a client panicked")?? {
            *statuses.entry(status).or_insert(0_u64) += count;
        }
    }
    let samples = watched?;
    report(&statuses, &samples);

    ensure!(statuses.keys().eq([&200, &429]), "not only answers and refusals: {statuses:?}");
    let most = samples.iter().map(|sample| sample.in_flight).fold(0.0, f64::max);
    assert!(most <= f64::from(ROOM), "{most} pictures were in flight, with room for {ROOM}");
    assert!(most > f64::from(ROOM) / 2.0, "only {most} pictures were in flight: no overload");
    let resident: Vec<_> = samples.iter().map(|sample| sample.resident).collect();
    memory::check_flat(&resident)?;
    assert!(!server.log().contains("panic"), "{}", server.log());
    check_aftermath(&server, &alone)
}

fn duration() -> Result<Duration> {
    let seconds = match env::var(SECONDS_VARIABLE) {
        Ok(text) => text.parse().context(SECONDS_VARIABLE)?,
        Err(_) => DEFAULT_SECONDS,
    };
    Ok(Duration::from_secs(seconds))
}

type Statuses = BTreeMap<u16, u64>;

/// A client that sends again as soon as it has an answer, and checks each.
fn start_client(
    number: usize,
    http: Client,
    stop: &Arc<AtomicBool>,
    alone: &[String],
) -> Result<JoinHandle<Result<Statuses>>> {
    let which = number % PICTURES.len();
    let (picture, expected) = (fixture(PICTURES[which])?, alone[which].clone());
    let stop = Arc::clone(stop);
    Ok(thread::spawn(move || {
        let mut statuses = Statuses::new();
        while !stop.load(Ordering::Relaxed) {
            let reply = http.post(TARGET, &[], picture.clone())?;
            check_reply(&reply, &expected)?;
            *statuses.entry(reply.status).or_default() += 1;
        }
        Ok(statuses)
    }))
}

fn check_reply(reply: &Reply, expected: &str) -> Result<()> {
    match reply.status {
        200 => ensure!(reply.detections()? == *expected, "under load the answer is another"),
        429 => {
            let wait: u64 = reply.header("retry-after").context("no Retry-After")?.parse()?;
            ensure!((1..=60).contains(&wait), "Retry-After is {wait}");
            ensure!(reply.json()?["code"] == "overloaded", "{}", reply.text());
        }
        _ => {}
    }
    Ok(())
}

/// The server at one moment of the load.
struct Sample {
    in_flight: f64,
    resident: u64,
}

/// Looks at the server all the while; each look waits for its answer, so the server paces it.
fn watch(server: &Server, duration: Duration) -> Result<Vec<Sample>> {
    let start = Instant::now();
    let mut samples = Vec::new();
    while start.elapsed() < duration {
        let page = server.client().get("/metrics")?.text();
        let in_flight = metrics::sum(&page, "detections_in_flight_items", "");
        let resident = process::resident_bytes(server.pid()?)?;
        samples.push(Sample { in_flight: in_flight.context("no gauge")?, resident });
    }
    Ok(samples)
}

fn check_aftermath(server: &Server, alone: &[String]) -> Result<()> {
    let health = server.client().get("/health")?;
    assert_eq!((health.status, &health.json()?["status"]), (200, &"healthy".into()));
    assert_eq!(server.client().get("/health/ready")?.status, 200);
    for (name, expected) in PICTURES.iter().zip(alone) {
        let after = server.client().post(TARGET, &[], fixture(name)?)?.detections()?;
        assert_eq!(&after, expected, "{name}");
    }
    let page = server.client().get("/metrics")?.text();
    assert_eq!(metrics::sum(&page, "detections_in_flight_items", ""), Some(0.0));
    Ok(())
}

#[expect(
    clippy::print_stdout,
    reason = "the numbers are for whoever runs the test with --nocapture"
)]
fn report(statuses: &Statuses, samples: &[Sample]) {
    let resident = || samples.iter().map(|sample| sample.resident >> 20);
    let in_flight = samples.iter().map(|sample| sample.in_flight).fold(0.0, f64::max);
    println!(
        "statuses {statuses:?}, in flight at most {in_flight}, resident {:?} to {:?} MiB",
        resident().min(),
        resident().max()
    );
}
