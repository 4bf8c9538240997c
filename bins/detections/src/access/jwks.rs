//! A key set that changes: fetched by a thread of its own on an interval, and soon after a token names a key
//! that is not in it. A fetch that fails leaves the keys that there are.

mod fetch;

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{
    sync::{Semaphore, watch},
    time::timeout,
};

use self::fetch::{FetchError, Fetcher};
pub use self::fetch::{JwksSource, PlainHttp, UrlFault};
use super::{AccessMetrics, KeySet};
use crate::{config::JwksConfig, http::told_with_causes};

/// A request waits at most so long for keys, a little longer than one fetch may take.
const PATIENCE: Duration = Duration::from_secs(11);

/// Most requests that wait for keys at the same time; others are refused at once.
const MAX_WAITING: usize = 64;

/// After a fetch that failed the next one is tried this soon, or after the interval if that is shorter.
const RETRY: Duration = Duration::from_secs(30);

/// Where the fetching stands.
#[derive(Debug, Clone, Default)]
struct State {
    keys: Option<Arc<KeySet>>,
    /// How many fetches have ended.
    fetches: u64,
    fetching: bool,
    last: Option<Instant>,
}

/// A key set and the thread that keeps it fresh.
#[derive(Debug)]
pub(super) struct Jwks {
    config: JwksConfig,
    state: Arc<watch::Sender<State>>,
    wake: SyncSender<()>,
    /// Taken by the thread.
    woken: Mutex<Option<Receiver<()>>>,
    waiting: Semaphore,
    metrics: Arc<AccessMetrics>,
}

impl Jwks {
    /// No keys yet, but those that the configuration has read.
    pub(super) fn new(config: JwksConfig, metrics: Arc<AccessMetrics>) -> Self {
        // One word that is not yet heard is as good as many.
        let (wake, woken) = sync_channel(1);
        let keys = config.at_start.clone().map(Arc::new);
        let state = Arc::new(watch::Sender::new(State { keys, ..State::default() }));
        let waiting = Semaphore::new(MAX_WAITING);
        Self { config, state, wake, woken: Mutex::new(Some(woken)), waiting, metrics }
    }

    /// Starts the thread, once; it ends soon after this is dropped.
    pub(super) fn watch(&self) -> io::Result<()> {
        let woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(woken) = woken else { return Ok(()) };
        let keeper = Keeper {
            fetcher: Fetcher::new(self.config.source.clone()),
            interval: self.config.refresh,
            state: Arc::clone(&self.state),
            metrics: Arc::clone(&self.metrics),
        };
        let thread = thread::Builder::new().name("access-keys".to_owned());
        thread.spawn(move || keeper.run(&woken)).map(drop)
    }

    /// The keys of now; `None` before the first fetch that succeeded.
    pub(super) fn keys(&self) -> Option<Arc<KeySet>> {
        self.state.borrow().keys.clone()
    }

    /// Waits for a fetch that begins or is going on now; says whether one ended. Fetches are as rare as the
    /// settings say, and not everybody may wait.
    pub(super) async fn refreshed(&self) -> bool {
        let Ok(_place) = self.waiting.try_acquire() else { return false };
        let mut state = self.state.subscribe();
        let seen = state.borrow_and_update().clone();
        let rested = seen.last.is_none_or(|last| last.elapsed() >= self.config.cooldown);
        if !seen.fetching {
            if !rested {
                return false;
            }
            // A full channel holds the same word already; a closed one is seen by the wait.
            let _ = self.wake.try_send(());
        }
        let ended = state.wait_for(|state| state.fetches > seen.fetches);
        matches!(timeout(PATIENCE, ended).await, Ok(Ok(_)))
    }
}

/// What the thread works with.
struct Keeper {
    fetcher: Fetcher,
    interval: Duration,
    state: Arc<watch::Sender<State>>,
    metrics: Arc<AccessMetrics>,
}

impl Keeper {
    fn run(self, woken: &Receiver<()>) {
        loop {
            self.state.send_modify(|state| state.fetching = true);
            let fetched = self.fetcher.fetch();
            let next = if fetched.is_ok() { self.interval } else { RETRY.min(self.interval) };
            self.tell(&fetched);
            // Whoever asked while it went on has its answer.
            let _ = woken.try_recv();
            self.state.send_modify(|state| {
                state.keys = fetched.ok().map(Arc::new).or(state.keys.take());
                state.fetches += 1;
                state.fetching = false;
                state.last = Some(Instant::now());
            });
            if let Err(RecvTimeoutError::Disconnected) = woken.recv_timeout(next) {
                return;
            }
        }
    }

    fn tell(&self, fetched: &Result<KeySet, FetchError>) {
        let from = self.fetcher.source();
        match fetched {
            Ok(keys) => {
                self.metrics.refreshed("fetched");
                tracing::debug!(%from, keys = keys.len(), "keys of tokens fetched");
            }
            Err(error) => {
                self.metrics.refreshed("failed");
                let error = told_with_causes(error);
                tracing::warn!(%from, error, "keys of tokens not fetched; those that there are stay");
            }
        }
    }
}

#[cfg(test)]
mod tests;
