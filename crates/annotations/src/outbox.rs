//! The outbox as its users see it: a recording for each media, a ticket for each result, and the moment when the
//! ticket says that it is on disk. One thread writes, and writes together what waits together.

mod recording;
mod writer;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::Connection;

pub use self::recording::{Kept, Recording, Ticket};
use self::writer::{Op, Task, Writer};
use crate::{
    AnnotationsError, Bell, Clock, EmptyFrames, FramePolicy, Stats, Upload, counters::Counters,
    payload::check_params, rows, schema,
};

/// Writes that may wait for the thread that writes.
const QUEUE: usize = 256;

/// What happens to a result for which there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// It is refused, and so nobody is told of it.
    #[default]
    Refuse,
    /// The oldest make room, dead letters first.
    DropOldest,
}

/// How much the outbox holds. Dead letters count like results that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most results.
    pub max_rows: u64,
    /// Most bytes: of findings and pictures, and 256 for each result.
    pub max_bytes: u64,
    /// After how long in an open outbox a result is dropped.
    pub max_age: Duration,
    /// What happens when there is no room.
    pub when_full: WhenFull,
}

/// An open outbox; clones are the same one.
#[derive(Debug, Clone)]
pub struct Outbox(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
    bell: Bell,
    age: Age,
    queue: Option<SyncSender<Task>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// The outbox's own clock: it runs while the outbox is open, whatever is done to the wall clock.
#[derive(Debug, Clone)]
pub(crate) struct Age {
    clock: Arc<dyn Clock>,
    base_ms: u64,
    opened: Duration,
}

impl Age {
    pub(crate) fn now_ms(&self) -> u64 {
        let open = self.clock.monotonic().saturating_sub(self.opened).as_millis();
        self.base_ms.saturating_add(u64::try_from(open).unwrap_or(u64::MAX))
    }
}

impl Outbox {
    /// Opens the outbox in `folder`, which is made where it is missing, for this process alone. Media that were not
    /// finished when the last process ended are released as cut off.
    ///
    /// # Errors
    /// [`AnnotationsError::InUse`], [`Damaged`](AnnotationsError::Damaged), [`Newer`](AnnotationsError::Newer),
    /// [`Unusable`](AnnotationsError::Unusable) or [`Database`](AnnotationsError::Database), naming the file.
    pub fn open(
        folder: &Path,
        limits: Limits,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AnnotationsError> {
        let claim = schema::Claim::take(folder)?;
        let path = schema::file(folder);
        let db = schema::open(&path, &claim)?;
        let told = |error| schema::database(&path, error);
        let cut = rows::close_all(&db).map_err(told)?;
        let totals = rows::totals(&db).map_err(told)?;
        tracing::info!(file = %path.display(), totals.pending, totals.dead, cut, "outbox");
        let base_ms = rows::open_ms(&db).map_err(told)?;
        let age = Age { opened: clock.monotonic(), clock: Arc::clone(&clock), base_ms };
        let counters = Arc::<Counters>::default();
        counters.note(totals);
        let bell = Bell::default();
        let writer = Writer {
            db,
            path: path.clone(),
            limits,
            age: age.clone(),
            counters: Arc::clone(&counters),
            bell: bell.clone(),
            unclosed: Vec::new(),
            log_remembers: true,
            _claim: claim,
        };
        let (queue, tasks) = sync_channel(QUEUE);
        let writer =
            start(writer, tasks).map_err(|error| AnnotationsError::Thread(Arc::new(error)))?;
        let writer = Mutex::new(Some(writer));
        let queue = Some(queue);
        Ok(Self(Arc::new(Shared { path, clock, counters, bell, age, queue, writer })))
    }

    /// Begins to record what is found in one media; nothing is written before its first result.
    ///
    /// # Errors
    /// [`AnnotationsError::Payload`] when the parameters are not JSON.
    pub fn record(
        &self,
        upload: Upload,
        policy: FramePolicy,
        empty: EmptyFrames,
    ) -> Result<Recording, AnnotationsError> {
        check_params(&upload.params)?;
        Ok(Recording::new(self.clone(), upload, policy, empty))
    }

    /// How it stands.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.counters.stats(self.0.age.now_ms())
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// Rings when there may be something to deliver.
    pub(crate) fn bell(&self) -> &Bell {
        &self.0.bell
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.0.counters
    }

    /// A connection to read by, beside the thread that writes.
    pub(crate) fn reader(&self) -> Result<Connection, AnnotationsError> {
        schema::visit(&self.0.path)
    }

    pub(crate) fn told(&self, error: rusqlite::Error) -> AnnotationsError {
        schema::database(&self.0.path, error)
    }

    /// Hands something to the thread that writes; the ticket says when it is done.
    pub(crate) fn submit(&self, op: Op) -> Result<Ticket, AnnotationsError> {
        let (answer, answered) = sync_channel(1);
        let queue = self.0.queue.as_ref().ok_or(AnnotationsError::Closed)?;
        queue.send(Task { op, answer }).map_err(|_gone| AnnotationsError::Closed)?;
        Ok(Ticket::new(answered))
    }
}

pub(crate) use self::writer::Op as Write;

fn start(writer: Writer, tasks: Receiver<Task>) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("outbox".to_owned()).spawn(move || writer.run(&tasks))
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Without a sender the thread ends after what is queued, and gives the file back.
        self.queue = None;
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // It caught its own panics or they are in the log; there is nobody to tell here.
            drop(writer.join());
        }
    }
}
