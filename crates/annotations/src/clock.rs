//! Time as the outbox sees it, so that tests can be its masters: a clock that nobody sets for waiting and for
//! ages, and the wall clock for what people read and for dates in a response.

use std::{
    fmt::Debug,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

/// Where time comes from.
pub trait Clock: Debug + Send + Sync {
    /// Time since some moment; setting the wall clock does not move it.
    fn monotonic(&self) -> Duration;

    /// The wall clock, which may jump either way.
    fn wall(&self) -> SystemTime;

    /// Waits until [`monotonic`](Self::monotonic) is `until`, or `bell` has rung more than `heard` times.
    fn wait(&self, bell: &Bell, heard: u64, until: Duration);
}

/// The system's clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// A clock that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn wait(&self, bell: &Bell, heard: u64, until: Duration) {
        bell.wait(heard, Some(until.saturating_sub(self.monotonic())));
    }
}

/// Wakes those who wait for work; a ring that nobody waits for is not lost. Clones are the same bell.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<(Mutex<u64>, Condvar)>);

impl Bell {
    /// How often it has rung.
    #[must_use]
    pub fn heard(&self) -> u64 {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes all who wait.
    pub fn ring(&self) {
        let mut rings = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        *rings = rings.wrapping_add(1);
        self.0.1.notify_all();
    }

    /// Waits until it has rung since it had rung `heard` times, for so long at most.
    pub fn wait(&self, heard: u64, timeout: Option<Duration>) {
        let (rings, changed) = &*self.0;
        let rings = rings.lock().unwrap_or_else(PoisonError::into_inner);
        let unheard = |rings: &mut u64| *rings == heard;
        match timeout {
            Some(timeout) => drop(changed.wait_timeout_while(rings, timeout, unheard)),
            None => drop(changed.wait_while(rings, unheard)),
        }
    }
}
