//! How fast bytes are sent.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How fast bytes are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as they are taken.
    Unbounded,
    /// So many a second.
    BytesPerSecond(u64),
}

impl Pace {
    /// What is sent at once so that a second has fifty blocks, `most` at the most.
    pub(super) fn block(self, most: usize) -> usize {
        match self {
            Self::Unbounded => most,
            Self::BytesPerSecond(rate) => {
                usize::try_from(rate / 50).map_or(most, |block| block.clamp(1, most))
            }
        }
    }

    /// Starts counting.
    pub(super) fn start(self) -> Pacing {
        Pacing { pace: self, started: Instant::now(), sent: 0 }
    }
}

/// The bytes that were sent so far, and since when.
#[derive(Debug)]
pub(super) struct Pacing {
    pace: Pace,
    started: Instant,
    sent: usize,
}

impl Pacing {
    /// Waits until so many bytes more may have been sent.
    pub(super) fn wait(&mut self, count: usize) {
        if let Some(early) = self.sent(count) {
            thread::sleep(early);
        }
    }

    /// Counts bytes; how much too early they were sent, if at all.
    pub(super) fn sent(&mut self, count: usize) -> Option<Duration> {
        self.sent += count;
        let Pace::BytesPerSecond(rate) = self.pace else { return None };
        let microseconds = u64::try_from(self.sent).ok()? * 1_000_000 / rate.max(1);
        Duration::from_micros(microseconds).checked_sub(self.started.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Pace;

    #[test]
    fn bytes_are_due_at_their_rate_and_never_without_one() {
        let mut pacing = Pace::BytesPerSecond(1000).start();
        let early = pacing.sent(60_000).unwrap();
        assert!(early > Duration::from_secs(55) && early <= Duration::from_secs(60), "{early:?}");
        assert_eq!(Pace::Unbounded.start().sent(usize::MAX), None);
        assert_eq!(Pace::BytesPerSecond(200_000).block(65_536), 4000);
    }
}
