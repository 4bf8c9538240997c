//! A clock that stands still until a test moves it.

use std::{
    sync::{Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use detections_annotations::{Bell, Clock};

#[derive(Debug)]
pub(crate) struct ManualClock(Mutex<Time>);

#[derive(Debug)]
struct Time {
    now: Duration,
    wall: SystemTime,
    bells: Vec<Bell>,
}

impl ManualClock {
    pub(crate) fn new() -> Self {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        Self(Mutex::new(Time { now: Duration::from_secs(1), wall, bells: Vec::new() }))
    }

    pub(crate) fn advance(&self, by: Duration) {
        let mut time = self.lock();
        time.now += by;
        time.bells.drain(..).for_each(|bell| bell.ring());
    }

    /// Moves on only where somebody waits for it; otherwise a test would race ahead of what it tests.
    pub(crate) fn advance_for_waiters(&self, by: Duration) {
        if !self.lock().bells.is_empty() {
            self.advance(by);
        }
    }

    pub(crate) fn set_wall(&self, wall: SystemTime) {
        self.lock().wall = wall;
    }

    fn lock(&self) -> MutexGuard<'_, Time> {
        self.0.lock().unwrap()
    }
}

impl Clock for ManualClock {
    fn monotonic(&self) -> Duration {
        self.lock().now
    }

    fn wall(&self) -> SystemTime {
        self.lock().wall
    }

    fn wait(&self, bell: &Bell, heard: u64, until: Duration) {
        let mut time = self.lock();
        if time.now >= until {
            return;
        }
        time.bells.push(bell.clone());
        drop(time);
        bell.wait(heard, None);
    }
}
