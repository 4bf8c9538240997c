//! `detections detect`: searches pictures on several threads and reports them in the order in which they
//! were named. A picture that fails is told on standard error and does not stop the others.

mod report;

use std::{error::Error, sync::Arc};

use detections_classes::BoundClasses;
use detections_frames::Exif;
use detections_infer::NmsMode;
use detections_pipeline::{ClassSelection, SearchRequest, StillRequest};
use detections_types::CancelToken;

use self::report::{Outcome, Reporter, View};
use super::{
    args::{DetectArgs, ExifArg},
    exit::{Exit, Failure, explain},
    inputs::{self, Input, Listing, read_picture},
    lanes::in_order,
    output::{Output, say, visible},
    save::{self, Target},
    table::Table,
};
use crate::{config::Config, draw::draw, engine::Engine};

/// Runs the subcommand.
pub(super) fn run(args: &DetectArgs, config: &Config) -> Result<Exit, Failure> {
    let listing = inputs::list(&args.paths, args.save.as_deref());
    listing.unreadable.iter().for_each(|path| say(format_args!("error: {path}")));
    if listing.inputs.is_empty() {
        let message = format!("no picture to search{}", report::left_out(&listing));
        return Err(Failure { exit: Exit::BadInput, message });
    }
    let engine = Engine::start(config)?;
    let request = request(args, config, engine.pipeline.classes())?;
    let jobs = jobs(args, &listing.inputs)?;
    let view = view(args, &listing, &engine, &request);
    let mut reporter = Reporter::start(view, jobs.len() as u64)?;
    let threads = config.infer.threads;
    in_order(&jobs, threads, |job| search(&engine, &request, job), |found| reporter.take(found))
        .map_err(|error| Failure::failed(error.to_string()))?;
    reporter.finish(&listing)
}

fn view<'a>(
    args: &DetectArgs,
    listing: &'a Listing,
    engine: &'a Engine,
    request: &StillRequest,
) -> View<'a> {
    if args.json || !Output::is_terminal() {
        return View::Lines { model: &engine.model, params: request.into() };
    }
    let paths = listing.inputs.iter().map(|input| &input.path);
    let names = engine.pipeline.classes().iter().map(|(_, class)| &*class.name);
    View::Table(Table::new(paths, names))
}

/// What the flags ask of every picture.
fn request(
    args: &DetectArgs,
    config: &Config,
    classes: &BoundClasses,
) -> Result<StillRequest, Failure> {
    let search = SearchRequest {
        confidence: config.detect.confidence,
        iou: config.detect.iou,
        max_detections: config.detect.max_detections,
        nms: if args.agnostic_nms { NmsMode::Agnostic } else { NmsMode::ClassWise },
        classes: selection(&args.only, classes)?,
    };
    let exif = match args.exif {
        ExifArg::Apply => Exif::Apply,
        ExifArg::Ignore => Exif::Ignore,
    };
    Ok(StillRequest { search, exif })
}

fn selection(words: &[String], classes: &BoundClasses) -> Result<ClassSelection, Failure> {
    if words.is_empty() {
        return Ok(ClassSelection::All);
    }
    let found = words.iter().map(|word| classes.find(word.trim()).ok_or(word));
    let (known, unknown): (Vec<_>, Vec<_>) = found.partition(Result::is_ok);
    if unknown.is_empty() {
        let mut ids: Vec<u32> = known.into_iter().flatten().flatten().collect();
        ids.sort_unstable();
        ids.dedup();
        return Ok(ClassSelection::Only(ids));
    }
    let unknown: Vec<_> = unknown.into_iter().filter_map(Result::err).cloned().collect();
    let names: Vec<&str> = classes.iter().map(|(_, class)| &*class.name).collect();
    let message =
        format!("--only: no class {}; there are {}", unknown.join(", "), names.join(", "));
    Err(Failure::usage(message))
}

/// One picture and where it is saved.
struct Job<'a> {
    input: &'a Input,
    save: Option<Target>,
}

fn jobs<'a>(args: &DetectArgs, inputs: &'a [Input]) -> Result<Vec<Job<'a>>, Failure> {
    let targets = match &args.save {
        Some(folder) => {
            let targets = save::plan(folder, inputs);
            let targets = targets.map_err(|error| Failure::usage(explain(&error)))?;
            targets.into_iter().map(Some).collect()
        }
        None => vec![None; inputs.len()],
    };
    Ok(inputs.iter().zip(targets).map(|(input, save)| Job { input, save }).collect())
}

/// Searches one picture and saves it where that is wanted; runs on any thread.
fn search<'a>(engine: &Engine, request: &StillRequest, job: &Job<'a>) -> Outcome<'a> {
    let path = job.input.path.as_path();
    let failure = |exit, error: &dyn Error| {
        let message = format!("{}: {}", visible(&path.to_string_lossy()), explain(error));
        Failure { exit, message }
    };
    let bytes = read_picture(path).map_err(|error| failure(Exit::BadInput, &error))?;
    let (report, mut image) = engine
        .pipeline
        .detect_with_image(&bytes, request, &CancelToken::new())
        .map_err(|error| failure(error.kind().into(), &error))?;
    if let Some(target) = &job.save {
        draw(Arc::make_mut(&mut image), &report.detections);
        target.write(&image).map_err(|error| failure(Exit::Failed, &error))?;
    }
    Ok((path, report))
}
