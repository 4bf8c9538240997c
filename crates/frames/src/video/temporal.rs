//! When pictures of MPEG-1 and MPEG-2 are shown of which the container says nothing.
//!
//! A program stream states the time of the first picture of a packet only. Each picture tells its place in its
//! group (`temporal_reference`, ISO/IEC 13818-2, section 6.3.9), so a stated time gives those of the others;
//! a decoder guesses them in the order of decoding, and wrongly.

use std::sync::Mutex;

use gstreamer::{self as gst, ClockTime, prelude::PadExtManual as _};

/// Bytes at the start of a picture within which its header lies.
const HEADER: usize = 4096;

/// Places are told modulo this.
const PLACES: u16 = 1024;

/// What a picture's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// Pictures of the group that are shown before it.
    within: u16,
    starts_group: bool,
    /// Whether it is decoded without any other (`picture_coding_type`).
    stands_alone: bool,
}

/// Whether the picture in `bytes` needs others; the parser does not say so of the last one of a stream.
pub(super) fn needs_others(bytes: &[u8]) -> bool {
    place(bytes).is_some_and(|place| !place.stands_alone)
}

/// The times of one stream's pictures in the order of decoding.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// When the first picture of the group is shown, as far as it is known, in nanoseconds; it may lie before the
    /// first time of the stream.
    start: Option<i128>,
    /// The last place of the group so far.
    last: u16,
}

impl Times {
    /// The time of the picture in `bytes`: the one that is `stated`, or else the one that follows from its place.
    pub(super) fn time(
        &mut self,
        bytes: &[u8],
        stated: Option<ClockTime>,
        duration: Option<ClockTime>,
    ) -> Option<ClockTime> {
        let (Some(place), Some(duration)) = (place(bytes), duration) else { return stated };
        let duration = i128::from(duration.nseconds());
        self.enter(place, duration);
        let offset = i128::from(place.within) * duration;
        if let Some(stated) = stated {
            self.start = Some(i128::from(stated.nseconds()) - offset);
            return Some(stated);
        }
        u64::try_from(self.start? + offset).ok().map(ClockTime::from_nseconds)
    }

    /// Goes on to the next group where `place` is in it.
    fn enter(&mut self, place: Place, duration: i128) {
        let shown = if place.starts_group {
            self.last + 1
        } else if place.within + PLACES / 2 < self.last {
            PLACES
        } else {
            self.last = self.last.max(place.within);
            return;
        };
        self.start = self.start.map(|start| start.saturating_add(i128::from(shown) * duration));
        self.last = place.within;
    }
}

/// Gives every picture the time that its container leaves out.
pub(super) fn state_times(pad: &gst::Pad) {
    let times = Mutex::new(Times::default());
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(buffer) = info.buffer_mut()
            && let Ok(mut times) = times.lock()
        {
            let (stated, duration) = (buffer.pts(), buffer.duration());
            let bytes = buffer.map_readable();
            let time = bytes.map_or(stated, |bytes| times.time(&bytes, stated, duration));
            if time != stated {
                buffer.make_mut().set_pts(time);
            }
        }
        gst::PadProbeReturn::Ok
    });
}

/// Looks for the header of the picture in `bytes`.
fn place(bytes: &[u8]) -> Option<Place> {
    const GROUP: u8 = 0xb8;
    const PICTURE: u8 = 0;
    let bytes = &bytes[..bytes.len().min(HEADER)];
    let mut starts_group = false;
    for window in bytes.windows(6) {
        match *window {
            [0, 0, 1, GROUP, ..] => starts_group = true,
            [0, 0, 1, PICTURE, high, low] => {
                let within = u16::from_be_bytes([high, low]) >> 6;
                let stands_alone = low >> 3 & 7 == 1;
                return Some(Place { within, starts_group, stands_alone });
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use gstreamer::ClockTime;

    use super::{Place, Times, needs_others, place};

    fn picture(within: u16, starts_group: bool) -> Vec<u8> {
        let group: &[u8] = if starts_group { &[0, 0, 1, 0xb8, 0, 8, 0, 0] } else { &[] };
        [&[0, 0, 1, 0xb3, 9][..], group, &[0, 0, 1, 0], &(within << 6 | 1 << 3).to_be_bytes(), &[7]]
            .concat()
    }

    /// The times of pictures: place, whether a group starts, and the stated time.
    fn times(pictures: &[(u16, bool, Option<u64>)]) -> Vec<Option<u64>> {
        let (mut times, duration) = (Times::default(), Some(ClockTime::from_mseconds(40)));
        let mut time = |&(within, starts_group, stated): &(u16, bool, Option<u64>)| {
            let stated = stated.map(ClockTime::from_mseconds);
            times.time(&picture(within, starts_group), stated, duration).map(ClockTime::mseconds)
        };
        pictures.iter().map(&mut time).collect()
    }

    #[test]
    fn a_picture_tells_its_place() {
        for (within, starts_group) in [(0, true), (2, false), (1023, false)] {
            let bytes = picture(within, starts_group);
            let stands_alone = true;
            assert_eq!(place(&bytes), Some(Place { within, starts_group, stands_alone }));
            assert!(!needs_others(&bytes));
            for len in 0..bytes.len() - 1 {
                assert_eq!(place(&bytes[..len]), None, "{len} bytes");
            }
        }
        assert!(needs_others(&[0, 0, 1, 0, 0, 2 << 3]));
    }

    #[test]
    fn a_time_that_is_not_stated_follows_from_the_place() {
        // I B B P B B, and the next group.
        let pictures = [
            (2, true, Some(580)),
            (0, false, None),
            (1, false, Some(540)),
            (5, false, None),
            (3, false, None),
            (4, false, None),
            (2, true, None),
            (0, false, None),
            (1, false, Some(780)),
            (3, false, None),
        ];
        let expected = [580, 500, 540, 700, 620, 660, 820, 740, 780, 860];
        assert_eq!(times(&pictures), expected.map(Some));
    }

    #[test]
    fn places_may_be_told_modulo_their_number_and_nothing_is_told_before_a_first_time() {
        let pictures =
            [(1022, false, None), (1023, false, Some(100)), (1, false, None), (0, false, None)];
        assert_eq!(times(&pictures), [None, Some(100), Some(180), Some(140)]);
        assert_eq!(Times::default().time(b"no picture", None, None), None);
    }
}
