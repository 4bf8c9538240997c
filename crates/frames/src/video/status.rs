//! What the streaming thread and whoever pulls frames know of each other.

use std::{
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use gstreamer::ClockTime;

use super::{
    losses::{Encoded, Loss, Losses},
    numbers::{Number, Numbers},
};
use crate::FrameError;

/// The shared state of one decoder.
#[derive(Debug, Default)]
pub(super) struct Status {
    /// The most bytes that may be given before a picture comes of them.
    max_pending: u64,
    /// Bytes that were given and did not come out again, since the last picture.
    pending: AtomicU64,
    stopping: AtomicBool,
    waiting: AtomicBool,
    steps: AtomicU64,
    told: Mutex<Told>,
    numbers: Mutex<Numbers>,
    /// Told whenever more is known of the numbers.
    numbered: Condvar,
    losses: Mutex<Losses>,
}

/// What elements told.
#[derive(Debug, Default)]
struct Told {
    codec: Option<&'static str>,
    fault: Option<FrameError>,
    refused: bool,
    damage: Option<String>,
    missing: Option<u64>,
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
    /// That of a decoder which may keep `max_pending` bytes of which no picture comes.
    pub(super) fn new(max_pending: u64) -> Self {
        Self { max_pending, ..Self::default() }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn losses(&self) -> MutexGuard<'_, Losses> {
        self.losses.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Counts bytes that are about to be given; whatever splits them keeps those of an unfinished picture.
    pub(super) fn gave(&self, bytes: usize) -> Result<(), FrameError> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let before = self.pending.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.max_pending {
            return Err(FrameError::NoPictureWithin { max_bytes: self.max_pending });
        }
        Ok(())
    }

    /// A whole picture came out.
    pub(super) fn picture_came(&self) {
        self.pending.store(0, Ordering::Relaxed);
    }

    /// Bytes of another stream came out.
    pub(super) fn drained(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let less = |pending: u64| Some(pending.saturating_sub(bytes));
        // It never declines.
        let _ = self.pending.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
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
    pub(super) fn skip_picture(&self, pts: Option<ClockTime>) {
        self.numbers().skip(pts);
        self.numbered.notify_all();
    }

    /// Counts an encoded picture and keeps its number until the frame is there.
    pub(super) fn note_picture(&self, pts: Option<ClockTime>) {
        self.numbers().key(pts);
        self.numbered.notify_all();
    }

    /// Passes a keyframe of which no frame is shown.
    pub(super) fn hide_picture(&self) {
        self.numbers().hidden_key();
        self.numbered.notify_all();
    }

    /// Says that no encoded picture comes any more.
    pub(super) fn last_picture_came(&self) {
        self.numbers().close();
        self.numbered.notify_all();
    }

    /// The number of the picture of which a frame was decoded; waits for it up to `patience` where it is open.
    pub(super) fn take_number(&self, pts: Option<ClockTime>, patience: Duration) -> Number {
        let mut numbers = self.numbers();
        let number = numbers.take(pts);
        if number != Number::Open {
            return number;
        }
        let waited = self.numbered.wait_timeout(numbers, patience);
        (numbers, _) = waited.unwrap_or_else(PoisonError::into_inner);
        numbers.take(pts)
    }

    /// Notes what goes into the decoder.
    pub(super) fn enter_picture(&self, picture: Encoded) {
        self.losses().enter(picture);
    }

    /// Says that pictures and frames cannot be compared.
    pub(super) fn await_nothing(&self) {
        self.losses().stop();
    }

    /// Notes that a frame came; returns the pictures of which none will come.
    pub(super) fn leave_frame(&self, pts: Option<ClockTime>) -> Option<Loss> {
        self.losses().leave(pts)
    }

    /// The pictures of which no frame came, once all have come.
    pub(super) fn take_losses(&self) -> Option<Loss> {
        let whole = self.told().missing.is_none();
        self.losses().end(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::Status;
    use crate::FrameError;

    #[test]
    fn bytes_without_a_picture_are_limited_and_those_that_come_out_do_not_count() {
        let status = Status::new(100);
        for _ in 0..10 {
            status.gave(90).unwrap();
            status.picture_came();
            status.gave(90).unwrap();
            status.drained(90);
        }
        status.gave(100).unwrap();
        let error = status.gave(1).unwrap_err();
        assert!(matches!(error, FrameError::NoPictureWithin { max_bytes: 100 }), "{error:?}");
    }
}
