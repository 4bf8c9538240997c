//! One worker: takes a batch, letterboxes it into its session, runs it and answers each item.

use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use detections_types::{Image, ImageView, ModelDescription, TensorInfo, caught};

use super::{Answer, Fault, InferTiming, Inference, Item, Queue};
use crate::{
    DetectParams, Found, InferError, InputShape, Letterbox, Letterboxer, Manifest, Model, Outputs,
    Reader, Session,
};

/// A session and all scratch memory of one thread.
pub(crate) struct Worker {
    queue: Arc<Queue>,
    session: Box<dyn Session>,
    letterboxer: Letterboxer,
    reader: Reader,
    batch: Vec<Item>,
    placed: Vec<Placed>,
    answers: Vec<Answer>,
}

/// Where a picture of the batch lies, and how long it took so far.
struct Placed {
    letterbox: Letterbox,
    timing: InferTiming,
}

impl Worker {
    /// Makes a session and warms it up with one blank picture, on the thread that will use it.
    ///
    /// # Errors
    /// What the session failed with, [`InferError::WorkerPanicked`] where it panicked.
    pub(crate) fn warmed_up(
        model: &dyn Model,
        manifest: Arc<Manifest>,
        queue: Arc<Queue>,
    ) -> Result<Self, InferError> {
        caught(|| {
            let mut worker = Self {
                queue,
                session: model.session()?,
                letterboxer: Letterboxer::new(manifest.preprocess, manifest.input),
                batch: Vec::with_capacity(manifest.input.max_batch),
                placed: Vec::with_capacity(manifest.input.max_batch),
                answers: Vec::with_capacity(manifest.input.max_batch),
                reader: Reader::new(manifest),
            };
            worker.warm_up(model.description()).map(|()| worker)
        })
        .unwrap_or_else(|reason| Err(InferError::WorkerPanicked { reason }))
    }

    fn warm_up(&mut self, description: &ModelDescription) -> Result<(), InferError> {
        let InputShape { height, width, .. } = self.reader.manifest().input;
        let blank =
            vec![self.reader.manifest().preprocess.pad; height * width * InputShape::CHANNELS];
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        let blank = Image::rgb8(side(width), side(height), blank).map_err(InferError::Blank)?;
        let placed = self.place(0, blank.view(), Duration::ZERO)?;
        let outputs = self.session.run(1)?;
        check_numbers(&outputs, description)?;
        self.reader.read(&outputs, 0, &placed.letterbox, &DetectParams::default()).map(drop)
    }

    /// Works until the queue is closed, the session panics, or the device fails.
    pub(crate) fn work(mut self) {
        let most = self.reader.manifest().input.max_batch;
        while self.queue.take(most, &mut self.batch) {
            match caught(|| self.search()) {
                Ok(None) => {}
                Ok(Some(error)) => return self.lose_device(error),
                Err(reason) => return self.give_up(&reason),
            }
        }
        self.queue.worker_ended(None);
    }

    /// Reports the fault before its batch learns of it, so that who was answered sees it.
    fn give_up(&mut self, reason: &str) {
        tracing::error!(reason, "a worker panicked and ends");
        self.queue.worker_ended(Some(Fault::Panic(reason.to_owned())));
        for item in self.batch.drain(..) {
            item.answer(Err(InferError::WorkerPanicked { reason: reason.into() }));
        }
    }

    /// The same for a device that failed; what still waits is answered too.
    fn lose_device(&mut self, error: InferError) {
        let reason = with_causes(&error);
        tracing::error!(reason, "the device failed and all workers end");
        self.queue.worker_ended(Some(Fault::Device(reason)));
        self.answer_all(error);
    }

    /// Searches the pictures of the batch and answers each item, unless the device fails.
    fn search(&mut self) -> Option<InferError> {
        self.place_all();
        if self.batch.is_empty() {
            return None;
        }
        match self.run() {
            Err(error) if error.is_of_device() => return Some(error),
            Err(error) => self.answer_all(error),
            Ok(()) => {}
        }
        None
    }

    fn answer_all(&mut self, error: InferError) {
        let error = Arc::new(error);
        for item in self.batch.drain(..) {
            item.answer(Err(InferError::Batch(Arc::clone(&error))));
        }
    }

    fn run(&mut self) -> Result<(), InferError> {
        let started = Instant::now();
        let outputs = self.session.run(self.batch.len())?;
        let infer = started.elapsed();
        self.answers.clear();
        for (index, (item, placed)) in self.batch.iter().zip(&self.placed).enumerate() {
            let started = Instant::now();
            let found = self.reader.read(&outputs, index, &placed.letterbox, &item.params);
            let timing = InferTiming { infer, postprocess: started.elapsed(), ..placed.timing };
            self.answers.push(found.map(|found| {
                let Found { detections, details } = found;
                Inference { detections, details, timing }
            }));
        }
        for (item, answer) in self.batch.drain(..).zip(self.answers.drain(..)) {
            item.finish(answer);
        }
        Ok(())
    }

    /// Letterboxes the batch; items that cannot be are answered and leave it.
    fn place_all(&mut self) {
        let taken = Instant::now();
        self.placed.clear();
        while let Some(item) = self.batch.get(self.placed.len()) {
            let (image, queue) = (Arc::clone(&item.image), taken.duration_since(item.queued_at));
            let region = item.region;
            let placed = image.view().region(region).map_err(InferError::Part);
            match placed.and_then(|view| self.place(self.placed.len(), view, queue)) {
                Ok(placed) => self.placed.push(placed),
                Err(error) => self.batch.remove(self.placed.len()).answer(Err(error)),
            }
        }
    }

    fn place(
        &mut self,
        slot: usize,
        image: ImageView<'_>,
        queue: Duration,
    ) -> Result<Placed, InferError> {
        let started = Instant::now();
        let len = self.reader.manifest().input.image_len();
        let input = self.session.input();
        let short = InferError::InputBuffer { expected: (slot + 1) * len, found: input.len() };
        let slot = input.get_mut(slot * len..(slot + 1) * len).ok_or(short)?;
        let letterbox = self.letterboxer.write(image, slot)?;
        let timing = InferTiming { queue, preprocess: started.elapsed(), ..Default::default() };
        Ok(Placed { letterbox, timing })
    }
}

/// What is no number would silently be no detection, so a model that gives such things does not start.
fn check_numbers(outputs: &Outputs<'_>, description: &ModelDescription) -> Result<(), InferError> {
    let names = description.signature.outputs.iter().map(|TensorInfo { name, .. }| name.as_str());
    for (tensor, name) in outputs.tensors.iter().zip(names.chain(std::iter::repeat("?"))) {
        let count = tensor.data.iter().filter(|number| number.is_nan()).count();
        if count > 0 {
            let (output, elements) = (name.to_owned(), tensor.data.len());
            return Err(InferError::NotANumber { output, count, elements });
        }
    }
    Ok(())
}

/// An error and what caused it, since the reason outlives the error.
fn with_causes(error: &InferError) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}
