//! When a frame is shown.

use std::time::Duration;

use gstreamer::{self as gst, ClockTime};
use gstreamer_video as gst_video;

use super::kinds::Layout;

/// The time of frames that have none, in a second.
const USUAL_RATE: (u64, u64) = (25, 1);

/// Tells the times of one video's frames.
#[derive(Debug)]
pub(super) struct Clock {
    layout: Layout,
    first: Option<ClockTime>,
    last: Duration,
}

impl Clock {
    pub(super) const fn new(layout: Layout) -> Self {
        Self { layout, first: None, last: Duration::ZERO }
    }

    /// When frame `index` is shown; never before the one before it.
    pub(super) fn time(
        &mut self,
        sample: &gst::SampleRef,
        video: &gst_video::VideoInfo,
        index: u64,
    ) -> Duration {
        let stated = stream_time(sample).filter(|_| self.layout != Layout::Bare);
        let time = match (self.layout, stated) {
            (Layout::Broadcast, Some(stated)) => {
                let first = *self.first.get_or_insert(stated);
                stated.saturating_sub(first).into()
            }
            (Layout::Container | Layout::Bare, Some(stated)) => stated.into(),
            (_, None) => by_rate(index, rate(video)),
        };
        self.last = self.last.max(time);
        self.last
    }
}

fn stream_time(sample: &gst::SampleRef) -> Option<ClockTime> {
    let pts = sample.buffer()?.pts()?;
    let segment = sample.segment()?.downcast_ref::<ClockTime>()?;
    segment.to_stream_time(pts)
}

/// Frames in a second, as numerator and denominator.
pub(super) fn rate(video: &gst_video::VideoInfo) -> Option<(u64, u64)> {
    let fraction = video.fps();
    let numer = u64::try_from(fraction.numer()).ok().filter(|&numer| numer > 0)?;
    Some((numer, u64::try_from(fraction.denom()).ok()?))
}

fn by_rate(index: u64, rate: Option<(u64, u64)>) -> Duration {
    let (numer, denom) = rate.unwrap_or(USUAL_RATE);
    let nanos = u128::from(index) * u128::from(denom) * 1_000_000_000 / u128::from(numer);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
