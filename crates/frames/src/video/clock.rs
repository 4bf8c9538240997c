//! When a frame is shown.

use std::time::Duration;

use gstreamer::{self as gst, ClockTime, prelude::PadExtManual as _};
use gstreamer_video as gst_video;

use super::{index::Shown, kinds::Layout};

/// The time of frames that have none, in a second.
const USUAL_RATE: (u32, u32) = (25, 1);

/// Tells the times of one video's frames.
#[derive(Debug)]
pub(super) struct Clock {
    layout: Layout,
    first: Option<ClockTime>,
    last: Duration,
    /// What times are relative to.
    segment: Option<gst::FormattedSegment<ClockTime>>,
}

impl Clock {
    pub(super) const fn new(layout: Layout) -> Self {
        Self { layout, first: None, last: Duration::ZERO, segment: None }
    }

    /// When frame `index` is shown; never before the one before it.
    pub(super) fn time(
        &mut self,
        sample: &gst::SampleRef,
        video: &gst_video::VideoInfo,
        index: u64,
    ) -> Duration {
        let time = self.stated(sample).unwrap_or_else(|| by_rate(index, rate(video)));
        self.last = self.last.max(time);
        self.last
    }

    /// When a sample is shown, where its container says that.
    pub(super) fn stated(&mut self, sample: &gst::SampleRef) -> Option<Duration> {
        let pts = sample.buffer()?.pts()?;
        self.segment = Some(sample.segment()?.downcast_ref::<ClockTime>()?.clone());
        self.at(pts)
    }

    /// When a picture is shown whose container says `pts`.
    pub(super) fn at(&mut self, pts: ClockTime) -> Option<Duration> {
        let time = self.segment.as_ref()?.to_stream_time(pts)?;
        match self.layout {
            Layout::Indexed | Layout::Streamed => Some(time.into()),
            Layout::Broadcast => {
                let first = *self.first.get_or_insert(time);
                Some(time.saturating_sub(first).into())
            }
            // What is stated was guessed in the order of decoding.
            Layout::Bare => None,
        }
    }
}

/// Tells the decoder what of the media is shown, and when; it leaves out the rest.
pub(super) fn show(pad: &gst::Pad, shown: Shown) {
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::PadProbeData::Event(event)) = &mut info.data
            && let gst::EventView::Segment(told) = event.view()
            && let Some(segment) = told.segment().downcast_ref::<ClockTime>()
        {
            let mut segment = segment.clone();
            let time = |time: Duration| ClockTime::try_from(time).ok();
            segment.set_start(time(shown.from));
            segment.set_position(time(shown.from));
            segment.set_stop(shown.until.and_then(time));
            segment.set_time(time(shown.at));
            *event = gst::event::Segment::builder(&segment).seqnum(told.seqnum()).build();
        }
        gst::PadProbeReturn::Ok
    });
}

/// Frames in a second, as numerator and denominator.
pub(super) fn rate(video: &gst_video::VideoInfo) -> Option<(u32, u32)> {
    let fraction = video.fps();
    let numer = u32::try_from(fraction.numer()).ok().filter(|&numer| numer > 0)?;
    Some((numer, u32::try_from(fraction.denom()).ok()?))
}

fn by_rate(index: u64, rate: Option<(u32, u32)>) -> Duration {
    let (numer, denom) = rate.unwrap_or(USUAL_RATE);
    let nanos = u128::from(index) * u128::from(denom) * 1_000_000_000 / u128::from(numer);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
