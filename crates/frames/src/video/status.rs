//! What the streaming thread and whoever pulls frames know of each other.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::FrameError;

/// The shared state of one decoder.
#[derive(Debug, Default)]
pub(super) struct Status {
    stopping: AtomicBool,
    waiting: AtomicBool,
    steps: AtomicU64,
    told: Mutex<Told>,
}

/// What elements told.
#[derive(Debug, Default)]
struct Told {
    codec: Option<&'static str>,
    fault: Option<FrameError>,
    damage: Option<String>,
}

impl Status {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the streaming thread to end.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Says whether the decoder has taken all bytes that are there.
    pub(super) fn set_waiting(&self, waiting: bool) {
        self.waiting.store(waiting, Ordering::Relaxed);
        self.step();
    }

    /// Says that bytes were given.
    pub(super) fn step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether more bytes are waited for, and a number that changes with every step that is made.
    pub(super) fn progress(&self) -> (bool, u64) {
        (self.waiting.load(Ordering::Relaxed), self.steps.load(Ordering::Relaxed))
    }

    /// Keeps why decoding ends; the first reason is the cause of the others.
    pub(super) fn fail(&self, fault: FrameError) {
        self.told().fault.get_or_insert(fault);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.told().fault.is_some()
    }

    pub(super) fn take_fault(&self) -> Option<FrameError> {
        self.told().fault.take()
    }

    /// Keeps that something is damaged, until it is [taken](Self::take_damage).
    pub(super) fn damage(&self, message: String) {
        self.told().damage.get_or_insert(message);
    }

    pub(super) fn take_damage(&self, pts: Option<Duration>) -> Option<FrameError> {
        self.told().damage.take().map(|message| FrameError::Corrupt { message, pts })
    }

    /// Claims the one picture stream that is decoded; `false` when another one was first.
    pub(super) fn claim(&self, codec: &'static str) -> bool {
        let mut told = self.told();
        let first = told.codec.is_none();
        told.codec.get_or_insert(codec);
        first
    }

    /// The codec of the stream that is decoded.
    pub(super) fn codec(&self) -> Option<&'static str> {
        self.told().codec
    }
}
