//! One reader of a log: it hands out each event once and in order, and waits without blocking for what is to come.

use std::{collections::VecDeque, fmt, io, sync::Arc};

use super::{Entry, EventsError, Kept, Retention, Shared, ring::Window};

/// So much of the spool is read at once.
const BLOCK: u64 = 64 * 1024;

/// A place in a log.
pub struct Reader {
    shared: Arc<Shared>,
    /// The number of the event that is wanted next.
    next: u64,
    /// Events of the spool that were read ahead.
    block: VecDeque<Entry>,
    /// The number of the event behind the block, and where in the spool it begins.
    behind: Option<(u64, u64)>,
}

/// Where the wanted event is.
enum Place {
    Here(Entry),
    Spooled { window: Window, number: u64 },
    Yet,
    Never,
}

impl Reader {
    pub(super) const fn new(shared: Arc<Shared>, next: u64) -> Self {
        Self { shared, next, block: VecDeque::new(), behind: None }
    }

    /// The next event, as soon as there is one; `None` behind the last one.
    ///
    /// Nothing is lost when the future is dropped before it is ready.
    ///
    /// # Errors
    /// [`EventsError::Gone`] when another reader made the log forget it, [`EventsError::Spool`].
    pub async fn next(&mut self) -> Result<Option<Entry>, EventsError> {
        loop {
            if let Some(entry) = self.read_ahead() {
                return Ok(Some(entry));
            }
            let shared = Arc::clone(&self.shared);
            // Made before the look, so that no change in between is missed.
            let changed = shared.changed.notified();
            match self.look()? {
                Place::Here(entry) => {
                    self.next = entry.number + 1;
                    return Ok(Some(entry));
                }
                Place::Spooled { window, number } => self.fill(window, number).await?,
                Place::Yet => changed.await,
                Place::Never => return Ok(None),
            }
        }
    }

    /// The wanted event, if it was read ahead; those in front of it are passed over.
    fn read_ahead(&mut self) -> Option<Entry> {
        while let Some(entry) = self.block.pop_front() {
            if entry.number == self.next {
                self.next += 1;
                return Some(entry);
            }
        }
        None
    }

    fn look(&self) -> Result<Place, EventsError> {
        let mut kept = self.shared.kept();
        if self.shared.limits.retention == Retention::UntilRead {
            // Whoever asks for an event has got those before it.
            let offset = self.behind.map(|(_, offset)| offset);
            kept.forget(self.next - 1, offset);
        }
        let first = kept.first();
        if self.next < first {
            return Err(EventsError::Gone { first });
        }
        Ok(self.place(&kept))
    }

    fn place(&self, kept: &Kept) -> Place {
        let oldest = kept.memory.front().map_or(u64::MAX, |entry| entry.number);
        let index = self.next.checked_sub(oldest).and_then(|index| usize::try_from(index).ok());
        if let Some(entry) = index.and_then(|index| kept.memory.get(index)) {
            return Place::Here(entry.clone());
        }
        if let Some(ring) = kept.spool.as_ref().filter(|_| kept.spooled.contains(&self.next)) {
            let (number, offset) = self.spool_place(kept);
            return Place::Spooled { window: ring.window(offset), number };
        }
        match &kept.closing {
            Some(entry) if entry.number == self.next => Place::Here(entry.clone()),
            Some(_) => Place::Never,
            None => Place::Yet,
        }
    }

    /// Where to read on: behind the last block, or at the last mark before the wanted event.
    fn spool_place(&self, kept: &Kept) -> (u64, u64) {
        let marked = kept.marks.iter().rev().copied().find(|(number, _)| *number <= self.next);
        let behind = self.behind.filter(|(number, _)| *number <= self.next);
        behind.max(marked).unwrap_or((kept.spooled.start, 0))
    }

    async fn fill(&mut self, window: Window, first: u64) -> Result<(), EventsError> {
        let reading = tokio::task::spawn_blocking(move || window.read(BLOCK));
        let (records, offset) = reading.await.map_err(io::Error::other)??;
        let mut number = first;
        for (kind, line) in records {
            self.block.push_back(Entry { number, kind, line });
            number += 1;
        }
        self.behind = Some((number, offset));
        Ok(())
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader(next {})", self.next)
    }
}
