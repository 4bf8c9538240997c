//! The places of keyframes among all pictures, in the order in which they are shown.
//!
//! Pictures come in the order of decoding. Those that come before a keyframe are shown before it; of those
//! behind it, some may be too, as their times tell: the leading pictures of an open group.

use std::collections::VecDeque;

use gstreamer::ClockTime;

/// Keyframes that are kept: more than any decoder holds back before it gives the first frame.
const MOST_KEYS: usize = 256;
/// Pictures behind a keyframe after which none is taken for one that is shown before it.
const MOST_LEADING: u64 = 64;

/// Counts the pictures of one stream and numbers its keyframes.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// Pictures so far.
    pictures: u64,
    /// Whether a keyframe came.
    started: bool,
    keys: VecDeque<Key>,
    /// How far the last keyframe is known.
    last: Leading,
}

/// What is known of the number of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Known(u64),
    /// The next picture may be shown before it.
    Open,
    /// Of no keyframe that is kept.
    Unknown,
}

/// A keyframe of which no frame came yet.
#[derive(Debug)]
struct Key {
    pts: Option<ClockTime>,
    number: u64,
    is_open: bool,
}

/// What became of the pictures behind the last keyframe.
#[derive(Debug, Default)]
struct Leading {
    seen: u64,
    /// Whether they count: those of the first keyframe refer to pictures that are not there.
    count: bool,
}

impl Numbers {
    /// Counts a picture that is left out.
    pub(super) fn skip(&mut self, pts: Option<ClockTime>) {
        let leads = self.leads(pts);
        if !leads {
            self.close();
        } else if self.last.count {
            self.keys.iter_mut().rev().take(1).for_each(|key| key.number += 1);
        }
        self.last.seen += 1;
        // A decoder gives no frame of what it cannot make.
        let is_shown = if leads { self.last.count } else { self.started };
        self.pictures += u64::from(is_shown);
    }

    /// Counts a keyframe and keeps it until its frame is there.
    pub(super) fn key(&mut self, pts: Option<ClockTime>) {
        self.close();
        if self.keys.len() == MOST_KEYS {
            // So old that it gives no frame any more.
            self.keys.pop_front();
        }
        self.keys.push_back(Key { pts, number: self.pictures, is_open: pts.is_some() });
        self.last = Leading { seen: 0, count: self.started };
        self.started = true;
        self.pictures += 1;
    }

    /// A keyframe that is not shown itself, but to which pictures refer that are.
    pub(super) fn hidden_key(&mut self) {
        self.close();
        self.started = true;
    }

    /// No picture comes any more that might be shown before the last keyframe.
    pub(super) fn close(&mut self) {
        if let Some(key) = self.keys.back_mut() {
            key.is_open = false;
        }
    }

    /// The number of the keyframe of which a frame was decoded; once it is known, those before it are forgotten.
    pub(super) fn take(&mut self, pts: Option<ClockTime>) -> Number {
        let at = self.keys.iter().position(|key| key.pts == pts).unwrap_or(0);
        match self.keys.get(at) {
            None => Number::Unknown,
            Some(key) if key.is_open => Number::Open,
            Some(key) => {
                let number = key.number;
                self.keys.drain(..=at);
                Number::Known(number)
            }
        }
    }

    /// Whether a picture behind the last keyframe is shown before it.
    fn leads(&self, pts: Option<ClockTime>) -> bool {
        let open = self.keys.back().filter(|key| key.is_open && self.last.seen < MOST_LEADING);
        open.and_then(|key| key.pts).zip(pts).is_some_and(|(key, pts)| pts < key)
    }
}

#[cfg(test)]
mod tests {
    use gstreamer::ClockTime;

    use super::{MOST_KEYS, MOST_LEADING, Number, Numbers};

    fn at(ms: u64) -> Option<ClockTime> {
        Some(ClockTime::from_mseconds(ms))
    }

    #[test]
    fn pictures_that_are_decoded_later_but_shown_before_a_keyframe_count() {
        let mut numbers = Numbers::default();
        numbers.key(at(0));
        assert_eq!(numbers.take(at(0)), Number::Open);
        [120, 40, 80].into_iter().for_each(|ms| numbers.skip(at(ms)));
        assert_eq!(numbers.take(at(0)), Number::Known(0));
        numbers.key(at(240));
        [160, 200].into_iter().for_each(|ms| numbers.skip(at(ms)));
        assert_eq!(numbers.take(at(240)), Number::Open);
        numbers.skip(at(280));
        assert_eq!(numbers.take(at(240)), Number::Known(6));
        numbers.key(at(320));
        assert_eq!(numbers.take(at(320)), Number::Open);
        numbers.close();
        assert_eq!(numbers.take(at(320)), Number::Known(8));
    }

    #[test]
    fn what_refers_to_pictures_before_the_first_keyframe_gives_no_frame() {
        let mut numbers = Numbers::default();
        [0, 40].into_iter().for_each(|ms| numbers.skip(at(ms)));
        numbers.key(at(160));
        [80, 120, 200].into_iter().for_each(|ms| numbers.skip(at(ms)));
        numbers.key(at(240));
        numbers.close();
        assert_eq!(numbers.take(at(160)), Number::Known(0));
        assert_eq!(numbers.take(at(240)), Number::Known(2));
    }

    #[test]
    fn a_keyframe_that_is_not_shown_has_no_number() {
        let mut numbers = Numbers::default();
        numbers.hidden_key();
        [0, 40].into_iter().for_each(|ms| numbers.skip(at(ms)));
        numbers.key(at(80));
        numbers.close();
        assert_eq!(numbers.take(at(80)), Number::Known(2));
    }

    #[test]
    fn a_stream_without_times_counts_in_its_own_order() {
        let mut numbers = Numbers::default();
        for _ in 0..3 {
            numbers.key(None);
            (0..4).for_each(|_| numbers.skip(None));
        }
        let numbers = [(); 4].map(|()| numbers.take(None));
        let known = Number::Known;
        assert_eq!(numbers, [known(0), known(5), known(10), Number::Unknown]);
    }

    #[test]
    fn what_is_kept_and_waited_for_is_bounded() {
        let mut numbers = Numbers::default();
        let keys = 10 * MOST_KEYS as u64;
        (0..keys).for_each(|ms| numbers.key(at(ms)));
        assert_eq!(numbers.keys.len(), MOST_KEYS);
        (0..MOST_LEADING).for_each(|_| numbers.skip(at(0)));
        assert_eq!(numbers.take(at(keys - 1)), Number::Open);
        numbers.skip(at(0));
        assert_eq!(numbers.take(at(keys - 1)), Number::Known(keys - 1 + MOST_LEADING));
        assert!(numbers.keys.is_empty());
    }
}
