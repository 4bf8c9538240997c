//! A fingerprint's cost, counted at the reader, and what it sees.

use std::{
    cell::Cell,
    io::{self, Cursor, Read, Seek, SeekFrom},
};

use detections_media::{
    StreamHasher, StreamIdentity, fingerprint_file, fingerprint_reader, hash_bytes,
};
use detections_types::ErrorKind;
use proptest::prelude::{prop_assert, prop_assert_eq, prop_assert_ne, prop_oneof, proptest};

/// Counts reads and bytes.
struct Counting<'a, R> {
    inner: R,
    reads: &'a Cell<u64>,
    bytes: &'a Cell<u64>,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.reads.set(self.reads.get() + 1);
        self.bytes.set(self.bytes.get() + read as u64);
        Ok(read)
    }
}

impl<R: Seek> Seek for Counting<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// Media of any length without its bytes: byte `i` is a function of `i`.
struct Endless {
    length: u64,
    at: u64,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length - self.at).unwrap_or(usize::MAX).min(buffer.len());
        for byte in &mut buffer[..left] {
            *byte = (self.at % 251) as u8;
            self.at += 1;
        }
        Ok(left)
    }
}

impl Seek for Endless {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(back) => self.length.saturating_add_signed(back),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

/// Gives at most 1,000 bytes a read, as a network file system may.
struct Short<R>(R);

impl<R: Read> Read for Short<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(1_000);
        self.0.read(&mut buffer[..len])
    }
}

impl<R: Seek> Seek for Short<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

fn fingerprint(bytes: &[u8]) -> String {
    fingerprint_reader(Cursor::new(bytes)).unwrap().to_string()
}

fn streamed(bytes: &[u8], cuts: &[usize]) -> StreamIdentity {
    let mut hasher = StreamHasher::new();
    let mut rest = bytes;
    for cut in cuts.iter().cycle().take_while(|_| cuts.iter().any(|cut| *cut > 0)) {
        let (chunk, tail) = rest.split_at((*cut).min(rest.len()));
        hasher.update(chunk).unwrap();
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    hasher.update(rest).unwrap();
    hasher.finish()
}

/// Bytes that differ from their neighbours at every distance.
fn mixed(length: usize) -> Vec<u8> {
    (0..length as u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()[6]).collect()
}

proptest! {
    #[test]
    fn a_few_reads_and_bytes_whatever_the_size(length in 0_u64..(1 << 50)) {
        let (reads, bytes) = (Cell::new(0), Cell::new(0));
        let inner = Endless { length, at: 0 };
        fingerprint_reader(Counting { inner, reads: &reads, bytes: &bytes }).unwrap();
        let doublings = u64::from((length >> 18).checked_ilog2().map_or(0, |log| log + 1));
        prop_assert!(reads.get() <= 2 + doublings, "{} reads", reads.get());
        prop_assert!(bytes.get() <= 192 * 1024 + doublings * 16 * 1024, "{} bytes", bytes.get());
        prop_assert!(bytes.get() >= length.min(192 * 1024));
    }

    #[test]
    fn every_change_within_the_samples_is_seen(
        length in 700_000_usize..800_000,
        part in 0_usize..4,
        within in 0_usize..16_384,
    ) {
        let mut media = vec![9; length];
        let before = fingerprint(&media);
        let start = [114_688, 262_144, 524_288, length - 65_536][part];
        media[start + within] ^= 1;
        prop_assert_ne!(fingerprint(&media), before);
    }

    #[test]
    fn bytes_that_stream_by_have_the_identity_of_the_file(
        length in prop_oneof![0_usize..2_000_000, 190_000_usize..200_000, 340_000_usize..350_000],
        cuts in proptest::collection::vec(0_usize..200_000, 0..8),
    ) {
        let media = mixed(length);
        let identity = streamed(&media, &cuts);
        prop_assert_eq!(identity.fingerprint.to_string(), fingerprint(&media));
        prop_assert_eq!(identity.sha256, hash_bytes(&media).sha256);
        prop_assert_eq!(identity.length, length as u64);
    }
}

#[test]
fn the_lengths_at_which_parts_begin_stream_like_files() {
    for edge in [0, 131_072, 196_608, 262_144 + 16_384 + 65_536, 524_288 + 16_384 + 65_536] {
        for length in [edge, edge + 1, edge.max(1) - 1] {
            let media = mixed(length);
            for cuts in [&[][..], &[1_000], &[65_536], &[16_384, 1, 300_000]] {
                let found = streamed(&media, cuts).fingerprint.to_string();
                assert_eq!(found, fingerprint(&media), "{length} {cuts:?}");
            }
        }
    }
}

#[test]
fn a_stream_over_the_limit_is_refused_and_keeps_its_identity() {
    let mut hasher = StreamHasher::with_limit(300_000);
    hasher.update(&mixed(300_000)).unwrap();
    assert_eq!(hasher.update(b"x").unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(hasher.finish(), streamed(&mixed(300_000), &[]));
}

#[test]
fn short_media_is_seen_whole() {
    let media = vec![3; 192 * 1024];
    let before = fingerprint(&media);
    for at in [0, 70_000, 100_000, 140_000, media.len() - 1] {
        let mut changed = media.clone();
        changed[at] ^= 1;
        assert_ne!(fingerprint(&changed), before, "{at}");
    }
}

#[test]
fn the_length_alone_is_seen() {
    assert_ne!(fingerprint(&vec![0; 300_000]), fingerprint(&vec![0; 300_001]));
    assert_ne!(fingerprint(b""), fingerprint(b"\0"));
}

/// The collision statement: what lies between the parts is not looked at.
#[test]
fn a_change_between_the_parts_is_not_seen() {
    let mut media = vec![5; 400_000];
    let before = fingerprint(&media);
    media[150_000] ^= 1;
    assert_eq!(fingerprint(&media), before);
    media[262_144] ^= 1;
    assert_ne!(fingerprint(&media), before);
}

/// Computed by hand from the documented layout, so that the layout cannot change unnoticed.
#[test]
fn the_layout_is_fixed() {
    let documented = |parts: &[&[u8]], length: u64| {
        let domain = &b"detections/fingerprint/2\0"[..];
        let whole = [domain, &parts.concat(), &length.to_le_bytes()].concat();
        hash_bytes(&whole).sha256.to_string()
    };
    assert_eq!(fingerprint(b""), documented(&[], 0));
    assert_eq!(fingerprint(b"abc"), documented(&[b"abc"], 3));
    let media = mixed(700_001);
    let parts =
        [&media[..131_072], &media[262_144..278_528], &media[524_288..540_672], &media[634_465..]];
    assert_eq!(fingerprint(&media), documented(&parts, 700_001));
}

#[test]
fn a_reader_that_gives_little_at_a_time_gives_the_same() {
    let media: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
    let short = fingerprint_reader(Short(Cursor::new(&media))).unwrap();
    assert_eq!(short.to_string(), fingerprint(&media));
}

#[test]
fn a_file_has_the_fingerprint_of_its_bytes_and_a_folder_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("media");
    std::fs::write(&path, vec![1; 250_000]).unwrap();
    assert_eq!(fingerprint_file(&path).unwrap().to_string(), fingerprint(&vec![1; 250_000]));
    let error = fingerprint_file(&folder.path().join("absent")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(fingerprint_file(folder.path()).is_err());
}
