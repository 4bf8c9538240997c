//! What the index of an MP4 or QuickTime file, `moov`, says of when its pictures are shown, and the same index
//! without it (ISO/IEC 14496-12, sections 8.2.2, 8.4.2 and 8.6.6).
//!
//! The splitter compares times of the media with lengths of what is shown, and so leaves out the last pictures of a
//! file that was cut out of another, or all of them. It is given an index without edits that ends late, and what
//! is shown is told to the decoder instead.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    ops::Range,
    time::Duration,
};

use super::boxes;

/// A longer index is left as it is.
pub(super) const MOST_BYTES: u64 = 32 << 20;

/// The end that the splitter is told lies so far behind all that is shown, in seconds.
const LATER: u64 = 60;

/// What an index says, and how it is changed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Index {
    pub(super) stated: Stated,
    patches: Vec<Patch>,
}

/// What an index says of a video; of fragments, which say it themselves, it states little.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Stated {
    /// The length.
    pub(super) duration: Option<Duration>,
    /// Pictures of the first track with pictures for each second of its media.
    pub(super) rate: Option<f64>,
    /// What is shown of that track, where it is not all of it.
    pub(super) shown: Option<Shown>,
}

/// A part of a track's media, and when it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    /// By the media's clock.
    pub(super) from: Duration,
    /// The same; `None` is the end of the media.
    pub(super) until: Option<Duration>,
    /// By the clock of what is shown.
    pub(super) at: Duration,
}

/// Other bytes of the same length.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Patch {
    at: u64,
    bytes: Vec<u8>,
}

impl Index {
    /// The index in `bytes`, the first ones of a file, where they hold all of it and it is understood.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let moov = boxes::within(bytes, 0..bytes.len()).find(|part| part.is(b"moov"))?;
        read(bytes, moov.content)
    }

    /// The index of a file of boxes, where it is understood; the file is at its start again.
    pub(super) fn of_file(file: &mut File) -> io::Result<Option<Self>> {
        let Some(place) = boxes::place_in_file(file, b"moov")? else { return Ok(None) };
        let len = place.end - place.start;
        if len > MOST_BYTES {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(place.start))?;
        file.take(len).read_to_end(&mut bytes)?;
        file.seek(SeekFrom::Start(0))?;
        let mut index = Self::of(&bytes);
        let patches = index.iter_mut().flat_map(|index| &mut index.patches);
        patches.for_each(|patch| patch.at += place.start);
        Ok(index)
    }

    /// Changes `bytes`, which begin at `start` of the file.
    pub(super) fn apply(&self, bytes: &mut [u8], start: u64) {
        for patch in &self.patches {
            for (at, byte) in (patch.at..).zip(&patch.bytes) {
                let place = at.checked_sub(start).and_then(|at| usize::try_from(at).ok());
                if let Some(changed) = place.and_then(|place| bytes.get_mut(place)) {
                    *changed = *byte;
                }
            }
        }
    }
}

/// A length in units, and the bytes that state it.
struct Length {
    at: Range<usize>,
    scale: u64,
    units: u64,
}

impl Length {
    /// Of the content of an `mvhd` or `mdhd` box.
    fn of(bytes: &[u8], content: &Range<usize>) -> Option<Self> {
        let wide = *bytes.get(content.start)? == 1;
        let (scale_at, len) = if wide { (20, 8) } else { (12, 4) };
        let scale_at = content.start + scale_at;
        let at = scale_at + 4..scale_at + 4 + len;
        let scale = number(bytes.get(scale_at..scale_at + 4)?);
        let units = number(bytes.get(at.clone())?);
        (scale > 0 && at.end <= content.end).then_some(Self { at, scale, units })
    }

    fn duration(&self) -> Option<Duration> {
        scaled(self.units, self.scale)
    }

    /// States `seconds` instead, where that fits.
    fn becomes(&self, seconds: u64) -> Option<Patch> {
        let bytes = self.scale.checked_mul(seconds)?.to_be_bytes();
        let (left_out, bytes) = bytes.split_at(bytes.len() - self.at.len());
        let fits = left_out.iter().all(|byte| *byte == 0);
        fits.then(|| Patch { at: self.at.start as u64, bytes: bytes.to_vec() })
    }
}

/// A track as far as it matters here.
struct Track {
    length: Length,
    has_pictures: bool,
    /// Samples for each second.
    rate: Option<f64>,
    /// Where the name of the box with its edits is, and what they say, where they are understood.
    edits: Option<(usize, Option<Shown>)>,
}

/// `None` where something is stated that is not understood: then all stays as it is.
fn read(bytes: &[u8], moov: Range<usize>) -> Option<Index> {
    let parts = || boxes::within(bytes, moov.clone());
    let movie = Length::of(bytes, &parts().find(|part| part.is(b"mvhd"))?.content)?;
    let tracks = parts().filter(|part| part.is(b"trak"));
    let tracks: Vec<Track> =
        tracks.map(|part| track(bytes, &part.content, &movie)).collect::<Option<_>>()?;
    let pictures = tracks.iter().find(|track| track.has_pictures);
    let rate = pictures.and_then(|track| track.rate);
    let shown = pictures.and_then(|track| track.edits.as_ref()).and_then(|(_, shown)| *shown);
    let mut patches: Vec<Patch> = tracks
        .iter()
        .filter_map(|track| track.edits.as_ref())
        .map(|(name, _)| Patch { at: *name as u64, bytes: b"free".to_vec() })
        .collect();
    let duration = movie.duration().filter(|duration| !duration.is_zero());
    // What is in fragments states no length.
    if let Some(duration) = duration {
        let lengths = || [&movie].into_iter().chain(tracks.iter().map(|track| &track.length));
        let media = tracks.iter().filter_map(|track| track.length.duration());
        let end = media.chain([duration]).max()?.as_secs().checked_add(LATER)?;
        // All of them or none: a track that is far shorter than its file is taken for a preview.
        let later: Vec<Patch> =
            lengths().map(|length| length.becomes(end)).collect::<Option<_>>()?;
        patches.extend(later);
    }
    Some(Index { stated: Stated { duration, rate, shown }, patches })
}

fn track(bytes: &[u8], content: &Range<usize>, movie: &Length) -> Option<Track> {
    let mdia = boxes::within(bytes, content.clone()).find(|part| part.is(b"mdia"))?;
    let inside = || boxes::within(bytes, mdia.content.clone());
    let length = Length::of(bytes, &inside().find(|part| part.is(b"mdhd"))?.content)?;
    let handler = inside().find(|part| part.is(b"hdlr"))?.content;
    let has_pictures = bytes.get(handler.start + 8..handler.start + 12)? == b"vide";
    let edits = match boxes::within(bytes, content.clone()).find(|part| part.is(b"edts")) {
        Some(edts) => {
            let list = boxes::within(bytes, edts.content.clone()).find(|part| part.is(b"elst"))?;
            Some((edts.name_at(), edits(bytes.get(list.content)?, movie.scale, length.scale)))
        }
        None => None,
    };
    let rate = samples_and_units(bytes, mdia.content.clone());
    let rate = rate.map(|(samples, units)| float(samples) * float(length.scale) / float(units));
    Some(Track { length, has_pictures, rate, edits })
}

/// The samples that a media lists, and how long all of them last, by its `stts` (ISO/IEC 14496-12, section 8.6.1.2).
///
/// The splitter divides by the length that it is told, so it is not asked.
fn samples_and_units(bytes: &[u8], mdia: Range<usize>) -> Option<(u64, u64)> {
    let inner = |outer: Range<usize>, name| {
        boxes::within(bytes, outer).find(|part| part.is(name)).map(|part| part.content)
    };
    let stts = inner(inner(inner(mdia, b"minf")?, b"stbl")?, b"stts")?;
    let entries = bytes.get(stts.start.checked_add(8)?..stts.end)?;
    let sums = entries.chunks_exact(8).try_fold((0_u64, 0_u64), |(samples, units), entry| {
        let (count, delta) = entry.split_at(4);
        let (count, delta) = (number(count), number(delta));
        Some((samples.checked_add(count)?, units.checked_add(count.checked_mul(delta)?)?))
    });
    sums.filter(|&(samples, units)| samples > 0 && units > 0)
}

/// Nothing for a while, and then one part of the media at its own speed; `None` for other lists, with which all of
/// the media is shown.
fn edits(list: &[u8], movie_scale: u64, media_scale: u64) -> Option<Shown> {
    const AT_ITS_SPEED: u64 = 1 << 16;
    let (head, entries) = list.split_at_checked(8)?;
    let wide = if *head.first()? == 1 { 8 } else { 4 };
    let count = usize::try_from(number(head.get(4..)?)).ok()?;
    let nothing = u64::MAX >> (64 - 8 * wide);
    let mut at = Duration::ZERO;
    for (index, entry) in entries.chunks_exact(2 * wide + 4).take(count).enumerate() {
        let (length, entry) = entry.split_at(wide);
        let (media, rate) = entry.split_at(wide);
        let (length, media) = (number(length), number(media));
        let shown = scaled(length, movie_scale)?;
        if media == nothing {
            at = at.checked_add(shown)?;
            continue;
        }
        let from = scaled(media, media_scale)?;
        let until = if length == 0 { None } else { Some(from.checked_add(shown)?) };
        let is_last = index + 1 == count;
        return (is_last && number(rate) == AT_ITS_SPEED).then_some(Shown { from, until, at });
    }
    None
}

#[expect(clippy::cast_precision_loss, reason = "a rate need not be more precise than that")]
const fn float(number: u64) -> f64 {
    number as f64
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn scaled(units: u64, scale: u64) -> Option<Duration> {
    let nanos = (u128::from(units) * 1_000_000_000).checked_div(u128::from(scale))?;
    Some(Duration::from_nanos(u64::try_from(nanos).ok()?))
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, time::Duration};

    use super::{Index, Shown, Stated};

    fn part(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let len = u32::try_from(content.len() + 8).unwrap();
        [&len.to_be_bytes(), &name[..], content].concat()
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// A track of 90 000 units a second.
    fn track(handler: &[u8; 4], units: u32, edits: &[[u32; 3]]) -> Vec<u8> {
        let mdhd = part(b"mdhd", &words(&[0, 0, 0, 90_000, units, 0]));
        let hdlr = part(b"hdlr", &[&[0; 8], &handler[..], &[0; 12]].concat());
        // 40 pictures to a second and then 10 that last twice as long.
        let stts = part(b"stts", &words(&[0, 2, 40, 2250, 10, 4500]));
        let minf = part(b"minf", &part(b"stbl", &stts));
        let mdia = part(b"mdia", &[mdhd, hdlr, minf].concat());
        let count = u32::try_from(edits.len()).unwrap();
        let list = [words(&[0, count]), words(edits.as_flattened())].concat();
        let edts = if edits.is_empty() { Vec::new() } else { part(b"edts", &part(b"elst", &list)) };
        part(b"trak", &[part(b"tkhd", &[0; 84]), edts, mdia].concat())
    }

    /// A file whose index comes first, of 1000 units a second.
    fn file(units: u32, tracks: &[Vec<u8>]) -> Vec<u8> {
        let mvhd = part(b"mvhd", &words(&[0, 0, 0, 1000, units, 0]));
        let moov = part(b"moov", &[mvhd, tracks.concat()].concat());
        [part(b"ftyp", b"isom"), moov, part(b"mdat", b"media")].concat()
    }

    const SPEED: u32 = 1 << 16;

    fn trimmed() -> Vec<u8> {
        let sound = track(b"soun", 450_000, &[[5000, 0, SPEED]]);
        file(
            5000,
            &[sound, track(b"vide", 900_000, &[[1500, u32::MAX, SPEED], [5000, 90_000, SPEED]])],
        )
    }

    #[test]
    fn what_is_shown_is_read_and_taken_out() {
        let mut bytes = trimmed();
        let index = Index::of(&bytes).unwrap();
        let seconds = Duration::from_secs;
        let (from, until) = (seconds(1), Some(seconds(6)));
        let shown = Some(Shown { from, until, at: Duration::from_millis(1500) });
        let rate = Some(50.0 / 1.5);
        assert_eq!(index.stated, Stated { duration: Some(seconds(5)), rate, shown });
        index.apply(&mut bytes, 0);
        let changed = Index::of(&bytes).unwrap();
        assert_eq!(changed.stated, Stated { duration: Some(seconds(70)), rate, shown: None });
        assert_eq!(bytes.windows(4).filter(|name| name == b"free").count(), 2);
        // Every length is the same, or a short track would be taken for a preview.
        let media = bytes.windows(4).filter(|word| *word == (70 * 90_000_u32).to_be_bytes());
        assert_eq!(media.count(), 2);
    }

    #[test]
    fn a_file_is_changed_wherever_it_is_read() {
        let mut file = tempfile::tempfile().unwrap();
        let mut bytes = [part(b"mdat", &[1; 40]), trimmed()].concat();
        file.write_all(&bytes).unwrap();
        let index = Index::of_file(&mut file).unwrap().unwrap();
        let mut whole = bytes.clone();
        index.apply(&mut whole, 0);
        assert_ne!(whole, bytes);
        for start in 0..bytes.len() {
            index.apply(&mut bytes[start..start + 1], start as u64);
        }
        assert_eq!(whole, bytes);
    }

    #[test]
    fn a_file_in_fragments_has_no_length_but_may_begin_late() {
        let bytes = file(0, &[track(b"vide", 0, &[[0, 7200, SPEED]])]);
        let index = Index::of(&bytes).unwrap();
        let from = Duration::from_millis(80);
        assert_eq!(index.stated.shown, Some(Shown { from, until: None, at: Duration::ZERO }));
        assert_eq!((index.stated.duration, index.patches.len()), (None, 1));
    }

    #[test]
    fn with_edits_that_are_not_understood_all_is_shown() {
        let twice = [[1000, 0, SPEED], [1000, 90_000, SPEED]];
        for edits in [&twice[..], &[[1000, 0, SPEED / 2]], &[[1000, u32::MAX, SPEED]]] {
            let bytes = file(5000, &[track(b"vide", 900_000, edits)]);
            let index = Index::of(&bytes).unwrap();
            assert_eq!((index.stated.shown, index.patches.len()), (None, 3), "{edits:?}");
        }
    }

    #[test]
    fn an_index_that_is_not_all_there_stays_as_it_is() {
        let bytes = trimmed();
        for len in 0..bytes.len() - 13 {
            assert_eq!(Index::of(&bytes[..len]), None, "{len} bytes");
        }
        let silent = Index::of(&file(5000, &[])).unwrap();
        assert_eq!((silent.patches.len(), silent.stated.rate), (1, None));
    }
}
