//! What the streaming thread and whoever pulls frames know of each other.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use gstreamer::ClockTime;

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
    refused: bool,
    damage: Option<String>,
    missing: Option<u64>,
    pictures: u64,
    keys: VecDeque<Key>,
}

/// An encoded picture that is decoded while others are left out.
#[derive(Debug)]
struct Key {
    pts: Option<ClockTime>,
    index: u64,
}

/// Why no frame comes, and how certain it is that none will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outlook {
    /// Nothing is wrong.
    Fine,
    /// Decoding failed; what was decoded before may still come.
    Failed,
    /// Nothing more is to be waited for.
    Hopeless,
}

impl Status {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the streaming thread to take no more bytes.
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

    /// Keeps why decoding ends behind the frames that still come; the first reason is the cause of the others.
    pub(super) fn fail(&self, fault: FrameError) {
        self.told().fault.get_or_insert(fault);
    }

    /// Keeps why no more frames are wanted.
    pub(super) fn refuse(&self, fault: FrameError) {
        self.stop();
        let mut told = self.told();
        told.fault.get_or_insert(fault);
        told.refused = true;
    }

    pub(super) fn outlook(&self) -> Outlook {
        let told = self.told();
        match told.fault {
            None => Outlook::Fine,
            Some(_) if told.refused || told.codec.is_none() => Outlook::Hopeless,
            Some(_) => Outlook::Failed,
        }
    }

    pub(super) fn take_fault(&self) -> Option<FrameError> {
        self.told().fault.take()
    }

    /// Keeps that something is damaged, until it is [taken](Self::take_damage).
    pub(super) fn damage(&self, message: String) {
        self.told().damage.get_or_insert(message);
    }

    pub(super) fn take_damage(&self) -> Option<String> {
        self.told().damage.take()
    }

    /// Keeps how many bytes the container states behind the last one that came.
    pub(super) fn cut_short(&self, missing: Option<u64>) {
        self.told().missing = missing;
    }

    pub(super) fn take_missing(&self) -> Option<u64> {
        self.told().missing.take()
    }

    /// Claims the one picture stream that is decoded; `false` when another one was first.
    pub(super) fn claim(&self, codec: &'static str) -> bool {
        let mut told = self.told();
        let first = told.codec.is_none();
        told.codec.get_or_insert(codec);
        first
    }

    /// Keeps what the headers of the pictures say of their codec, which containers do not always know.
    pub(super) fn parsed(&self, codec: Option<&'static str>) {
        let mut told = self.told();
        told.codec = codec.filter(|&codec| codec != "raw").or(told.codec);
    }

    /// The codec of the stream that is decoded.
    pub(super) fn codec(&self) -> Option<&'static str> {
        self.told().codec
    }

    /// Counts an encoded picture, which will not be decoded.
    pub(super) fn skip_picture(&self) {
        self.told().pictures += 1;
    }

    /// Counts an encoded picture and keeps its number until the frame is there.
    pub(super) fn note_picture(&self, pts: Option<ClockTime>) {
        let mut told = self.told();
        let index = told.pictures;
        told.pictures += 1;
        told.keys.push_back(Key { pts, index });
    }

    /// The number of the picture of which a frame was decoded; those before it gave none.
    pub(super) fn take_picture(&self, pts: Option<ClockTime>) -> Option<u64> {
        let mut told = self.told();
        let at = told.keys.iter().position(|key| key.pts == pts).unwrap_or(0);
        told.keys.drain(..at);
        told.keys.pop_front().map(|key| key.index)
    }
}
