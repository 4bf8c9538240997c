//! The bounded pool of threads that work on pictures: each decodes one, waits for the detector, and
//! encodes the drawn answer where one is wanted. Whoever asked waits elsewhere, or not at all any more.

use std::{
    io,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Instant,
};

use detections_frames::{FrameError, StillEncoding, encode_still};
use detections_pipeline::{PipelineError, StillPipeline, StillReport, StillRequest};
use detections_types::{CancelToken, ErrorKind, Image};
use tokio::sync::oneshot;

use crate::{
    annotations::{PictureRecord, RecordError},
    draw::draw,
    gate::{Gate, Permit},
};

/// One picture to work on.
#[derive(Debug)]
pub struct Work {
    /// The encoded picture.
    pub body: Vec<u8>,
    /// What is asked of it.
    pub request: StillRequest,
    /// How the picture is to be drawn; `None` when only the report is wanted.
    pub drawn: Option<StillEncoding>,
    /// What is recorded of it, where an Annotations service wants it.
    pub record: Option<PictureRecord>,
    /// Stops the work when nobody waits for it any more.
    pub cancel: CancelToken,
    /// The right to be worked on; given back when the work ends.
    pub permit: Permit,
}

/// What came of a picture.
#[derive(Debug)]
pub struct Outcome {
    /// What was found.
    pub report: StillReport,
    /// The picture with the boxes drawn, where that was asked for.
    pub drawn: Option<Vec<u8>>,
}

/// Why nothing came of a picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkError {
    /// The pipeline refused or failed.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The drawn picture could not be encoded.
    #[error("the drawn picture cannot be encoded")]
    Encode(#[source] FrameError),
    /// What was found cannot be stored, so it is not told either.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The queue is full, though the gate should have kept it from being so.
    #[error("the queue of pictures is full")]
    QueueFull,
    /// The threads are gone.
    #[error("the threads that work on pictures have ended")]
    Stopped,
    /// A bug ended the work.
    #[error("the work on the picture panicked")]
    Panicked,
}

impl WorkError {
    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Pipeline(source) => source.kind(),
            Self::Encode(_) | Self::Panicked => ErrorKind::Internal,
            Self::QueueFull => ErrorKind::Overloaded,
            Self::Stopped | Self::Record(_) => ErrorKind::Unavailable,
        }
    }
}

/// The threads could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start a thread to work on pictures")]
pub struct ExecutorError(#[from] io::Error);

/// Where the outcome arrives.
pub type Pending = oneshot::Receiver<Result<Outcome, WorkError>>;

/// The threads and their queue.
///
/// Dropping it ends the threads after what is queued, without waiting for them: the end of the
/// process must not depend on how long a decoder takes.
#[derive(Debug)]
pub struct Executor {
    queue: SyncSender<Queued>,
    queued: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Queued {
    work: Work,
    since: Instant,
    span: tracing::Span,
    answer: oneshot::Sender<Result<Outcome, WorkError>>,
}

/// What each thread works with.
#[derive(Debug, Clone)]
struct Lane {
    pipeline: Arc<StillPipeline>,
    gate: Gate,
    queue: Arc<Mutex<Receiver<Queued>>>,
    queued: Arc<AtomicUsize>,
}

impl Executor {
    /// Starts `lanes` threads; the queue holds as much as `gate` lets in.
    ///
    /// # Errors
    /// [`ExecutorError`] when the system gives no thread.
    pub fn spawn(
        pipeline: Arc<StillPipeline>,
        lanes: NonZeroUsize,
        gate: Gate,
    ) -> Result<Self, ExecutorError> {
        let (sender, receiver) = sync_channel(gate.limits().items);
        let queued = Arc::default();
        let queue = Arc::new(Mutex::new(receiver));
        let lane = Lane { pipeline, gate, queue, queued: Arc::clone(&queued) };
        for index in 0..lanes.get() {
            let lane = lane.clone();
            thread::Builder::new().name(format!("picture-{index}")).spawn(move || lane.run())?;
        }
        Ok(Self { queue: sender, queued })
    }

    /// Queues one picture; its log lines belong to the caller's span.
    ///
    /// # Errors
    /// [`WorkError::QueueFull`] or [`WorkError::Stopped`].
    pub fn submit(&self, work: Work) -> Result<Pending, WorkError> {
        let (answer, pending) = oneshot::channel();
        let span = tracing::Span::current();
        self.queued.fetch_add(1, Ordering::Relaxed);
        let queued = Queued { work, since: Instant::now(), span, answer };
        self.queue.try_send(queued).map_err(|refused| {
            self.queued.fetch_sub(1, Ordering::Relaxed);
            match refused {
                TrySendError::Full(_) => WorkError::QueueFull,
                TrySendError::Disconnected(_) => WorkError::Stopped,
            }
        })?;
        Ok(pending)
    }

    /// Pictures that wait for a thread.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }
}

impl Lane {
    fn run(&self) {
        while let Some(queued) = self.next() {
            self.queued.fetch_sub(1, Ordering::Relaxed);
            let Queued { work, since, span, answer } = queued;
            // Nobody is there to hear of it: the permit goes back without any work.
            if answer.is_closed() {
                continue;
            }
            let outcome = span.in_scope(|| self.work(work, since));
            // The caller may have left meanwhile; then the outcome is of no use to anybody.
            drop(answer.send(outcome));
        }
    }

    fn next(&self) -> Option<Queued> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }

    /// Works on one picture; its body and its permit end here, however the work ends.
    fn work(&self, mut work: Work, since: Instant) -> Result<Outcome, WorkError> {
        let started = Instant::now();
        let record = work.record.take();
        let outcome = catch_unwind(AssertUnwindSafe(|| self.find_and_draw(&work, record)))
            .unwrap_or(Err(WorkError::Panicked));
        self.gate.observe(started.elapsed());
        outcome.map(|mut outcome| {
            let waited = started.saturating_duration_since(since);
            outcome.report.timing.queue += waited;
            outcome.report.timing.total += waited;
            outcome
        })
    }

    fn find_and_draw(
        &self,
        work: &Work,
        record: Option<PictureRecord>,
    ) -> Result<Outcome, WorkError> {
        let Work { body, request, drawn, cancel, .. } = work;
        let recorded = record.as_ref().is_some_and(PictureRecord::wants_image);
        let (report, image) = if recorded || drawn.is_some() {
            let (report, image) = self.pipeline.detect_with_image(body, request, cancel)?;
            (report, Some(image))
        } else {
            (self.pipeline.detect(body, request, cancel)?, None)
        };
        if let Some(record) = record {
            cancel.check().map_err(PipelineError::Interrupted)?;
            let image = image.as_ref().filter(|_| recorded).map(|image| image.view());
            record.store(body, &report, image)?;
        }
        let (Some(encoding), Some(image)) = (*drawn, image) else {
            return Ok(Outcome { report, drawn: None });
        };
        cancel.check().map_err(PipelineError::Interrupted)?;
        let drawn = drawn_picture(&mut Arc::unwrap_or_clone(image), &report, encoding)?;
        Ok(Outcome { report, drawn: Some(drawn) })
    }
}

fn drawn_picture(
    image: &mut Image,
    report: &StillReport,
    encoding: StillEncoding,
) -> Result<Vec<u8>, WorkError> {
    draw(image, &report.detections);
    encode_still(image.view(), encoding).map_err(WorkError::Encode)
}
