//! Whose turn it is: media that somebody delivers, media that wait after a failure, and the service as a whole, which
//! is spared when it cannot be reached or fails whoever asks. Pure: time comes in as a number.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use crate::retry::Backoff;

/// After so many failures in a row, over whichever media, it is the service that fails and not a media.
const SERVICE_FAILS_AFTER: u32 = 8;

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// Deliver of this media.
    Media(i64),
    /// Nothing before this moment, or before something new comes.
    Wait(Option<Duration>),
}

#[derive(Debug)]
pub(super) struct Lanes {
    backoff: Backoff,
    busy: HashSet<i64>,
    waiting: HashMap<i64, Wait>,
    spared_until: Duration,
    failures: u32,
}

#[derive(Debug, Clone, Copy)]
struct Wait {
    until: Duration,
    failures: u32,
}

impl Lanes {
    pub(super) fn new(backoff: Backoff) -> Self {
        let (busy, waiting) = (HashSet::new(), HashMap::new());
        Self { backoff, busy, waiting, spared_until: Duration::ZERO, failures: 0 }
    }

    /// Until when the service is spared, if it is.
    pub(super) fn paused(&self, now: Duration) -> Option<Duration> {
        (now < self.spared_until).then_some(self.spared_until)
    }

    /// How many media are in hand or wait: among one more there is one that does not.
    pub(super) fn known(&self) -> usize {
        self.busy.len() + self.waiting.len()
    }

    /// Takes the first of the `ready` media that is free and due.
    pub(super) fn choose(&mut self, now: Duration, ready: Vec<i64>) -> Choice {
        // Media that wait and are not ready any more were dropped or have died.
        if ready.len() < self.known() + 1 {
            let still: HashSet<i64> = ready.iter().copied().collect();
            self.waiting.retain(|media, _| still.contains(media));
        }
        let mut first: Option<Duration> = None;
        for media in ready {
            if self.busy.contains(&media) {
                continue;
            }
            match self.waiting.get(&media) {
                Some(wait) if now < wait.until => {
                    first = Some(first.map_or(wait.until, |first| first.min(wait.until)));
                }
                _ => {
                    self.busy.insert(media);
                    return Choice::Media(media);
                }
            }
        }
        Choice::Wait(first)
    }

    /// A media is not in hand any more.
    pub(super) fn leave(&mut self, media: i64) {
        self.busy.remove(&media);
    }

    /// The service took, or gave an end to, a result of this media.
    pub(super) fn went_through(&mut self, media: i64) {
        self.waiting.remove(&media);
        self.failures = 0;
    }

    /// The service refused a result of this media: it answers, but the media waits.
    pub(super) fn refused(
        &mut self,
        media: i64,
        now: Duration,
        after: Option<Duration>,
        unit: f64,
    ) {
        self.failures = 0;
        self.hold(media, now, after, unit);
    }

    /// A post of this media failed: it waits, and when nothing goes through at all, so do the others.
    pub(super) fn failed(&mut self, media: i64, now: Duration, after: Option<Duration>, unit: f64) {
        self.hold(media, now, after, unit);
        self.failures = self.failures.saturating_add(1);
        if let Some(many @ 1..) = self.failures.checked_sub(SERVICE_FAILS_AFTER) {
            self.spared_until = self.spared_until.max(now + self.backoff.delay(many, unit));
        }
    }

    /// The service wants to be spared or is not there; whether that is news.
    pub(super) fn spare(&mut self, now: Duration, after: Option<Duration>, unit: f64) -> bool {
        let news = self.failures == 0;
        self.failures = self.failures.saturating_add(1);
        // Jitter goes on top of what was asked for, so that not all come back in the same moment.
        let wait = match after {
            Some(after) => after + self.backoff.first.mul_f64(unit),
            None => self.backoff.delay(self.failures, unit),
        };
        self.spared_until = self.spared_until.max(now + wait);
        news
    }

    fn hold(&mut self, media: i64, now: Duration, after: Option<Duration>, unit: f64) {
        let failures = self.waiting.get(&media).map_or(1, |wait| wait.failures.saturating_add(1));
        let wait = self.backoff.delay(failures, unit).max(after.unwrap_or_default());
        self.waiting.insert(media, Wait { until: now + wait, failures });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Choice, Lanes, SERVICE_FAILS_AFTER};
    use crate::retry::Backoff;

    const SECOND: Duration = Duration::from_secs(1);
    const BACKOFF: Backoff = Backoff { first: SECOND, longest: Duration::from_secs(60) };

    #[test]
    fn a_failing_media_holds_back_only_itself() {
        let mut lanes = Lanes::new(BACKOFF);
        assert_eq!(lanes.choose(SECOND, vec![1, 2]), Choice::Media(1));
        assert_eq!(lanes.choose(SECOND, vec![1, 2]), Choice::Media(2));
        assert_eq!(lanes.choose(SECOND, vec![1, 2]), Choice::Wait(None));
        lanes.failed(1, SECOND, None, 1.0);
        lanes.leave(1);
        lanes.went_through(2);
        lanes.leave(2);
        assert_eq!(lanes.paused(SECOND), None);
        assert_eq!(lanes.choose(SECOND, vec![1, 2]), Choice::Media(2));
        assert_eq!(lanes.choose(SECOND, vec![1, 2]), Choice::Wait(Some(2 * SECOND)));
        assert_eq!(lanes.choose(2 * SECOND, vec![1, 2]), Choice::Media(1));
    }

    #[test]
    fn what_is_asked_for_is_waited_and_a_longer_backoff_too() {
        let mut lanes = Lanes::new(BACKOFF);
        lanes.refused(1, SECOND, Some(30 * SECOND), 1.0);
        assert_eq!(lanes.choose(SECOND, vec![1]), Choice::Wait(Some(31 * SECOND)));
        assert!(lanes.spare(SECOND, Some(9 * SECOND), 0.0));
        assert_eq!(lanes.paused(SECOND), Some(10 * SECOND));
        assert_eq!(lanes.paused(10 * SECOND), None);
        assert!(!lanes.spare(SECOND, None, 1.0), "it is no news any more");
    }

    #[test]
    fn a_service_that_fails_whoever_asks_is_spared_until_something_goes_through() {
        let mut lanes = Lanes::new(BACKOFF);
        for media in 0..i64::from(SERVICE_FAILS_AFTER) {
            lanes.failed(media, SECOND, None, 1.0);
        }
        assert_eq!(lanes.paused(SECOND), None);
        lanes.failed(100, SECOND, None, 1.0);
        assert_eq!(lanes.paused(SECOND), Some(2 * SECOND));
        lanes.failed(101, 2 * SECOND, None, 1.0);
        assert_eq!(lanes.paused(2 * SECOND), Some(4 * SECOND));
        lanes.went_through(100);
        lanes.failed(102, 4 * SECOND, None, 1.0);
        assert_eq!(lanes.paused(4 * SECOND), None);
    }

    #[test]
    fn media_that_are_gone_are_forgotten() {
        let mut lanes = Lanes::new(BACKOFF);
        (0..100).for_each(|media| lanes.failed(media, SECOND, None, 1.0));
        assert_eq!(lanes.known(), 100);
        assert_eq!(lanes.choose(SECOND, vec![7]), Choice::Wait(Some(2 * SECOND)));
        assert_eq!(lanes.known(), 1);
    }
}
