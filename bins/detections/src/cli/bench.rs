//! `detections bench`: times each stage of one model on this machine, with as many workers as the service
//! would have, each running full batches as fast as it can.

mod picture;
mod stages;
mod worker;

use std::num::NonZeroUsize;

use detections_types::Image;
use serde::Serialize;

use self::{
    stages::{Stages, StagesMs},
    worker::Worker,
};
use super::{
    args::BenchArgs,
    exit::{Exit, Failure},
    output::Output,
};
use crate::{
    config::Config,
    engine::{LoadedModel, ModelCard},
};

/// Runs the subcommand.
pub(super) fn run(args: &BenchArgs, config: &Config) -> Result<Exit, Failure> {
    let asked = args.batch.and_then(|batch| NonZeroUsize::new(batch.into()));
    let loaded = LoadedModel::load(config, asked)?;
    let batch = loaded.manifest.input.max_batch;
    if let Some(asked) = asked.filter(|asked| asked.get() != batch) {
        let model = &loaded.origin;
        let message =
            format!("--batch {asked}: model {model} takes {batch} at a time, fixed in its file");
        return Err(Failure::usage(message));
    }
    let image = match &args.image {
        Some(path) => picture::open(path, config)?,
        None => picture::synthetic()?,
    };
    let plan = Plan { runs: args.runs, warm_up: warm_up(args.runs), threads: config.infer.threads };
    let (stages, images_per_s) = plan.measure(&loaded, &image)?;
    let report = Report::new(&loaded.card, &plan, batch, &image, stages.ms(), images_per_s);
    let text = if args.json { report.json()? } else { report.text() };
    // Whether anybody reads on makes no difference: this is all.
    let _reader = Output::plain().print(&text)?;
    Ok(Exit::Done)
}

/// Runs before the measured ones: caches fill, clocks rise.
const fn warm_up(runs: u32) -> u32 {
    let tenth = runs / 10;
    if tenth < 3 {
        3
    } else if tenth > 20 {
        20
    } else {
        tenth
    }
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Plan {
    runs: u32,
    warm_up: u32,
    threads: NonZeroUsize,
}

impl Plan {
    /// All workers' times together, and the images they did in a second.
    fn measure(&self, loaded: &LoadedModel, image: &Image) -> Result<(Stages, f64), Failure> {
        let threads = self.threads.get();
        let steps = u64::from(self.warm_up + self.runs) * threads as u64;
        let output = Output::with_progress(steps);
        let workers: Result<Vec<_>, _> = (0..threads).map(|_| Worker::new(loaded, image)).collect();
        let mut workers = workers?;
        worker::run_all(&mut workers, self.warm_up, &output)?;
        workers.iter_mut().for_each(|worker| drop(worker.take_stages()));
        let elapsed = worker::run_all(&mut workers, self.runs, &output)?;
        output.finish();
        let batch = loaded.manifest.input.max_batch as u64;
        let images = u64::from(self.runs) * threads as u64 * batch;
        let stages = Stages::merge(workers.iter_mut().map(Worker::take_stages));
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        Ok((stages, images as f64 / elapsed.as_secs_f64()))
    }
}

/// What was measured, as JSON spells it.
#[derive(Debug, Serialize)]
struct Report {
    model: String,
    sha256: String,
    backend: &'static str,
    device: String,
    /// Height and width.
    input: [usize; 2],
    threads: usize,
    batch: usize,
    /// Measured runs of each thread.
    runs: u32,
    /// Runs of each thread before them.
    warm_up: u32,
    /// Width and height of the picture.
    image: [u32; 2],
    #[serde(flatten)]
    stages: StagesMs,
    images_per_s: f64,
}

impl Report {
    fn new(
        card: &ModelCard,
        plan: &Plan,
        batch: usize,
        image: &Image,
        stages: StagesMs,
        images_per_s: f64,
    ) -> Self {
        Self {
            model: card.name.clone(),
            sha256: card.sha256.to_string(),
            backend: card.backend,
            device: card.device.to_string(),
            input: card.input,
            threads: plan.threads.get(),
            batch,
            runs: plan.runs,
            warm_up: plan.warm_up,
            image: [image.width(), image.height()],
            stages,
            images_per_s: (images_per_s * 100.0).round() / 100.0,
        }
    }

    fn json(&self) -> Result<String, Failure> {
        let text = serde_json::to_string(self);
        text.map(|text| text + "\n").map_err(|error| Failure::failed(error.to_string()))
    }

    fn text(&self) -> String {
        let Self { model, backend, device, threads, batch, runs, warm_up, images_per_s, .. } = self;
        let ([height, width], [image_width, image_height]) = (self.input, self.image);
        format!(
            "model {model} at {width}x{height}, {backend} on {device}, picture {image_width}x{image_height}\n\
             threads {threads}, batch {batch}, runs {runs} a thread after {warm_up} to warm up\n\n\
             {}\n\
             {images_per_s:.1} images/s\n",
            self.stages.text(),
        )
    }
}
