//! The threads that deliver: each takes the next media that may be delivered, posts its next result, and writes down
//! what came of it before it takes another.

mod lanes;
mod post;

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use self::{
    lanes::{Choice, Lanes},
    post::Poster,
};
use crate::{
    AnnotationsError, Authorization, Bell, Endpoint, Outbox,
    outbox::Write,
    payload::Queued,
    retry::{Backoff, Reply, Verdict, judge},
    rows,
};

/// The first wait after a failure and the longest.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(60) };

/// What others change in the outbox, such as dead letters that are to be tried again, is seen after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How often what is too old is taken out.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// How results are delivered.
#[derive(Debug, Clone)]
pub struct DeliverySettings {
    /// Where to.
    pub endpoint: Endpoint,
    /// What posts are authorised with where their upload has nothing of its own.
    pub authorization: Option<Authorization>,
    /// Media that are delivered at the same time; at least one.
    pub workers: usize,
    /// After how long a post is given up.
    pub timeout: Duration,
    /// After how many refusals a result is dead.
    pub max_attempts: u32,
}

/// Running delivery. Dropping it waits for posts on their way as long as one may take.
#[derive(Debug)]
pub struct Delivery {
    shared: Arc<Shared>,
    timeout: Duration,
}

#[derive(Debug)]
struct Shared {
    outbox: Outbox,
    poster: Poster,
    max_attempts: u32,
    lanes: Mutex<Lanes>,
    swept: Mutex<Option<Duration>>,
    stopping: AtomicBool,
    running: AtomicUsize,
    ended: Bell,
}

impl Delivery {
    /// Starts to deliver what is in the outbox, and what will be.
    ///
    /// # Errors
    /// [`AnnotationsError::Thread`], or what opening the outbox for reading says.
    pub fn spawn(outbox: &Outbox, settings: DeliverySettings) -> Result<Self, AnnotationsError> {
        let timeout = settings.timeout;
        let shared = Arc::new(Shared {
            outbox: outbox.clone(),
            max_attempts: settings.max_attempts.max(1),
            lanes: Mutex::new(Lanes::new(BACKOFF)),
            swept: Mutex::new(None),
            stopping: AtomicBool::new(false),
            running: AtomicUsize::new(0),
            ended: Bell::default(),
            poster: Poster::new(settings.endpoint, settings.authorization, timeout),
        });
        let delivery = Self { shared, timeout };
        for index in 0..settings.workers.max(1) {
            delivery.start(index)?;
        }
        Ok(delivery)
    }

    fn start(&self, index: usize) -> Result<(), AnnotationsError> {
        let db = self.shared.outbox.reader()?;
        let running = Running::new(Arc::clone(&self.shared));
        let thread = thread::Builder::new().name(format!("annotations-{index}"));
        let started = thread.spawn(move || running.0.run(&db));
        started.map(drop).map_err(|error| AnnotationsError::Thread(Arc::new(error)))
    }

    /// Begins no other post from now on.
    pub fn stop_soon(&self) {
        self.shared.stopping.store(true, Relaxed);
        self.shared.outbox.bell().ring();
    }

    /// Stops, and waits so long for posts on their way; whether all have ended. What has not is delivered again,
    /// under the same key, by the next delivery.
    pub fn stop(&self, patience: Duration) -> bool {
        self.stop_soon();
        let until = Instant::now() + patience;
        loop {
            let heard = self.shared.ended.heard();
            if self.shared.running.load(Relaxed) == 0 {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            self.shared.ended.wait(heard, Some(left));
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.stop(self.timeout);
    }
}

/// One running thread.
struct Running(Arc<Shared>);

impl Running {
    fn new(shared: Arc<Shared>) -> Self {
        shared.running.fetch_add(1, Relaxed);
        Self(shared)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Relaxed);
        self.0.ended.ring();
    }
}

impl Shared {
    fn run(&self, db: &Connection) {
        let clock = Arc::clone(self.outbox.clock());
        while !self.stopping.load(Relaxed) {
            let heard = self.outbox.bell().heard();
            self.sweep_if_due();
            let until = match self.take(db) {
                Ok(Choice::Media(media)) => {
                    let delivered = self.deliver_next(db, media);
                    self.lanes().leave(media);
                    match delivered {
                        Ok(()) => continue,
                        Err(error) => self.unwell(&error),
                    }
                }
                Ok(Choice::Wait(until)) => until.unwrap_or(Duration::MAX),
                Err(error) => self.unwell(&error),
            };
            let look = clock.monotonic() + LOOK_AGAIN;
            clock.wait(self.outbox.bell(), heard, until.min(look));
        }
    }

    /// The next media to be delivered, which nobody else takes until it is left.
    fn take(&self, db: &Connection) -> Result<Choice, AnnotationsError> {
        let now = self.outbox.clock().monotonic();
        let mut lanes = self.lanes();
        if let Some(until) = lanes.paused(now) {
            return Ok(Choice::Wait(Some(until)));
        }
        let ready = rows::ready(db, lanes.known() + 1).map_err(|error| self.outbox.told(error))?;
        Ok(lanes.choose(now, ready))
    }

    fn deliver_next(&self, db: &Connection, media: i64) -> Result<(), AnnotationsError> {
        let next = rows::next(db, media).map_err(|error| self.outbox.told(error))?;
        let Some(queued) = next else { return Ok(()) };
        let body = match queued.body() {
            Ok(body) => body,
            Err(error) => {
                let Queued { row, media, .. } = queued;
                return self.write_down(Write::Dead { row, media, reason: error.to_string() });
            }
        };
        let wall = || self.outbox.clock().wall();
        let reply = self.poster.post(&queued, &body, wall);
        drop(body);
        let verdict = judge(&reply);
        self.note(media, verdict, &reply);
        let write = self.outcome(queued, verdict, &reply);
        write.map_or(Ok(()), |write| self.write_down(write))
    }

    /// What is written of a try.
    fn outcome(&self, queued: Queued, verdict: Verdict, reply: &Reply) -> Option<Write> {
        let counters = self.outbox.counters();
        let Queued { row, media, .. } = queued;
        let given_up = match verdict {
            Verdict::Delivered => {
                counters.delivered.fetch_add(1, Relaxed);
                return Some(Write::Delivered { row, media });
            }
            Verdict::Again(_) | Verdict::Spare(_) => false,
            Verdict::Refused(_) => queued.refusals.saturating_add(1) >= self.max_attempts,
            Verdict::Dead => true,
        };
        if given_up {
            counters.died.fetch_add(1, Relaxed);
            let reason = told(reply);
            tracing::warn!(
                row,
                upload = queued.upload,
                frame = queued.frame,
                reason,
                "a dead letter"
            );
            return Some(Write::Dead { row, media, reason });
        }
        counters.retries.fetch_add(1, Relaxed);
        tracing::debug!(row, upload = queued.upload, reason = told(reply), "a post failed");
        matches!(verdict, Verdict::Refused(_)).then_some(Write::Refused { row })
    }

    fn note(&self, media: i64, verdict: Verdict, reply: &Reply) {
        let now = self.outbox.clock().monotonic();
        let unit = dice();
        let mut lanes = self.lanes();
        match verdict {
            Verdict::Delivered | Verdict::Dead => lanes.went_through(media),
            Verdict::Again(after) => lanes.failed(media, now, after, unit),
            Verdict::Refused(after) => lanes.refused(media, now, after, unit),
            Verdict::Spare(after) => {
                if lanes.spare(now, after, unit) {
                    tracing::warn!(reason = told(reply), "the Annotations service is not reached");
                }
            }
        }
    }

    /// Writes down what came of a post; a row that has arrived must not be posted again just because the disk is
    /// full, so this does not end before it is written or delivery stops.
    fn write_down(&self, write: Write) -> Result<(), AnnotationsError> {
        let again = match &write {
            Write::Delivered { row, media } => Some((*row, *media)),
            Write::Store { .. }
            | Write::Close { .. }
            | Write::Refused { .. }
            | Write::Dead { .. }
            | Write::Sweep => None,
        };
        let mut written = self.outbox.submit(write)?.wait();
        while let (Err(error), Some((row, media))) = (&written, again) {
            if matches!(error, AnnotationsError::Closed) || self.stopping.load(Relaxed) {
                break;
            }
            let clock = self.outbox.clock();
            // The bell rings with every write, failed ones included; only time counts here.
            clock.wait(&Bell::default(), 0, clock.monotonic() + LOOK_AGAIN);
            written = self.outbox.submit(Write::Delivered { row, media })?.wait();
        }
        written
    }

    fn sweep_if_due(&self) {
        let now = self.outbox.clock().monotonic();
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.is_some_and(|swept| now < swept + SWEEP_EVERY) {
            return;
        }
        *swept = Some(now);
        drop(swept);
        if let Ok(ticket) = self.outbox.submit(Write::Sweep) {
            // Its failure is in the log and in the counters.
            drop(ticket.wait());
        }
    }

    /// Until when to wait after the outbox itself failed.
    fn unwell(&self, error: &AnnotationsError) -> Duration {
        tracing::error!(%error, "the outbox cannot be delivered from");
        self.outbox.clock().monotonic() + LOOK_AGAIN
    }

    /// Whole after each change, so a panic elsewhere leaves it sound.
    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn told(reply: &Reply) -> String {
    match reply {
        Reply::Status { code, said, .. } if said.is_empty() => format!("status {code}"),
        Reply::Status { code, said, .. } => format!("status {code}: {said}"),
        Reply::Unreachable(why) | Reply::Broken(why) => why.clone(),
    }
}

/// A number within 0..=1 that nobody foresees; every `RandomState` has keys of its own.
fn dice() -> f64 {
    let bits = u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or(u32::MAX);
    f64::from(bits) / f64::from(u32::MAX)
}
