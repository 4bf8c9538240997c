//! Where the stack under test is, and what to say to it.

use std::{
    env, fs,
    net::{SocketAddr, ToSocketAddrs as _},
    path::PathBuf,
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result};
use detections_e2e::{
    http::Client,
    mock::Mock,
    picture::{fixture, fixture_path},
    server::Server,
    wait,
};
use serde_json::Value;
use tempfile::TempDir;

/// What neighbours and delivery may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A service with its neighbours.
pub(crate) struct Stack {
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
    pub(crate) loader: Mock,
    pub(crate) annotations: Mock,
    logs: PathBuf,
    // Ended before the folder goes that it writes into.
    _server: Option<Server>,
    _folder: Option<TempDir>,
}

impl Stack {
    /// The stack that runs already, without rules or changes of an earlier test, or one of this test's own.
    pub(crate) fn open() -> Result<Self> {
        let Ok(service) = env::var("DETECTIONS_STACK_SERVICE") else { return Self::start() };
        let address = resolved(&service)?;
        let named = |name: &str| env::var(name).with_context(|| format!("{name} is not set"));
        let loader = Mock::running(resolved(&named("DETECTIONS_STACK_LOADER")?)?)?;
        let annotations = Mock::running(resolved(&named("DETECTIONS_STACK_ANNOTATIONS")?)?)?;
        for mock in [&loader, &annotations] {
            mock.faults(&serde_json::json!([]))?;
        }
        let logs = named("DETECTIONS_STACK_LOGS")?.into();
        let client = Client::new(address)?;
        Ok(Self { client, address, loader, annotations, logs, _server: None, _folder: None })
    }

    fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let of = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let loader = Mock::loader(&fixture_path("model").to_string_lossy(), &[])?;
        let annotations = Mock::annotations(&[])?;
        let classes = fixture_path("../docker/classes.json").canonicalize()?;
        let server = Server::start(&[
            ("LOADER_URL", &loader.url()),
            ("ANNOTATIONS_URL", &annotations.url()),
            ("MODEL", "topview"),
            ("CLASSES", &classes.to_string_lossy()),
            ("DETECTIONS__LOG__DIR", &of("logs")),
            ("DETECTIONS__DATA__DIR", &of("data")),
        ])?;
        Ok(Self {
            client: server.client().clone(),
            address: server.address(),
            loader,
            annotations,
            logs: of("logs").into(),
            _server: Some(server),
            _folder: Some(folder),
        })
    }

    /// Waits until so many results of one request have come, and gives them in the order of their coming.
    pub(crate) fn results_of(&self, request: &str, count: usize) -> Result<Vec<Value>> {
        wait::until("results at Annotations", PATIENCE, || {
            let all = self.annotations.results().ok()?;
            let ours = all.into_iter().filter(|one| one["body"]["media"]["request_id"] == request);
            let ours: Vec<_> = ours.collect();
            (ours.len() >= count).then_some(ours)
        })
    }

    /// All that stands in the files of the log.
    pub(crate) fn log_files(&self) -> Result<String> {
        let entries = fs::read_dir(&self.logs).with_context(|| self.logs.display().to_string())?;
        entries.map(|entry| Ok(fs::read_to_string(entry?.path())?)).collect()
    }
}

/// A picture in which something is found, and that was never sent before: results of the same media come
/// under the same keys, and are kept once.
pub(crate) fn town() -> Result<Vec<u8>> {
    Ok([fixture("media/town.jpg")?, never_before()].concat())
}

/// A video in which something is found in most frames, and that was never sent before.
pub(crate) fn traffic() -> Result<Vec<u8>> {
    let unique = never_before();
    // A box that is free to hold anything (ISO/IEC 14496-12, 8.1.2): its length, its name, its content.
    let length = u32::try_from(8 + unique.len())?.to_be_bytes();
    Ok([&fixture("media/traffic.mp4")?[..], &length, b"free", &unique].concat())
}

/// Bytes that no other call and no other run gives.
fn never_before() -> Vec<u8> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    [now.as_nanos().to_be_bytes().as_slice(), &process::id().to_be_bytes(), &count.to_be_bytes()]
        .concat()
}

fn resolved(name: &str) -> Result<SocketAddr> {
    let mut addresses = name.to_socket_addrs().with_context(|| name.to_owned())?;
    addresses.next().with_context(|| format!("{name} has no address"))
}
