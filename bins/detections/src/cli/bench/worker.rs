//! One worker of the measurement: a session of its own and the scratch memory around it, timed stage by
//! stage the way the detector works.

use std::{
    hint::black_box,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use detections_infer::{DetectParams, InferError, Letterbox, Letterboxer, Reader, Session};
use detections_types::Image;

use super::stages::{Run, Stages};
use crate::{
    cli::{exit::Failure, output::Output},
    engine::LoadedModel,
};

/// Lets all workers run `runs` times at once; how long that took.
pub(super) fn run_all(
    workers: &mut [Worker<'_>],
    runs: u32,
    output: &Output,
) -> Result<Duration, Failure> {
    let started = Instant::now();
    thread::scope(|scope| {
        let run = |worker| scope.spawn(move || Worker::run(worker, runs, output));
        let threads: Vec<_> = workers.iter_mut().map(run).collect();
        for thread in threads {
            let ended = thread.join().map_err(|_panic| Failure::failed("a worker panicked"))?;
            ended?;
        }
        Ok(started.elapsed())
    })
}

/// What one thread works with.
pub(super) struct Worker<'a> {
    session: Box<dyn Session>,
    letterboxer: Letterboxer,
    letterbox: Letterbox,
    image: &'a Image,
    params: DetectParams,
    reader: Reader,
    stages: Stages,
}

impl<'a> Worker<'a> {
    pub(super) fn new(loaded: &'a LoadedModel, image: &'a Image) -> Result<Self, Failure> {
        let manifest = &loaded.manifest;
        let (preprocess, input) = (manifest.preprocess, manifest.input);
        let (width, height) = (image.width(), image.height());
        Ok(Self {
            session: loaded.model.session()?,
            letterboxer: Letterboxer::new(preprocess, input),
            letterbox: Letterbox::fit(width, height, input, preprocess.placement),
            image,
            params: DetectParams::default(),
            reader: Reader::new(Arc::new(manifest.clone())),
            stages: Stages::default(),
        })
    }

    /// The times so far; the next runs are counted anew.
    pub(super) fn take_stages(&mut self) -> Stages {
        std::mem::take(&mut self.stages)
    }

    fn run(&mut self, runs: u32, output: &Output) -> Result<(), InferError> {
        for _ in 0..runs {
            let run = self.run_once()?;
            self.stages.push(run);
            output.step();
        }
        Ok(())
    }

    fn run_once(&mut self) -> Result<Run, InferError> {
        let input = self.reader.manifest().input;
        let started = Instant::now();
        for slot in self.session.input().chunks_exact_mut(input.image_len()) {
            self.letterboxer.write(self.image.view(), slot)?;
        }
        let preprocessed = Instant::now();
        let outputs = self.session.run(input.max_batch)?;
        let inferred = Instant::now();
        for image in 0..input.max_batch {
            black_box(self.reader.read(&outputs, image, &self.letterbox, &self.params)?);
        }
        Ok(Run {
            preprocess: preprocessed - started,
            infer: inferred - preprocessed,
            postprocess: inferred.elapsed(),
        })
    }
}
