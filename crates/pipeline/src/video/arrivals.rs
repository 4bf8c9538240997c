//! A video's bytes on their way in: each is counted and hashed once and then handed to the decoder.

use std::{
    fmt,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use detections_frames::{Chunk, FeedClosed, FeedReceiver, FeedSender, FrameError, feed};
use detections_media::{MediaError, StreamHasher, StreamIdentity};
use detections_types::CancelToken;

use crate::PipelineError;

/// How long at most a wait goes on without a look at the cancel token.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// The two ends of an upload: where bytes go in, what is known of them, and where the decoder takes them.
///
/// The decoder may be `capacity` bytes behind; more than `max_bytes` are refused.
#[must_use]
pub fn intake(capacity: usize, max_bytes: u64) -> (Intake, Arrivals, FeedReceiver) {
    let (sender, receiver) = feed(capacity);
    let arrivals = Arrivals(Arc::default());
    let hasher = StreamHasher::with_limit(max_bytes);
    let intake = Intake { sender: Some(sender), hasher: Some(hasher), arrivals: arrivals.clone() };
    (intake, arrivals, receiver)
}

/// Where bytes go in. Dropping it without [`finish`](Self::finish) says that the rest is missing.
pub struct Intake {
    /// `None` once the decoder takes no more: what comes then is only hashed.
    sender: Option<FeedSender>,
    /// `None` once finished.
    hasher: Option<StreamHasher>,
    arrivals: Arrivals,
}

impl Intake {
    /// Takes the next bytes and waits, without blocking the thread, until the decoder has room for them.
    ///
    /// A decoder that is done does not make this fail: the bytes still belong to the video's identity.
    ///
    /// # Errors
    /// [`MediaError::TooLarge`] when there are more bytes than allowed.
    pub async fn send(&mut self, chunk: Chunk) -> Result<(), MediaError> {
        self.count(&chunk)?;
        if let Some(sender) = &mut self.sender
            && sender.send(chunk).await == Err(FeedClosed)
        {
            self.sender = None;
        }
        Ok(())
    }

    /// Like [`send`](Self::send), and blocks the thread meanwhile.
    ///
    /// # Errors
    /// The same.
    pub fn send_blocking(&mut self, chunk: Chunk) -> Result<(), MediaError> {
        self.count(&chunk)?;
        if let Some(sender) = &mut self.sender
            && sender.send_blocking(chunk) == Err(FeedClosed)
        {
            self.sender = None;
        }
        Ok(())
    }

    /// Says that all bytes were given.
    pub fn finish(mut self) {
        let identity = self.hasher.take().map(StreamHasher::finish);
        self.arrivals.settle(identity);
        if let Some(sender) = self.sender.take() {
            sender.finish();
        }
    }

    fn count(&mut self, chunk: &Chunk) -> Result<(), MediaError> {
        let bytes = (**chunk).as_ref();
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes)?;
        }
        self.arrivals.0.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.arrivals.settle(None);
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Intake({} bytes)", self.arrivals.received_bytes())
    }
}

/// What is known of the bytes so far; clones speak of the same upload.
#[derive(Debug, Clone)]
pub struct Arrivals(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    received: AtomicU64,
    upload: Mutex<Upload>,
    settled: Condvar,
}

#[derive(Debug, Default, Clone, Copy)]
enum Upload {
    #[default]
    Running,
    Complete(StreamIdentity),
    Aborted,
}

impl Arrivals {
    /// Those of a video that is there already.
    #[must_use]
    pub fn complete(identity: StreamIdentity) -> Self {
        let arrivals = Self(Arc::default());
        arrivals.0.received.store(identity.length, Ordering::Relaxed);
        arrivals.settle(Some(identity));
        arrivals
    }

    /// How many bytes have arrived.
    #[must_use]
    pub fn received_bytes(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }

    /// What identifies the video, once all of it has arrived.
    #[must_use]
    pub fn identity(&self) -> Option<StreamIdentity> {
        match *self.upload() {
            Upload::Complete(identity) => Some(identity),
            Upload::Running | Upload::Aborted => None,
        }
    }

    /// Waits until all of the video has arrived, but not beyond `until`: `None` when it has not by then.
    ///
    /// # Errors
    /// [`PipelineError::Interrupted`] when `cancel` asked to stop, [`FrameError::UploadAborted`] when the
    /// rest is missing.
    pub(super) fn wait(
        &self,
        until: Instant,
        cancel: &CancelToken,
    ) -> Result<Option<StreamIdentity>, PipelineError> {
        let mut upload = self.upload();
        loop {
            match *upload {
                Upload::Complete(identity) => return Ok(Some(identity)),
                Upload::Aborted => return Err(FrameError::UploadAborted.into()),
                Upload::Running => cancel.check().map_err(PipelineError::Interrupted)?,
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let waited = self.0.settled.wait_timeout(upload, left.min(CHECK_INTERVAL));
            upload = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The upload is over, with its identity or without; only the first word counts.
    fn settle(&self, identity: Option<StreamIdentity>) {
        let mut upload = self.upload();
        if matches!(*upload, Upload::Running) {
            *upload = identity.map_or(Upload::Aborted, Upload::Complete);
        }
        drop(upload);
        self.0.settled.notify_all();
    }

    /// The state of the upload; it is written whole, so a panic elsewhere leaves it sound.
    fn upload(&self) -> MutexGuard<'_, Upload> {
        self.0.upload.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
