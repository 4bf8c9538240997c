//! What is counted of the outbox, for whoever watches it.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::rows::Totals;

/// How the outbox stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    /// Results that wait.
    pub pending: u64,
    /// Dead letters.
    pub dead: u64,
    /// Bytes that both count for.
    pub bytes: u64,
    /// For how long the oldest result has waited, in time that the outbox was open.
    pub oldest: Option<Duration>,
    /// Results that have arrived, since the start.
    pub delivered: u64,
    /// Posts that failed and are tried again, since the start.
    pub retries: u64,
    /// Results that became dead letters, since the start.
    pub died: u64,
    /// Results that were dropped for their age or for newer ones, since the start.
    pub dropped: u64,
    /// Whether the last result found no room.
    pub full: bool,
    /// Why the last write failed, if it did.
    pub trouble: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pending: AtomicU64,
    dead: AtomicU64,
    bytes: AtomicU64,
    /// One more than the time, 0 for none.
    oldest_ms: AtomicU64,
    pub(crate) delivered: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) died: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) full: AtomicBool,
    trouble: Mutex<Option<String>>,
}

impl Counters {
    pub(crate) fn note(&self, totals: Totals) {
        self.pending.store(totals.pending, Relaxed);
        self.dead.store(totals.dead, Relaxed);
        self.bytes.store(totals.bytes, Relaxed);
        self.oldest_ms.store(totals.oldest_ms.map_or(0, |ms| ms.saturating_add(1)), Relaxed);
    }

    pub(crate) fn trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// How it stands at `now`, by the outbox's own clock.
    pub(crate) fn stats(&self, now: u64) -> Stats {
        let oldest = self.oldest_ms.load(Relaxed).checked_sub(1);
        Stats {
            pending: self.pending.load(Relaxed),
            dead: self.dead.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            oldest: oldest.map(|stored| Duration::from_millis(now.saturating_sub(stored))),
            delivered: self.delivered.load(Relaxed),
            retries: self.retries.load(Relaxed),
            died: self.died.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            full: self.full.load(Relaxed),
            trouble: self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
