//! Which pictures went into a decoder and never came out as frames.
//!
//! A decoder drops what it cannot decode and says nothing of it. Frames keep the times of their pictures, so
//! one that is passed over is missed; where times are not kept, the two are counted.

use std::collections::VecDeque;

use gstreamer::ClockTime;

/// Pictures that are waited for: more than any decoder holds back.
const MOST_AWAITED: usize = 256;
/// Frames that come behind a picture before it is lost: wrong times put frames out of order, but not by more.
const PATIENCE: u32 = 16;

/// Compares what goes into a decoder with what comes out.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// When the first picture is shown that needs none before it; those before it may not come out.
    start: Option<Option<ClockTime>>,
    awaited: VecDeque<Awaited>,
    /// Pictures that were lost and not told yet.
    untold: Option<Loss>,
    /// Whether frames came at times that no picture has: nothing then follows from times.
    guessed: bool,
    stopped: bool,
    /// Pictures that must come out, less the frames that came and the losses that were told.
    missing: i64,
}

/// Pictures that are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loss {
    pub(super) pictures: u64,
    /// When the first of them is shown, where that is known.
    pub(super) pts: Option<ClockTime>,
}

/// An encoded picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Encoded {
    pub(super) pts: Option<ClockTime>,
    /// Whether it needs no picture before it.
    pub(super) is_key: bool,
    /// Whether a frame must come of it.
    pub(super) is_due: bool,
}

#[derive(Debug)]
struct Awaited {
    pts: ClockTime,
    is_due: bool,
    /// Frames that came and are shown behind it.
    passed: u32,
}

impl Losses {
    /// A picture goes into the decoder.
    pub(super) fn enter(&mut self, picture: Encoded) {
        if self.start.is_none() && picture.is_key && !self.stopped {
            self.start = Some(picture.pts);
        }
        if !self.counts(picture.pts) {
            return;
        }
        self.missing += i64::from(picture.is_due);
        if let Some(pts) = picture.pts
            && !self.guessed
        {
            if self.awaited.len() == MOST_AWAITED {
                let oldest = self.awaited.pop_front();
                oldest.into_iter().for_each(|oldest| self.give_up(&oldest));
            }
            self.awaited.push_back(Awaited { pts, is_due: picture.is_due, passed: 0 });
        }
    }

    /// Awaits nothing any more.
    pub(super) fn stop(&mut self) {
        *self = Self { stopped: true, ..Self::default() };
    }

    /// A frame came out; returns the pictures that are lost by now.
    pub(super) fn leave(&mut self, pts: Option<ClockTime>) -> Option<Loss> {
        if !self.counts(pts) {
            return None;
        }
        let Some(awaited) = pts.and_then(|pts| self.take(pts)) else {
            self.missing -= 1;
            self.guessed = true;
            self.awaited.clear();
            return None;
        };
        self.missing -= i64::from(awaited.is_due);
        let behind = self.awaited.iter_mut().filter(|other| other.pts < awaited.pts);
        behind.for_each(|other| other.passed += 1);
        self.lost(PATIENCE)
    }

    /// No frame comes any more; returns the pictures that are lost, of a video that is `whole` also the last.
    pub(super) fn end(&mut self, whole: bool) -> Option<Loss> {
        if !self.guessed {
            return self.lost(u32::from(!whole));
        }
        let pictures = u64::try_from(std::mem::take(&mut self.missing)).unwrap_or(0);
        (whole && pictures > 0).then_some(Loss { pictures, pts: None })
    }

    /// The picture of a frame, rather one that is due where several are shown at that time.
    fn take(&mut self, pts: ClockTime) -> Option<Awaited> {
        let due = self.awaited.iter().position(|awaited| awaited.pts == pts && awaited.is_due);
        let any = || self.awaited.iter().position(|awaited| awaited.pts == pts);
        due.or_else(any).and_then(|at| self.awaited.remove(at))
    }

    /// Whether a picture or frame lies behind the first that can be decoded.
    fn counts(&self, pts: Option<ClockTime>) -> bool {
        let Some(start) = self.start else { return false };
        pts.zip(start).is_none_or(|(pts, start)| pts >= start)
    }

    /// Forgets the pictures that so many frames passed over.
    fn lost(&mut self, passed: u32) -> Option<Loss> {
        let (lost, left) = std::mem::take(&mut self.awaited)
            .into_iter()
            .partition::<VecDeque<_>, _>(|awaited| awaited.passed >= passed);
        self.awaited = left;
        lost.iter().for_each(|awaited| self.give_up(awaited));
        self.untold.take()
    }

    /// No frame comes of a picture any more.
    fn give_up(&mut self, awaited: &Awaited) {
        if awaited.is_due {
            self.missing -= 1;
            let loss = self.untold.get_or_insert(Loss { pictures: 0, pts: None });
            loss.pictures += 1;
            loss.pts = Some(loss.pts.map_or(awaited.pts, |first| first.min(awaited.pts)));
        }
    }
}

#[cfg(test)]
mod tests {
    use gstreamer::ClockTime;

    use super::{Encoded, Loss, Losses, MOST_AWAITED, PATIENCE};

    fn at(ms: u64) -> Option<ClockTime> {
        Some(ClockTime::from_mseconds(ms))
    }

    fn picture(pts: Option<ClockTime>) -> Encoded {
        Encoded { pts, is_key: true, is_due: true }
    }

    /// What is told of pictures at the times `into`, of which frames come at the times `out`.
    fn told(into: &[Option<u64>], out: &[u64], whole: bool) -> Vec<Loss> {
        let mut losses = Losses::default();
        into.iter().for_each(|pts| losses.enter(picture(pts.and_then(at))));
        let mut told: Vec<_> = out.iter().filter_map(|&pts| losses.leave(at(pts))).collect();
        told.extend(losses.end(whole));
        told
    }

    fn timed(times: impl IntoIterator<Item = u64>) -> Vec<Option<u64>> {
        times.into_iter().map(Some).collect()
    }

    #[test]
    fn every_frame_that_comes_is_missed_by_nobody_whatever_the_order() {
        let decoding = timed([0, 120, 40, 80, 240, 160, 200]);
        assert_eq!(told(&decoding, &[0, 40, 80, 120, 160, 200, 240], true), []);
        // Frames at times that were made up, at the same time, and more of them than pictures.
        assert_eq!(told(&decoding, &[0, 120, 121, 122, 240, 241, 242], true), []);
        assert_eq!(told(&timed([0, 40, 40, 40]), &[0, 40, 40, 40], true), []);
        assert_eq!(told(&timed([0, 40]), &[0, 10, 20, 30, 40], true), []);
        assert_eq!(told(&[Some(0), None, None], &[0, 40, 80], true), []);
    }

    #[test]
    fn pictures_that_are_passed_over_are_told_together_with_the_first_of_their_times() {
        let into = timed((0..60).map(|at| at * 40));
        let out: Vec<u64> = (0..60).filter(|at| !(5..8).contains(at)).map(|at| at * 40).collect();
        assert_eq!(told(&into, &out, true), [Loss { pictures: 3, pts: at(200) }]);
        let mut losses = Losses::default();
        into.iter().for_each(|pts| losses.enter(picture(pts.and_then(at))));
        let telling = out.iter().position(|&pts| losses.leave(at(pts)).is_some());
        assert_eq!(telling, Some(4 + PATIENCE as usize));
    }

    #[test]
    fn the_last_pictures_are_missed_unless_the_video_is_cut() {
        let into = timed([0, 40, 80, 120]);
        assert_eq!(told(&into, &[0, 80], true), [Loss { pictures: 2, pts: at(40) }]);
        assert_eq!(told(&into, &[0, 80], false), [Loss { pictures: 1, pts: at(40) }]);
        let nameless = [Some(0), None, None, None];
        assert_eq!(told(&nameless, &[0, 40], true), [Loss { pictures: 2, pts: None }]);
        assert_eq!(told(&nameless, &[0, 40], false), []);
    }

    #[test]
    fn what_lies_before_the_start_or_is_not_shown_is_not_missed() {
        let mut losses = Losses::default();
        let delta = |ms| Encoded { is_key: false, ..picture(at(ms)) };
        for picture in [delta(0), picture(at(120)), delta(40), delta(160)] {
            losses.enter(picture);
        }
        losses.enter(Encoded { is_due: false, ..picture(at(200)) });
        losses.enter(picture(at(200)));
        assert_eq!([80, 120, 160, 200].map(|ms| losses.leave(at(ms))), [None; 4]);
        assert_eq!(losses.end(true), None);
    }

    #[test]
    fn nothing_is_missed_where_pictures_are_no_frames() {
        let mut losses = Losses::default();
        losses.enter(picture(at(0)));
        losses.stop();
        [20, 40].into_iter().for_each(|ms| losses.enter(picture(at(ms))));
        assert_eq!((losses.leave(at(0)), losses.end(true)), (None, None));
    }

    #[test]
    fn what_is_waited_for_is_bounded_and_told_at_last() {
        let mut losses = Losses::default();
        let pictures = 10 * MOST_AWAITED as u64;
        (0..pictures).for_each(|ms| losses.enter(picture(at(ms))));
        assert_eq!(losses.awaited.len(), MOST_AWAITED);
        assert_eq!(losses.end(true), Some(Loss { pictures, pts: at(0) }));
        assert_eq!(losses.end(true), None);
    }
}
