//! When the Loader is asked next: at an interval while it answers, and with growing, scattered pauses while it
//! does not. It owns no clock and no thread; it only says how long to wait.

use std::time::Duration;

/// The pause after the first failure.
const FIRST: Duration = Duration::from_millis(500);

/// The longest pause between two attempts that fail.
const LONGEST: Duration = Duration::from_secs(60);

/// How long to wait before the Loader is asked again.
///
/// ```
/// use std::time::Duration;
/// use detections_models::Schedule;
///
/// let mut schedule = Schedule::new(Some(Duration::from_secs(60)), 7);
/// let first = schedule.after_failure();
/// assert!(first >= Duration::from_millis(250) && first <= Duration::from_millis(500));
/// assert_eq!(schedule.after_answer(), Some(Duration::from_secs(60)));
/// ```
#[derive(Debug, Clone)]
pub struct Schedule {
    interval: Option<Duration>,
    failures: u32,
    random: u64,
}

impl Schedule {
    /// Asks every `interval`, or only when it is told to; `seed` scatters the pauses, so that many programs
    /// do not ask a Loader that comes back all at once.
    #[must_use]
    pub const fn new(interval: Option<Duration>, seed: u64) -> Self {
        Self { interval, failures: 0, random: seed }
    }

    /// The wait after an answer; `None` waits until somebody asks.
    pub const fn after_answer(&mut self) -> Option<Duration> {
        self.failures = 0;
        self.interval
    }

    /// The wait after a failure: it doubles from half a second to a minute, or to the interval where that is
    /// shorter, and its second half is left to chance.
    pub fn after_failure(&mut self) -> Duration {
        let grown = FIRST.saturating_mul(2_u32.saturating_pow(self.failures));
        let longest = self.interval.map_or(LONGEST, |interval| interval.min(LONGEST));
        self.failures = self.failures.saturating_add(1);
        let half = grown.min(longest) / 2;
        half + half.mul_f64(self.chance())
    }

    /// A number within 0..1: SplitMix64 (Steele, Lea and Flood, 2014).
    fn chance(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let top = u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or(0);
        f64::from(top) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Schedule;

    #[test]
    fn pauses_double_up_to_a_minute_and_an_answer_starts_over() {
        let mut schedule = Schedule::new(None, 1);
        for expected in [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000] {
            let pause = schedule.after_failure();
            let full = Duration::from_millis(expected);
            assert!(pause >= full / 2 && pause <= full, "{pause:?} of {full:?}");
        }
        assert_eq!(schedule.after_answer(), None);
        assert!(schedule.after_failure() <= Duration::from_millis(500));
    }

    #[test]
    fn pauses_are_no_longer_than_the_interval() {
        let interval = Duration::from_millis(40);
        let mut schedule = Schedule::new(Some(interval), 1);
        assert!((0..100).all(|_| schedule.after_failure() <= interval));
    }

    #[test]
    fn programs_with_other_seeds_wait_otherwise() {
        let first = |seed| Schedule::new(None, seed).after_failure();
        assert_ne!(first(1), first(2));
        assert_eq!(first(3), first(3));
    }
}
