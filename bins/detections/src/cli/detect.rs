//! `detections detect`: searches pictures on several threads and videos one after the other, and reports them
//! in the order in which they were named. One that fails is told on standard error and does not stop the others.

mod report;
mod video;

use std::{error::Error, ops::ControlFlow, sync::Arc};

use detections_classes::BoundClasses;
use detections_frames::Exif;
use detections_infer::{DetectorHealth, Masks, NmsMode, Tiling};
use detections_pipeline::{ClassSelection, SearchRequest, StillRequest, Tracking, VideoRequest};
use detections_types::CancelToken;

use self::{
    report::{Outcome, Reporter, View},
    video::VideoPlan,
};
use super::{
    args::{DetectArgs, ExifArg, TileArgs},
    exit::{Exit, Failure, explain},
    inputs::{self, Input, Kind, Listing, read_picture},
    interrupt::stop_on_interrupt,
    lanes::in_order,
    output::{Output, say, visible},
    save::{self, Target},
    table::{Columns, Table},
};
use crate::{
    config::Config,
    draw::draw,
    engine::Engine,
    tiles::{AskedTiles, Senseless},
    wire::VideoParamsBody,
};

/// Runs the subcommand.
pub(super) fn run(args: &DetectArgs, config: &Config) -> Result<Exit, Failure> {
    let listing = inputs::list(&args.paths, args.save.as_deref());
    listing.unreadable.iter().for_each(|path| say(format_args!("error: {path}")));
    if listing.inputs.is_empty() {
        let message = format!("no picture or video to search{}", report::left_out(&listing));
        return Err(Failure { exit: Exit::BadInput, message });
    }
    let engine = Engine::start(config)?;
    let stop = stop_on_interrupt();
    let picture = request(args, config, engine.pipeline.classes())?;
    let video = video_plan(args, config, &picture);
    let jobs = jobs(args, &listing.inputs)?;
    let view = view(args, &listing, &engine, (&picture, &video));
    let mut reporter = Reporter::start(view, &listing.inputs)?;
    let each = |turn| {
        let flow = match turn {
            Turn::Picture(outcome) => reporter.take(outcome),
            Turn::Video(job) => video::search(&engine.video, &video, &stop, &job, &mut reporter),
        };
        if stop.check().is_ok() { flow } else { ControlFlow::Break(()) }
    };
    in_order(&jobs, config.infer.threads, |job| turn(&engine, &picture, &stop, job), each)
        .map_err(|error| Failure::failed(error.to_string()))?;
    let exit = reporter.finish(&listing)?;
    if let DetectorHealth::DeviceFailed { reason } = engine.detector.health() {
        return Err(Failure::device(&reason));
    }
    stop.check().map(|()| exit).map_err(|_interrupt| Failure::failed("interrupted"))
}

/// What a job comes to on one of many threads; a video's turn is only to come.
enum Turn<'a> {
    Picture(Outcome<'a>),
    Video(Job<'a>),
}

fn turn<'a>(
    engine: &Engine,
    request: &StillRequest,
    stop: &CancelToken,
    job: &Job<'a>,
) -> Turn<'a> {
    match job.input.kind {
        Kind::Picture => Turn::Picture(search(engine, request, stop, job)),
        Kind::Video => Turn::Video(job.clone()),
    }
}

fn view<'a>(
    args: &DetectArgs,
    listing: &'a Listing,
    engine: &'a Engine,
    (picture, video): (&StillRequest, &VideoPlan),
) -> View<'a> {
    if args.json || !Output::is_terminal() {
        let video_params = VideoParamsBody::new(&video.request, video.options.sampling).into();
        return View::Lines { model: &engine.model, params: picture.into(), video_params };
    }
    let with_videos = listing.inputs.iter().any(|input| input.kind == Kind::Video);
    let columns = if with_videos { Columns::Videos } else { Columns::Pictures };
    let paths = listing.inputs.iter().map(|input| &input.path);
    let names = engine.pipeline.classes().iter().map(|(_, class)| &*class.name);
    View::Table(Table::new(columns, paths, names))
}

/// What the flags ask of every video; of a frame the same as of a picture.
fn video_plan(args: &DetectArgs, config: &Config, picture: &StillRequest) -> VideoPlan {
    let tracking = if args.no_track { Tracking::Off } else { Tracking::On };
    let search = picture.search.clone();
    let request = VideoRequest { search, tracking, max_frames: args.max_frames };
    VideoPlan::new(request, args.frames, config)
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
        masks: if args.masks { Masks::On } else { Masks::Off },
        classes: selection(&args.only, classes)?,
        tiling: tiling(&args.tiles, config.model.gsd)?,
    };
    let exif = match args.exif {
        ExifArg::Apply => Exif::Apply,
        ExifArg::Ignore => Exif::Ignore,
    };
    Ok(StillRequest { search, exif })
}

fn tiling(args: &TileArgs, model_gsd: Option<f32>) -> Result<Option<Tiling>, Failure> {
    let &TileArgs { tile, tile_overlap, tile_merge, tile_match, gsd } = args;
    let asked =
        AskedTiles { tile, overlap: tile_overlap, merge: tile_merge, measure: tile_match, gsd };
    asked.settle(model_gsd).map_err(|Senseless { name, problem }| {
        Failure::usage(format!("--{}: {problem}", name.replace('_', "-")))
    })
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

/// One picture or video and where it is saved.
#[derive(Debug, Clone)]
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
fn search<'a>(
    engine: &Engine,
    request: &StillRequest,
    stop: &CancelToken,
    job: &Job<'a>,
) -> Outcome<'a> {
    let path = job.input.path.as_path();
    let failure = |exit, error: &dyn Error| {
        let message = format!("{}: {}", visible(&path.to_string_lossy()), explain(error));
        Failure { exit, message }
    };
    let bytes = read_picture(path).map_err(|error| failure(Exit::BadInput, &error))?;
    let (report, mut image) = engine
        .pipeline
        .detect_with_image(&bytes, request, stop)
        .map_err(|error| failure(error.kind().into(), &error))?;
    if let Some(target) = &job.save {
        draw(Arc::make_mut(&mut image), &report.detections);
        target.write(&image).map_err(|error| failure(Exit::Failed, &error))?;
    }
    Ok((path, report))
}
