//! The events of one video, numbered from 1 and kept until they are read: so many bytes in memory, then so many
//! in an unnamed file. Whoever writes never waits for a reader, and a log that is full says so.

mod reader;
mod ring;

use std::{
    collections::VecDeque,
    fmt, io,
    ops::Range,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use actix_web::web::Bytes;
use tokio::sync::Notify;

pub use self::reader::Reader;
use self::ring::{Record, Ring};

/// What an entry takes in memory besides its text.
const ENTRY_BYTES: usize = size_of::<Entry>();

/// A reader that resumes looks for its place from the nearest of these on; they are so many bytes apart.
const MARK_INTERVAL: u64 = 256 * 1024;

/// How much is kept, and for whom.
#[derive(Debug, Clone)]
pub struct LogLimits {
    /// Bytes in memory.
    pub memory_bytes: usize,
    /// Bytes on disk, once memory is full.
    pub spool_bytes: u64,
    /// Where the file lies that has no name; `None` is the system's folder for temporary files.
    pub spool_dir: Option<PathBuf>,
    /// When an event may be forgotten.
    pub retention: Retention,
}

/// When an event may be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// As soon as the one reader has it.
    UntilRead,
    /// Never: any number of readers may begin anywhere, at any time.
    All,
}

/// Which event an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// The first frame was decoded.
    Start,
    /// A frame was searched.
    Frame,
    /// Time has passed.
    Progress,
    /// Something is wrong.
    Error,
    /// All is done.
    End,
}

impl EventKind {
    /// All kinds; one's place is its number in the spool.
    const ALL: [Self; 5] = [Self::Start, Self::Frame, Self::Progress, Self::Error, Self::End];

    /// The word that clients read.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Frame => "frame",
            Self::Progress => "progress",
            Self::Error => "error",
            Self::End => "end",
        }
    }
}

/// One event as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 1.
    pub number: u64,
    /// Which event it is.
    pub kind: EventKind,
    /// The JSON object and a line break.
    pub line: Bytes,
}

/// Why an event was not kept or cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventsError {
    /// Memory and spool are full of events that nobody has read.
    #[error("more events wait for a reader than can be kept")]
    Full,
    /// The event that was asked for is not kept any more.
    #[error("events before number {first} are not kept any more")]
    Gone {
        /// The first that is kept.
        first: u64,
    },
    /// There is no event before the one that was asked for.
    #[error("the newest event has number {newest}")]
    Ahead {
        /// The newest one.
        newest: u64,
    },
    /// The spool cannot be written or read.
    #[error("the spool of events failed")]
    Spool(#[from] io::Error),
}

/// The log; clones are the same log.
///
/// ```
/// use detections::events::{EventKind, EventLog, LogLimits, Retention};
///
/// let limits = LogLimits {
///     memory_bytes: 1 << 20,
///     spool_bytes: 1 << 28,
///     spool_dir: None,
///     retention: Retention::UntilRead,
/// };
/// let log = EventLog::new(limits);
/// log.append(EventKind::Start, b"{}\n".as_slice())?;
/// log.close(EventKind::End, b"{}\n".as_slice());
/// assert_eq!(log.newest(), 2);
/// # Ok::<(), detections::events::EventsError>(())
/// ```
#[derive(Clone)]
pub struct EventLog(Arc<Shared>);

struct Shared {
    limits: LogLimits,
    kept: Mutex<Kept>,
    changed: Notify,
}

/// What is kept: the oldest events in memory, behind them those of the spool, behind all the closing one.
#[derive(Default)]
struct Kept {
    /// The number of the newest event.
    newest: u64,
    memory: VecDeque<Entry>,
    memory_bytes: usize,
    spool: Option<Ring>,
    /// The numbers of the events in the spool; empty when everything is in memory.
    spooled: Range<u64>,
    /// Places in the spool: number of an event and where it begins.
    marks: VecDeque<(u64, u64)>,
    closing: Option<Entry>,
}

impl EventLog {
    /// An empty log; the spool is made when it is needed.
    #[must_use]
    pub fn new(limits: LogLimits) -> Self {
        Self(Arc::new(Shared { limits, kept: Mutex::default(), changed: Notify::new() }))
    }

    /// Adds an event; it may write to disk, so it is for threads that may block.
    ///
    /// # Errors
    /// [`EventsError::Full`] and [`EventsError::Spool`]; the log is then as it was.
    pub fn append(&self, kind: EventKind, line: impl Into<Bytes>) -> Result<(), EventsError> {
        let mut kept = self.0.kept();
        if kept.closing.is_some() {
            return Err(EventsError::Full);
        }
        let entry = Entry { number: kept.newest + 1, kind, line: line.into() };
        kept.add(entry, &self.0.limits)?;
        kept.newest += 1;
        drop(kept);
        self.0.changed.notify_waiters();
        Ok(())
    }

    /// Adds the last event, for which there is always room; what comes after it is ignored.
    pub fn close(&self, kind: EventKind, line: impl Into<Bytes>) {
        let mut kept = self.0.kept();
        if kept.closing.is_none() {
            kept.newest += 1;
            kept.closing = Some(Entry { number: kept.newest, kind, line: line.into() });
        }
        drop(kept);
        self.0.changed.notify_waiters();
    }

    /// The number of the newest event, 0 when there is none.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.0.kept().newest
    }

    /// Whether the last event was added.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.kept().closing.is_some()
    }

    /// Reads on behind event number `after`; 0 begins with the first.
    ///
    /// # Errors
    /// [`EventsError::Gone`] where what follows is not kept any more, [`EventsError::Ahead`] where there is no
    /// such event yet.
    pub fn read_after(&self, after: u64) -> Result<Reader, EventsError> {
        let kept = self.0.kept();
        let (first, newest) = (kept.first(), kept.newest);
        if after > newest {
            return Err(EventsError::Ahead { newest });
        }
        if after + 1 < first {
            return Err(EventsError::Gone { first });
        }
        drop(kept);
        Ok(Reader::new(Arc::clone(&self.0), after + 1))
    }
}

impl fmt::Debug for EventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventLog({} events)", self.newest())
    }
}

impl Shared {
    /// What is kept; each change of it is complete at once, so a panic elsewhere leaves it sound.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// The number of the oldest event, or of the next one when there is none.
    fn first(&self) -> u64 {
        let oldest = self.memory.front().map(|entry| entry.number);
        let spooled = (!self.spooled.is_empty()).then_some(self.spooled.start);
        let closing = self.closing.as_ref().map(|entry| entry.number);
        oldest.or(spooled).or(closing).unwrap_or(self.newest + 1)
    }

    /// Events stay in order: once some are in the spool, all go there until it is empty.
    fn add(&mut self, entry: Entry, limits: &LogLimits) -> Result<(), EventsError> {
        let bytes = entry.line.len() + ENTRY_BYTES;
        if self.spooled.is_empty() && self.memory_bytes + bytes <= limits.memory_bytes {
            self.memory_bytes += bytes;
            self.memory.push_back(entry);
            return Ok(());
        }
        self.spool(&entry, limits)
    }

    fn spool(&mut self, entry: &Entry, limits: &LogLimits) -> Result<(), EventsError> {
        if self.spool.is_none() {
            self.spool = Some(Ring::create(limits.spool_dir.as_deref(), limits.spool_bytes)?);
        }
        let Some(ring) = &mut self.spool else { return Err(EventsError::Full) };
        let begins = ring.append(&Record { kind: entry.kind, line: &entry.line })?;
        if self.spooled.is_empty() {
            self.spooled = entry.number..entry.number;
            self.marks.clear();
        }
        self.spooled.end = entry.number + 1;
        if self.marks.back().is_none_or(|(_, mark)| begins - mark >= MARK_INTERVAL) {
            self.marks.push_back((entry.number, begins));
        }
        Ok(())
    }

    /// Forgets the events up to `number`, of which those in the spool end at `offset`.
    fn forget(&mut self, number: u64, offset: Option<u64>) {
        while self.memory.front().is_some_and(|entry| entry.number <= number) {
            let bytes = self.memory.pop_front().map_or(0, |entry| entry.line.len() + ENTRY_BYTES);
            self.memory_bytes = self.memory_bytes.saturating_sub(bytes);
        }
        let (Some(ring), Some(offset)) = (&mut self.spool, offset) else { return };
        ring.free_to(offset);
        self.spooled.start = self.spooled.start.max((number + 1).min(self.spooled.end));
        while self.marks.front().is_some_and(|(marked, _)| *marked <= number) {
            self.marks.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
