//! One word to stop work that nobody waits for any more: a flag that everybody who works for the
//! same request shares, and the moment after which the answer is of no use.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

/// Why work was stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// Whoever asked for the work gave up.
    Cancelled,
    /// The deadline passed.
    TimedOut,
}

/// A shared flag and an optional deadline; clones speak of the same work.
///
/// ```
/// use detections_types::{CancelToken, Interrupt};
///
/// let token = CancelToken::new();
/// let worker = token.clone();
/// assert_eq!(worker.check(), Ok(()));
/// token.cancel();
/// assert_eq!(worker.check(), Err(Interrupt::Cancelled));
/// ```
#[derive(Debug, Clone, Default)]
pub struct CancelToken {
    cancelled: Arc<AtomicBool>,
    deadline: Option<Instant>,
    /// The work that this one is a part of.
    whole: Option<Arc<CancelToken>>,
}

impl CancelToken {
    /// A token without a deadline.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A token whose work is of no use after `deadline`.
    #[must_use]
    pub fn with_deadline(deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..Self::default() }
    }

    /// A token for a part of the work: it stops with the whole, and the whole goes on when only the part is stopped.
    #[must_use]
    pub fn part(&self) -> Self {
        Self {
            cancelled: Arc::default(),
            deadline: self.deadline,
            whole: Some(Arc::new(self.clone())),
        }
    }

    /// Stops the work of every clone at its next check.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// The moment after which the answer is of no use.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether the work should go on.
    ///
    /// # Errors
    /// [`Interrupt`] once the work was cancelled or its deadline has passed.
    pub fn check(&self) -> Result<(), Interrupt> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Interrupt::Cancelled);
        }
        if let Some(whole) = &self.whole {
            return whole.check();
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(Interrupt::TimedOut),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{CancelToken, Interrupt};

    #[test]
    fn a_passed_deadline_times_out_and_cancelling_comes_first() {
        let token = CancelToken::with_deadline(Instant::now());
        assert_eq!(token.check(), Err(Interrupt::TimedOut));
        token.cancel();
        assert_eq!(token.check(), Err(Interrupt::Cancelled));
    }

    #[test]
    fn a_part_stops_with_the_whole_and_alone() {
        let whole = CancelToken::new();
        let (one, other) = (whole.part(), whole.part());
        one.clone().cancel();
        assert_eq!(one.check(), Err(Interrupt::Cancelled));
        assert_eq!((whole.check(), other.check()), (Ok(()), Ok(())));
        whole.cancel();
        assert_eq!(other.check(), Err(Interrupt::Cancelled));
        let late = CancelToken::with_deadline(Instant::now());
        assert_eq!(late.part().check(), Err(Interrupt::TimedOut));
    }

    #[test]
    fn a_far_deadline_lets_work_go_on() {
        let token = CancelToken::with_deadline(Instant::now() + Duration::from_secs(3600));
        assert_eq!(token.check(), Ok(()));
    }
}
