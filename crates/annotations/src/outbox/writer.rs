//! The one thread that writes: it takes what waits, writes it in one transaction, and answers when that is on disk.

use std::{
    cell::Cell,
    path::PathBuf,
    sync::{
        Arc,
        atomic::Ordering::Relaxed,
        mpsc::{Receiver, SyncSender},
    },
    time::{Duration, SystemTime},
};

use rusqlite::{Connection, TransactionBehavior};

use super::{Age, Limits, WhenFull};
use crate::{
    AnnotationsError, Bell, Identity, Upload,
    counters::Counters,
    rows::{self, NewRow, Stamp},
    schema::{self, Claim},
};

/// Most writes of one transaction.
const BATCH: usize = 256;

/// Rows that one sweep takes out at most.
const SWEEP_ROWS: u32 = 1000;

/// Pages that one sweep gives back to the file system at most.
const SWEEP_PAGES: u32 = 1000;

/// Something to write.
#[derive(Debug)]
pub(crate) enum Op {
    /// A result, and which earlier frames it makes needless.
    Store { upload: Arc<Upload>, row: NewRow, supersedes: Vec<u64> },
    /// Nothing more comes of an upload.
    Close { upload: String, identity: Option<Identity> },
    /// A result has arrived.
    Delivered { row: i64, media: i64 },
    /// A result was refused and is tried again.
    Refused { row: i64 },
    /// A result is given up.
    Dead { row: i64, media: i64, reason: String },
    /// Takes out what is too old.
    Sweep,
}

impl Op {
    /// Whether somebody is told of it: then it must be on the disk before. What is lost of the others in a power
    /// failure is delivered twice, under the same key.
    const fn is_promise(&self) -> bool {
        matches!(self, Self::Store { .. } | Self::Close { .. })
    }

    /// Whether a result leaves, and perhaps what it was to be posted with.
    const fn takes_out(&self) -> bool {
        matches!(self, Self::Delivered { .. } | Self::Dead { .. })
    }
}

/// Something to write, and who waits for it.
#[derive(Debug)]
pub(crate) struct Task {
    pub(super) op: Op,
    pub(super) answer: SyncSender<Result<(), AnnotationsError>>,
}

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) db: Connection,
    pub(super) path: PathBuf,
    pub(super) limits: Limits,
    pub(super) age: Age,
    pub(super) counters: Arc<Counters>,
    pub(super) bell: Bell,
    /// Ends of media that could not be written yet.
    pub(super) unclosed: Vec<(String, Option<Identity>)>,
    /// Whether the write-ahead log may hold what has gone from the file, tokens among it.
    pub(super) log_remembers: bool,
    pub(super) _claim: Claim,
}

impl Writer {
    /// Writes until nobody can hand in anything any more.
    pub(super) fn run(mut self, tasks: &Receiver<Task>) {
        while let Ok(first) = tasks.recv() {
            let more = tasks.try_iter().take(BATCH - 1);
            let batch: Vec<Task> = std::iter::once(first).chain(more).collect();
            self.write(batch);
        }
        // What the last process did is then in the one file.
        drop(self.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"));
    }

    fn write(&mut self, batch: Vec<Task>) {
        let durable = batch.iter().any(|task| task.op.is_promise()) || !self.unclosed.is_empty();
        let written = self.transact(&batch, durable);
        self.tell(&written);
        if written.is_err() {
            self.remember_ends(&batch);
        }
        self.log_remembers |= batch.iter().any(|task| task.op.takes_out());
        if batch.iter().any(|task| matches!(task.op, Op::Sweep)) {
            self.empty_log_when_idle();
        }
        for (index, task) in batch.into_iter().enumerate() {
            let outcome = match &written {
                Ok(outcomes) => outcomes.get(index).cloned().unwrap_or(Ok(())),
                Err(error) => Err(error.clone()),
            };
            // Who does not wait for the answer does not want it.
            drop(task.answer.try_send(outcome));
        }
        self.bell.ring();
    }

    /// All of the batch in one transaction: either it is whole on disk, or nothing of it.
    fn transact(
        &mut self,
        batch: &[Task],
        durable: bool,
    ) -> Result<Vec<Result<(), AnnotationsError>>, AnnotationsError> {
        let path = &self.path;
        let told = |error| schema::database(path, error);
        let synchronous = if durable { "FULL" } else { "NORMAL" };
        self.db.pragma_update(None, "synchronous", synchronous).map_err(told)?;
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(told)?;
        let job = Job {
            db: &tx,
            limits: self.limits,
            counters: &self.counters,
            dropped: Cell::new(0),
            stamp: Stamp { open_ms: self.age.now_ms(), unix_ms: unix_ms(self.age.clock.wall()) },
        };
        for (upload, identity) in &self.unclosed {
            rows::close(&tx, upload, identity.as_ref()).map_err(told)?;
        }
        let outcomes: rusqlite::Result<Vec<_>> =
            batch.iter().map(|task| job.apply(&task.op)).collect();
        let outcomes = outcomes.map_err(told)?;
        rows::note_open_ms(&tx, job.stamp.open_ms).map_err(told)?;
        let totals = rows::totals(&tx).map_err(told)?;
        let dropped = job.dropped.get();
        tx.commit().map_err(told)?;
        self.counters.dropped.fetch_add(dropped, Relaxed);
        self.counters.note(totals);
        self.unclosed.clear();
        Ok(outcomes)
    }

    /// Where nothing waits, nothing of what has gone stays either. It is tried again with the next sweep where somebody
    /// else reads just now.
    fn empty_log_when_idle(&mut self) {
        if !self.log_remembers || !rows::totals(&self.db).is_ok_and(|totals| totals.pending == 0) {
            return;
        }
        let busy = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let emptied = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], busy);
        self.log_remembers = !emptied.is_ok_and(|busy| busy == 0);
    }

    fn remember_ends(&mut self, batch: &[Task]) {
        for task in batch {
            if let Op::Close { upload, identity } = &task.op {
                self.unclosed.push((upload.clone(), identity.clone()));
            }
        }
    }

    fn tell<T>(&self, written: &Result<T, AnnotationsError>) {
        let trouble = written.as_ref().err().map(|error| {
            tracing::error!(error = told_with_cause(error), "the outbox cannot be written");
            told_with_cause(error)
        });
        self.counters.trouble(trouble);
    }
}

/// One transaction.
struct Job<'a> {
    db: &'a Connection,
    limits: Limits,
    counters: &'a Counters,
    /// Counted when the transaction is on disk.
    dropped: Cell<u64>,
    stamp: Stamp,
}

impl Job<'_> {
    /// Does one thing; the inner error is that of the one who asked, the outer one that of all.
    fn apply(&self, op: &Op) -> rusqlite::Result<Result<(), AnnotationsError>> {
        match op {
            Op::Store { upload, row, supersedes } => return self.store(upload, row, supersedes),
            Op::Close { upload, identity } => rows::close(self.db, upload, identity.as_ref())?,
            Op::Delivered { row, media } => rows::remove(self.db, *row, *media)?,
            Op::Refused { row } => rows::refuse(self.db, *row)?,
            Op::Dead { row, media, reason } => rows::bury(self.db, *row, *media, reason)?,
            Op::Sweep => self.sweep()?,
        }
        Ok(Ok(()))
    }

    fn store(
        &self,
        upload: &Upload,
        row: &NewRow,
        supersedes: &[u64],
    ) -> rusqlite::Result<Result<(), AnnotationsError>> {
        for frame in supersedes {
            rows::supersede(self.db, &upload.id, *frame)?;
        }
        if let Err(refusal) = self.make_room(row.bytes())? {
            return Ok(Err(refusal));
        }
        rows::insert(self.db, upload, row, self.stamp)?;
        Ok(Ok(()))
    }

    fn make_room(&self, bytes: u64) -> rusqlite::Result<Result<(), AnnotationsError>> {
        let Limits { max_rows, max_bytes, when_full, .. } = self.limits;
        if bytes > max_bytes {
            return Ok(Err(AnnotationsError::TooLarge { bytes, limit: max_bytes }));
        }
        let mut dropped = 0_u64;
        let full = loop {
            let now = rows::totals(self.db)?;
            let rows = now.pending + now.dead;
            if rows < max_rows && now.bytes.saturating_add(bytes) <= max_bytes {
                break None;
            }
            if when_full == WhenFull::Refuse || !rows::drop_oldest(self.db)? {
                break Some(AnnotationsError::Full { rows, bytes: now.bytes });
            }
            dropped += 1;
        };
        self.count_dropped(dropped, "there was no room");
        self.counters.full.store(full.is_some(), Relaxed);
        Ok(full.map_or(Ok(()), Err))
    }

    fn sweep(&self) -> rusqlite::Result<()> {
        let oldest = self.stamp.open_ms.saturating_sub(millis(self.limits.max_age));
        self.count_dropped(rows::expire(self.db, oldest, SWEEP_ROWS)?, "they were too old");
        let now = rows::totals(self.db)?;
        if now.pending + now.dead < self.limits.max_rows && now.bytes < self.limits.max_bytes {
            self.counters.full.store(false, Relaxed);
        }
        self.db.execute_batch(&format!("PRAGMA incremental_vacuum({SWEEP_PAGES})"))
    }

    fn count_dropped(&self, dropped: u64, why: &str) {
        if dropped > 0 {
            self.dropped.set(self.dropped.get() + dropped);
            tracing::warn!(dropped, why, "results were dropped undelivered");
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn unix_ms(wall: SystemTime) -> u64 {
    wall.duration_since(SystemTime::UNIX_EPOCH).map_or(0, millis)
}

fn told_with_cause(error: &AnnotationsError) -> String {
    let cause = std::error::Error::source(error);
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, mpsc::sync_channel},
        time::Duration,
    };

    use super::{Op, Task, Writer};
    use crate::{
        AnnotationsError, Bell, Clock, Limits, MediaKind, ModelIdentity, SystemClock, Upload,
        WhenFull,
        outbox::Age,
        rows::{self, NewRow},
        schema,
    };

    fn writer(folder: &std::path::Path) -> Writer {
        let claim = schema::Claim::take(folder).unwrap();
        let path = schema::file(folder);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        Writer {
            db: schema::open(&path, &claim).unwrap(),
            path,
            limits: Limits {
                max_rows: 100,
                max_bytes: 1 << 30,
                max_age: Duration::from_secs(60),
                when_full: WhenFull::Refuse,
            },
            age: Age { opened: clock.monotonic(), clock, base_ms: 0 },
            counters: Arc::default(),
            bell: Bell::default(),
            unclosed: Vec::new(),
            log_remembers: true,
            _claim: claim,
        }
    }

    fn store(frame: u64, bytes: usize) -> Op {
        let model = ModelIdentity { name: "m".into(), sha256: "0a".into() };
        let upload = Upload {
            id: "a".into(),
            request: "r".into(),
            kind: MediaKind::Video,
            name: None,
            model,
            params: "{}".into(),
            authorization: None,
        };
        let row = NewRow {
            frame,
            pts_ms: None,
            width: 1,
            height: 1,
            findings: "[]".into(),
            jpeg: Some(vec![7; bytes]),
        };
        Op::Store { upload: Arc::new(upload), row, supersedes: Vec::new() }
    }

    fn write(writer: &mut Writer, ops: Vec<Op>) -> Vec<Result<(), AnnotationsError>> {
        let (tasks, answers): (Vec<_>, Vec<_>) = ops
            .into_iter()
            .map(|op| {
                let (answer, answered) = sync_channel(1);
                (Task { op, answer }, answered)
            })
            .unzip();
        writer.write(tasks);
        answers.into_iter().map(|answered| answered.recv().unwrap()).collect()
    }

    #[test]
    fn a_full_disk_is_told_to_all_who_wait_and_forgotten_when_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(folder.path());
        assert!(write(&mut writer, vec![store(0, 10)])[0].is_ok());
        let pages: i64 =
            writer.db.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        let most = |writer: &Writer, pages: i64| {
            let limit = format!("PRAGMA max_page_count={pages}");
            writer.db.query_row(&limit, [], |_row| Ok(())).unwrap();
        };
        most(&writer, pages + 2);
        let end = Op::Close { upload: "a".into(), identity: None };
        let outcomes = write(&mut writer, vec![store(1, 10), store(2, 1 << 20), end]);
        for outcome in outcomes {
            let error = outcome.unwrap_err();
            assert!(matches!(error, AnnotationsError::Database { .. }), "{error}");
        }
        assert_eq!(rows::totals(&writer.db).unwrap().pending, 1, "nothing of the batch is there");
        let trouble = writer.counters.stats(0).trouble.unwrap();
        assert!(trouble.contains("full"), "{trouble}");

        most(&writer, 1 << 20);
        assert!(write(&mut writer, vec![Op::Sweep])[0].is_ok());
        assert_eq!(writer.counters.stats(0).trouble, None);
        assert_eq!(rows::ready(&writer.db, 9).unwrap().len(), 1, "the end was made good");
    }
}
