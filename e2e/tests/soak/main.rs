//! Videos under conditions that last: slow clients, long uploads, clients that read late, leave
//! early or send what is damaged. Short by default; each test says which variable makes it long. A
//! program of its own, and one test at a time, so that nothing else shares the machine with it.

mod damaged;
mod left_early;
mod long_upload;
mod pace;
mod read_late;

use std::{
    env, fs,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use detections_e2e::{
    metrics, picture::fixture_path, process, server::Server, shared::shared, wait,
};

/// Longer than any of the work that a server may still have to give up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The turn of one test.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the variable says, or what it is without one.
fn setting(variable: &'static str, short: u64) -> Result<u64> {
    match env::var(variable) {
        Ok(text) => text.parse().context(variable),
        Err(_) => Ok(short),
    }
}

/// A model that takes no time, for tests of everything around it.
fn tiny_model() -> String {
    fixture_path("onnx/batch1.onnx").to_string_lossy().into_owned()
}

fn built_in_model() -> String {
    fixture_path("model/topview.onnx").to_string_lossy().into_owned()
}

/// A model that takes its time: a foreign one where it is, else the built-in one.
fn real_model() -> String {
    let model = shared("models/yolox_nano.onnx");
    model.map_or_else(built_in_model, |model| model.to_string_lossy().into_owned())
}

fn serve(model: &str) -> Result<Server> {
    Server::start(&[
        ("MODEL", model),
        ("DETECTIONS__INFER__THREADS", "2"),
        // Room for all clients of a test, and for the jobs that they leave.
        ("DETECTIONS__VIDEO__MAX_IN_FLIGHT", "8"),
        ("DETECTIONS__JOBS__MAX", "1024"),
        ("LOG", "warn,detections::serve=info"),
        ("RUST_BACKTRACE", "1"),
    ])
}

fn read(path: &PathBuf) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| path.display().to_string())
}

/// What a server holds beside memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Held {
    threads: u64,
    descriptors: u64,
}

impl Held {
    fn by(server: &Server) -> Result<Self> {
        Ok(Self {
            threads: process::thread_count(server.pid()?)?,
            descriptors: process::descriptor_count(server.pid()?)?,
        })
    }

    fn is_within(self, before: Self) -> bool {
        self.threads <= before.threads && self.descriptors <= before.descriptors
    }
}

/// Waits until nothing is in flight, and no more threads and descriptors are held than `before`.
fn settle(server: &Server, before: Option<Held>) -> Result<()> {
    let mut last = None;
    let settled = wait::until("a server that has let go of everything", PATIENCE, || {
        let page = server.client().get("/metrics").ok()?.text();
        let left = metrics::sum(&page, "detections_in_flight_items", "")?
            + metrics::sum(&page, "detections_in_flight_bytes", "")?
            + metrics::sum(&page, "detections_videos_in_flight", "")?;
        let held = Held::by(server).ok()?;
        last = Some((left, held));
        let within = before.is_none_or(|before| held.is_within(before));
        (left == 0.0 && within).then_some(())
    });
    settled.with_context(|| format!("before {before:?}, at last {last:?}"))
}

/// That the server is as healthy as on its first day.
fn check_health(server: &Server) -> Result<()> {
    let health = server.client().get("/health")?;
    assert_eq!((health.status, &health.json()?["status"]), (200, &"healthy".into()));
    assert_eq!(server.client().get("/health/ready")?.status, 200);
    assert!(!server.log().contains("panic"), "{}", server.log());
    Ok(())
}

/// Prints a line of a report, for whoever runs the tests with `--nocapture`.
#[expect(clippy::print_stdout, reason = "the numbers are for whoever runs it with --nocapture")]
fn say(line: &str) {
    println!("{line}");
}
