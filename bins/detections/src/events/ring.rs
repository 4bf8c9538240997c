//! A bounded file without a name that is written in a circle: what was read makes room for what comes.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path, sync::Arc};

use actix_web::web::Bytes;

use super::{EventKind, EventsError};

/// In front of each record: the length of its line in four bytes, little endian, and its kind in one.
const HEADER: usize = 5;

/// One event on its way to disk.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) kind: EventKind,
    pub(super) line: &'a [u8],
}

/// The file. Offsets only ever grow; a place in the file is an offset modulo the capacity.
#[derive(Debug)]
pub(super) struct Ring {
    file: Arc<File>,
    capacity: u64,
    begin: u64,
    end: u64,
    /// One record as it is written.
    scratch: Vec<u8>,
}

impl Ring {
    /// An empty file that the system removes with its last handle.
    pub(super) fn create(dir: Option<&Path>, capacity: u64) -> io::Result<Self> {
        let file = dir.map_or_else(tempfile::tempfile, tempfile::tempfile_in)?;
        Ok(Self { file: Arc::new(file), capacity, begin: 0, end: 0, scratch: Vec::new() })
    }

    /// Writes one record behind the others and says where it begins.
    pub(super) fn append(&mut self, record: &Record<'_>) -> Result<u64, EventsError> {
        let kind = EventKind::ALL.iter().position(|kind| *kind == record.kind);
        let kind = kind.and_then(|kind| u8::try_from(kind).ok()).ok_or(EventsError::Full)?;
        let length = u32::try_from(record.line.len()).map_err(|_huge| EventsError::Full)?;
        let end = self.end + HEADER as u64 + u64::from(length);
        if end - self.begin > self.capacity {
            return Err(EventsError::Full);
        }
        self.scratch.clear();
        self.scratch.extend_from_slice(&length.to_le_bytes());
        self.scratch.push(kind);
        self.scratch.extend_from_slice(record.line);
        self.write()?;
        Ok(std::mem::replace(&mut self.end, end))
    }

    fn write(&self) -> io::Result<()> {
        let place = self.end % self.capacity;
        let fits = usize::try_from(self.capacity - place).unwrap_or(usize::MAX);
        let (here, there) = self.scratch.split_at(fits.min(self.scratch.len()));
        self.file.write_all_at(here, place)?;
        self.file.write_all_at(there, 0)
    }

    /// Gives up what lies before `offset`, and the file's blocks when nothing is left.
    pub(super) fn free_to(&mut self, offset: u64) {
        let begin = self.begin.max(offset.min(self.end));
        let moved = std::mem::replace(&mut self.begin, begin) < begin;
        if moved && self.begin == self.end {
            // Only room on disk is at stake: a file that stays long is written over.
            self.file.set_len(0).ok();
        }
    }

    /// What lies between `offset` and the end, to be read without a lock.
    pub(super) fn window(&self, offset: u64) -> Window {
        let begin = offset.max(self.begin);
        Window { file: Arc::clone(&self.file), capacity: self.capacity, begin, end: self.end }
    }
}

/// A part of the file that nobody writes to.
#[derive(Debug)]
pub(super) struct Window {
    file: Arc<File>,
    capacity: u64,
    begin: u64,
    end: u64,
}

impl Window {
    /// The whole records of the next `block` bytes, at least one, and the offset behind them.
    pub(super) fn read(&self, block: u64) -> io::Result<(Vec<(EventKind, Bytes)>, u64)> {
        let mut records = Vec::new();
        let bytes = Bytes::from(self.bytes(self.begin, (self.end - self.begin).min(block))?);
        let mut at = 0;
        while let Some((kind, length)) = bytes.get(at..).and_then(header) {
            let line = at + HEADER..at + HEADER + length;
            if line.end > bytes.len() {
                break;
            }
            at = line.end;
            records.push((kind, bytes.slice(line)));
        }
        if records.is_empty() {
            return self.read_one();
        }
        Ok((records, self.begin + at as u64))
    }

    /// The next record, however long it is.
    fn read_one(&self) -> io::Result<(Vec<(EventKind, Bytes)>, u64)> {
        let head = self.bytes(self.begin, HEADER as u64)?;
        let (kind, length) = header(&head).ok_or(io::ErrorKind::InvalidData)?;
        let line = self.begin + HEADER as u64;
        let bytes = self.bytes(line, length as u64)?;
        Ok((vec![(kind, Bytes::from(bytes))], line + length as u64))
    }

    fn bytes(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        if offset + length > self.end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let length = usize::try_from(length).map_err(|_huge| io::ErrorKind::OutOfMemory)?;
        let mut bytes = vec![0; length];
        let place = offset % self.capacity;
        let fits = usize::try_from(self.capacity - place).unwrap_or(usize::MAX);
        let (here, there) = bytes.split_at_mut(fits.min(length));
        self.file.read_exact_at(here, place)?;
        self.file.read_exact_at(there, 0)?;
        Ok(bytes)
    }
}

/// Kind and length of the record that begins with `bytes`.
fn header(bytes: &[u8]) -> Option<(EventKind, usize)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let kind = EventKind::ALL.get(usize::from(*rest.first()?))?;
    Some((*kind, usize::try_from(u32::from_le_bytes(*length)).ok()?))
}
