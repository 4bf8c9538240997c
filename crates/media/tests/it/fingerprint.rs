//! A fingerprint's cost, counted at the reader, and what it sees.

use std::{
    cell::Cell,
    io::{self, Cursor, Read, Seek, SeekFrom},
};

use detections_media::{fingerprint_file, fingerprint_reader};
use detections_types::ErrorKind;
use proptest::prelude::{prop_assert, prop_assert_eq, prop_assert_ne, proptest};

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

proptest! {
    #[test]
    fn at_most_three_reads_and_192_kib_whatever_the_size(length in 0_u64..(1 << 50)) {
        let (reads, bytes) = (Cell::new(0), Cell::new(0));
        let inner = Endless { length, at: 0 };
        fingerprint_reader(Counting { inner, reads: &reads, bytes: &bytes }).unwrap();
        prop_assert!(reads.get() <= 3, "{} reads", reads.get());
        prop_assert_eq!(bytes.get(), length.min(192 * 1024));
    }

    #[test]
    fn every_change_within_the_blocks_is_seen(
        length in 200_000_usize..400_000,
        block in 0_usize..3,
        within in 0_usize..65_536,
    ) {
        let mut media = vec![9; length];
        let before = fingerprint(&media);
        let start = [0, (length - 65_536) / 2, length - 65_536][block];
        media[start + within] ^= 1;
        prop_assert_ne!(fingerprint(&media), before);
    }
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

/// The collision statement: what lies between the blocks is not looked at.
#[test]
fn a_change_between_the_blocks_is_not_seen() {
    let mut media = vec![5; 400_000];
    let before = fingerprint(&media);
    media[100_000] ^= 1;
    assert_eq!(fingerprint(&media), before);
}

/// Computed by hand from the documented layout, so that the layout cannot change unnoticed.
#[test]
fn the_layout_is_fixed() {
    let documented = |blocks: &[&[u8]], length: u64| {
        let head = [&b"detections/fingerprint/1\0"[..], &length.to_le_bytes()].concat();
        let whole = [head, blocks.concat()].concat();
        detections_media::hash_bytes(&whole).sha256.to_string()
    };
    assert_eq!(fingerprint(b"abc"), documented(&[b"abc"], 3));
    let media: Vec<u8> = (0..250_001_u32).map(|i| (i % 253) as u8).collect();
    let blocks = [&media[..65_536], &media[92_232..157_768], &media[184_465..]];
    assert_eq!(fingerprint(&media), documented(&blocks, 250_001));
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
