//! Pictures in, objects out: a model with its manifest behind worker threads that share one queue.

use std::{
    num::NonZeroUsize,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use detections_types::{CancelToken, Image, Region};

use crate::{
    DetectParams, InferError, Inference, Lane, Manifest, Masks, Model, Ticket,
    batcher::{Fault, Item, Queue, Worker},
    params::out_of_range,
};

/// How much a detector does at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DetectorOptions {
    /// Worker threads, each with a session of its own.
    pub workers: NonZeroUsize,
    /// Pictures that may wait for a worker.
    pub queue_capacity: NonZeroUsize,
}

/// Whether a detector still works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DetectorHealth {
    /// All workers work.
    Healthy,
    /// A worker panicked and is gone for good.
    Failed {
        /// What the panic said.
        reason: String,
    },
    /// The device under all workers is lost or out of memory: nothing is searched any more.
    DeviceFailed {
        /// What the backend said.
        reason: String,
    },
}

/// Finds objects in pictures, for many callers at once.
///
/// Pictures wait in one bounded queue, in lanes that take turns: one picture of each lane, then the next of
/// each, so that a film's many frames delay a picture by one frame. A worker takes up to a batch of those that
/// are there, of one lane or of several, and never waits for more. What a picture's answer is does not depend on what else is in flight.
#[derive(Debug)]
pub struct Detector {
    manifest: Arc<Manifest>,
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
    parallelism: usize,
}

impl Detector {
    /// Starts the workers and returns when each has answered a blank picture.
    ///
    /// # Errors
    /// [`InferError::InputMismatch`] when `model` was loaded for another input than the manifest's,
    /// [`InferError::Thread`] when a thread cannot be started, and whatever a warm-up failed with.
    pub fn spawn(
        model: Arc<dyn Model>,
        manifest: Manifest,
        options: DetectorOptions,
    ) -> Result<Self, InferError> {
        if manifest.input != model.input_shape() {
            let (manifest, model) = (manifest.input, model.input_shape());
            return Err(InferError::InputMismatch { manifest, model });
        }
        let workers = options.workers.get();
        let queue = Arc::new(Queue::new(options.queue_capacity.get(), workers));
        let (ready, outcomes) = mpsc::channel();
        // From here on dropping `detector` ends and joins what was started.
        let parallelism = workers.saturating_mul(manifest.input.max_batch);
        let manifest = Arc::new(manifest);
        let mut detector = Self { manifest, queue, threads: Vec::new(), parallelism };
        for number in 0..workers {
            detector.start(number, Arc::clone(&model), ready.clone())?;
        }
        drop(ready);
        outcomes.iter().collect::<Result<(), _>>().map(|()| detector)
    }

    fn start(
        &mut self,
        number: usize,
        model: Arc<dyn Model>,
        ready: mpsc::Sender<Result<(), InferError>>,
    ) -> Result<(), InferError> {
        let (manifest, queue) = (Arc::clone(&self.manifest), Arc::clone(&self.queue));
        let work = move || {
            let made = Worker::warmed_up(model.as_ref(), manifest, queue);
            drop(model);
            let (outcome, worker) = match made {
                Ok(worker) => (Ok(()), Some(worker)),
                Err(error) => (Err(error), None),
            };
            // Nobody listens any more when another worker failed first; then the queue is being closed.
            ready.send(outcome).ok();
            drop(ready);
            if let Some(worker) = worker {
                worker.work();
            }
        };
        let thread = thread::Builder::new().name(format!("detect-{number}"));
        self.threads.push(thread.spawn(work).map_err(InferError::Thread)?);
        Ok(())
    }

    /// Finds the objects in `image` and waits for them.
    ///
    /// # Errors
    /// Those of [`submit`](Self::submit) and of [`Ticket::wait`].
    pub fn detect(
        &self,
        image: Arc<Image>,
        params: DetectParams,
        cancel: &CancelToken,
    ) -> Result<Inference, InferError> {
        self.submit(image, params, cancel)?.wait()
    }

    /// Queues `image` in the lane of still pictures and returns at once.
    ///
    /// # Errors
    /// Those of [`submit_in`](Self::submit_in).
    pub fn submit(
        &self,
        image: Arc<Image>,
        params: DetectParams,
        cancel: &CancelToken,
    ) -> Result<Ticket, InferError> {
        self.submit_in(Lane::default(), image, params, cancel)
    }

    /// A lane of its own, for the frames of one video.
    #[must_use]
    pub fn open_lane(&self) -> Lane {
        self.queue.open_lane()
    }

    /// Queues `image` in `lane` and returns at once; a lane's pictures are begun in the order in which they came.
    ///
    /// # Errors
    /// [`InferError::Parameter`] when `params` are out of range, [`InferError::Interrupted`] when `cancel` was
    /// already given up, [`InferError::QueueFull`] when no place is free, [`InferError::Stopped`] when no worker is left.
    pub fn submit_in(
        &self,
        lane: Lane,
        image: Arc<Image>,
        params: DetectParams,
        cancel: &CancelToken,
    ) -> Result<Ticket, InferError> {
        let whole = Region { x: 0, y: 0, width: image.width(), height: image.height() };
        self.submit_part(lane, (image, whole), params, cancel)
    }

    /// Queues a part of a picture, as [`submit_in`](Self::submit_in) does the whole; what is found is in pixels of
    /// that part.
    pub(crate) fn submit_part(
        &self,
        lane: Lane,
        part: (Arc<Image>, Region),
        params: DetectParams,
        cancel: &CancelToken,
    ) -> Result<Ticket, InferError> {
        params.check(self.manifest.labels.len())?;
        if params.masks == Masks::On && !self.manifest.head.has_masks() {
            let expected =
                format!("a model whose objects have masks, unlike {}", self.manifest.head.kind());
            return Err(out_of_range("masks", "true".into(), expected));
        }
        cancel.check().map_err(InferError::Interrupted)?;
        let (item, ticket) = Item::new(part, params, cancel.clone());
        self.queue.push(lane, item).map(|()| ticket)
    }

    /// Whether all workers still work.
    #[must_use]
    pub fn health(&self) -> DetectorHealth {
        match self.queue.fault() {
            None => DetectorHealth::Healthy,
            Some(Fault::Panic(reason)) => DetectorHealth::Failed { reason },
            Some(Fault::Device(reason)) => DetectorHealth::DeviceFailed { reason },
        }
    }

    /// What the model is.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// How many pictures are searched at once when all workers have full batches.
    #[must_use]
    pub const fn parallelism(&self) -> usize {
        self.parallelism
    }

    /// How many pictures wait for a worker.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len()
    }
}

impl Drop for Detector {
    /// Answers what waits with [`InferError::Stopped`], lets the running batches end and joins the workers.
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // A worker catches its session's panics; one that panics otherwise has nothing left to say.
            thread.join().ok();
        }
    }
}
