//! The load itself: closed loops, and open loops whose latency counts from the moment a request was
//! due, so that a stalled target cannot hide the requests that it kept from being sent.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use reqwest::{Client, Method, Request, Url, header};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{arguments::Rate, tally::Tally};

/// Most requests of an open loop that are on their way at once.
const OPEN_LOOP_CONNECTIONS: usize = 512;
/// How much longer than planned an open loop may take before its remaining requests count as failed.
const OVERTIME: Duration = Duration::from_secs(15);

/// How requests follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Loop {
    /// So many clients, each sending as soon as it has its answer.
    Closed {
        /// How many.
        clients: NonZeroUsize,
    },
    /// So many requests a second, whatever the answers do.
    Open {
        /// How many.
        rate: Rate,
    },
}

/// One request, to be sent over and over on connections of its own; clones share them.
#[derive(Debug)]
pub(crate) struct Shot {
    client: Client,
    request: Request,
}

impl Shot {
    /// A `POST` of `picture` to `url`.
    pub(crate) fn new(url: Url, picture: &[u8], timeout: Duration) -> Result<Self> {
        let client = Client::builder().no_proxy().timeout(timeout).build()?;
        let mut request = Request::new(Method::POST, url);
        let kind = header::HeaderValue::from_static(content_type(picture));
        request.headers_mut().insert(header::CONTENT_TYPE, kind);
        *request.body_mut() = Some(picture.to_vec().into());
        Ok(Self { client, request })
    }

    fn again(&self) -> Result<Self> {
        let request = self.request.try_clone().context("a body that can be sent once only")?;
        Ok(Self { client: self.client.clone(), request })
    }

    /// Sends it once and reads the answer to its end.
    async fn fire(&self) -> Result<(), String> {
        let request = self.request.try_clone().ok_or("not sent")?;
        let answer = self.client.execute(request).await.map_err(|error| reason(&error))?;
        let status = answer.status();
        answer.bytes().await.map_err(|error| reason(&error))?;
        if status.is_success() { Ok(()) } else { Err(format!("status {}", status.as_u16())) }
    }
}

/// Loads the target of `shot` for `duration`.
pub(crate) async fn run(shot: &Shot, loads: Loop, duration: Duration) -> Result<Tally> {
    let start = Instant::now();
    let mut clients = JoinSet::new();
    match loads {
        Loop::Closed { clients: count } => {
            for _ in 0..count.get() {
                clients.spawn(closed(shot.again()?, start + duration));
            }
        }
        Loop::Open { rate } => {
            let schedule = Arc::new(Schedule::new(start, rate, duration));
            for _ in 0..OPEN_LOOP_CONNECTIONS {
                clients.spawn(open(shot.again()?, Arc::clone(&schedule)));
            }
        }
    }
    let mut tally = Tally::new()?;
    while let Some(client) = clients.join_next().await {
        tally.join(&client.context("a client's task ended early")??)?;
    }
    tally.elapsed = start.elapsed();
    Ok(tally)
}

async fn closed(shot: Shot, end: Instant) -> Result<Tally> {
    let mut tally = Tally::new()?;
    while Instant::now() < end {
        let sent = Instant::now();
        let outcome = shot.fire().await;
        tally.record(sent.elapsed(), outcome);
    }
    Ok(tally)
}

/// When each request of an open loop is due, and which is the next.
#[derive(Debug)]
struct Schedule {
    start: Instant,
    rate: Rate,
    duration: Duration,
    next: AtomicU32,
}

impl Schedule {
    fn new(start: Instant, rate: Rate, duration: Duration) -> Self {
        Self { start, rate, duration, next: AtomicU32::new(0) }
    }

    fn next(&self) -> Option<Instant> {
        let due = self.rate.due(self.next.fetch_add(1, Ordering::Relaxed));
        (due < self.duration).then(|| self.start + due)
    }

    fn is_hopeless(&self) -> bool {
        self.start.elapsed() > self.duration + OVERTIME
    }
}

async fn open(shot: Shot, schedule: Arc<Schedule>) -> Result<Tally> {
    let mut tally = Tally::new()?;
    while let Some(due) = schedule.next() {
        if schedule.is_hopeless() {
            tally.record(Duration::ZERO, Err("never sent: too far behind".to_owned()));
            continue;
        }
        sleep_until(due).await;
        let outcome = shot.fire().await;
        tally.record(due.elapsed(), outcome);
    }
    Ok(tally)
}

fn reason(error: &reqwest::Error) -> String {
    let words = match () {
        () if error.is_timeout() => "timed out",
        () if error.is_connect() => "no connection",
        () => "connection lost",
    };
    words.to_owned()
}

fn content_type(picture: &[u8]) -> &'static str {
    match picture {
        [0xff, 0xd8, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [b'R', b'I', b'F', b'F', ..] => "image/webp",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroUsize, time::Duration};

    use super::{Loop, Shot, run};
    use crate::{
        tally::Tally,
        testing::{Script, TestServer},
    };

    const TIMEOUT: Duration = Duration::from_secs(20);

    fn measure(script: Script, loads: Loop, duration: Duration) -> Tally {
        let server = TestServer::start(script);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let shot = Shot::new(server.url(), b"\xff\xd8picture", TIMEOUT).unwrap();
        runtime.block_on(run(&shot, loads, duration)).unwrap()
    }

    fn closed(clients: usize) -> Loop {
        Loop::Closed { clients: NonZeroUsize::new(clients).unwrap() }
    }

    #[test]
    fn a_closed_loop_keeps_its_clients_busy() {
        let script = Script { delay: Duration::from_millis(20), ..Script::default() };
        let tally = measure(script, closed(4), Duration::from_millis(400));
        assert_eq!(tally.failed(), 0, "{:?}", tally.failures);
        assert!(tally.quantile(0.5) >= Duration::from_millis(20));
        assert!((4..=4 * 21).contains(&tally.answered()), "{}", tally.answered());
    }

    #[test]
    fn an_open_loop_sends_what_is_due() {
        let loads = Loop::Open { rate: "50".parse().unwrap() };
        let tally = measure(Script::default(), loads, Duration::from_millis(400));
        assert_eq!((tally.answered(), tally.failed()), (20, 0));
    }

    #[test]
    fn refusals_count_as_errors_and_by_their_status() {
        let script = Script { refuse_every: 2, ..Script::default() };
        let tally = measure(script, Loop::Open { rate: "100".parse().unwrap() }, TIMEOUT / 100);
        assert_eq!((tally.answered(), tally.failures["status 429"]), (10, 10));
    }

    #[test]
    fn nobody_there_is_an_error_not_a_hang() {
        let gone = TestServer::start(Script::default()).url();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let shot = Shot::new(gone, b"x", TIMEOUT).unwrap();
        let loads = Loop::Open { rate: "10".parse().unwrap() };
        let tally = runtime.block_on(run(&shot, loads, Duration::from_millis(100))).unwrap();
        assert_eq!((tally.answered(), tally.failed()), (0, 1));
    }

    #[test]
    fn a_stall_is_charged_to_every_request_that_was_due_meanwhile() {
        let stall = Duration::from_millis(600);
        let script = Script { stall_first: stall, ..Script::default() };
        let open = Loop::Open { rate: "100".parse().unwrap() };
        let tally = measure(script.clone(), open, Duration::from_secs(1));
        // Sixty of a hundred requests were due during the stall and waited for its end.
        assert!(tally.quantile(0.6) > Duration::from_millis(100), "{:?}", tally.quantile(0.6));
        let hidden = measure(script, closed(1), Duration::from_secs(1));
        assert!(hidden.quantile(1.0) >= stall);
        assert!(hidden.quantile(0.6) < Duration::from_millis(100), "{:?}", hidden.quantile(0.6));
    }
}
