//! Which of a video's frames are wanted, decided by number and time alone.

use std::time::Duration;

use crate::Sampling;

/// Containers round times to a millisecond, so a frame may be that much early for its turn.
const ROUNDING: Duration = Duration::from_millis(1);

/// Decides frame by frame, in the order of presentation.
#[derive(Debug, Clone)]
pub(crate) struct Sampler {
    sampling: Sampling,
    /// When the first frame is shown.
    start: Option<Duration>,
    /// The first of the equal spans of time behind the start of which no frame is taken yet.
    next_span: f64,
}

impl Sampler {
    pub(crate) const fn new(sampling: Sampling) -> Self {
        Self { sampling, start: None, next_span: 0.0 }
    }

    /// Whether frame `index`, shown at `pts`, is wanted.
    pub(crate) fn wants(&mut self, index: u64, pts: Duration) -> bool {
        match self.sampling {
            Sampling::All | Sampling::Keyframes => true,
            Sampling::Every(n) => index % n == 0,
            Sampling::Fps(rate) => self.is_due(pts, rate),
        }
    }

    /// Whether the span in which a frame lies is still without one.
    fn is_due(&mut self, pts: Duration, rate: f64) -> bool {
        let start = *self.start.get_or_insert(pts);
        let since = pts.saturating_sub(start) + ROUNDING;
        let span = (since.as_secs_f64() * rate).floor();
        let due = span >= self.next_span;
        if due {
            self.next_span = span + 1.0;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU64, time::Duration};

    use proptest::prelude::{prop_assert, proptest};

    use super::Sampler;
    use crate::Sampling;

    fn taken(sampling: Sampling, times: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut sampler = Sampler::new(sampling);
        let wanted = |(index, ms): (usize, u64)| {
            let index = u64::try_from(index).unwrap();
            sampler.wants(index, Duration::from_millis(ms)).then_some(index)
        };
        times.into_iter().enumerate().filter_map(wanted).collect()
    }

    #[test]
    fn every_third_begins_with_the_first() {
        let every = Sampling::Every(NonZeroU64::new(3).unwrap());
        assert_eq!(taken(every, 0..8), [0, 3, 6]);
    }

    #[test]
    fn the_rate_of_the_video_takes_every_frame_though_times_are_rounded() {
        let rounded = (0..300).map(|index| (index * 1000 + 15) / 30);
        assert_eq!(taken(Sampling::Fps(30.0), rounded).len(), 300);
    }

    #[test]
    fn two_a_second_are_taken_of_a_steady_video_that_starts_late() {
        let steady = (0..50).map(|index| 7000 + index * 80);
        assert_eq!(taken(Sampling::Fps(2.0), steady), [0, 7, 13, 19, 25, 32, 38, 44]);
    }

    #[test]
    fn a_gap_is_not_made_up_for() {
        let gap = [0, 100, 5000, 5100, 5200, 6000];
        assert_eq!(taken(Sampling::Fps(1.0), gap), [0, 2, 5]);
    }

    proptest! {
        #[test]
        fn never_more_than_the_rate_and_never_a_span_without(
            steps in proptest::collection::vec(1_u64..400, 1..200),
            rate in 0.2_f64..40.0,
        ) {
            let mut now = 0;
            let times: Vec<u64> = steps.iter().map(|step| { now += step; now }).collect();
            let taken = taken(Sampling::Fps(rate), times.iter().copied());
            let seconds = Duration::from_millis(now - times[0]).as_secs_f64();
            let most = (seconds + 0.001) * rate + 1.0;
            let count = f64::from(u32::try_from(taken.len()).unwrap());
            prop_assert!(count <= most + 1e-9, "{count} of at most {most}");
            for pair in taken.windows(2) {
                let between = usize::try_from(pair[0]).unwrap()..usize::try_from(pair[1]).unwrap();
                let waited = times[between.end - 1] - times[between.start];
                let waited = f64::from(u32::try_from(waited).unwrap());
                prop_assert!(waited <= 1000.0 / rate + 1.0, "{waited} ms without a frame");
            }
        }
    }
}
