//! One video of the command line: decoded from its file, searched and told while it is hashed beside.

use std::{
    fs::File,
    io::{self, Read},
    ops::ControlFlow,
    path::Path,
    thread,
};

use detections_frames::{FrameError, Sampling, VideoOptions, VideoSource};
use detections_pipeline::{
    Event, Intake, PipelineError, Sink, VideoPipeline, VideoRequest, intake,
};
use detections_types::CancelToken;

use super::{
    Job,
    report::{Playing, Reporter},
};
use crate::{
    cli::{
        exit::Exit,
        save::{Film, SaveError, Target},
    },
    config::Config,
};

/// Bytes that are hashed at once.
const HASH_BYTES: usize = 1 << 20;

/// What is done with every video.
#[derive(Debug)]
pub(super) struct VideoPlan {
    /// What is searched for.
    pub(super) request: VideoRequest,
    /// How it is decoded.
    pub(super) options: VideoOptions,
}

impl VideoPlan {
    /// What `request` asks of the frames that `sampling` lets through, under the configured limits.
    pub(super) fn new(request: VideoRequest, sampling: Sampling, config: &Config) -> Self {
        let options = VideoOptions {
            sampling,
            max_pixels: config.limits.max_pixels,
            max_decoded_bytes: config.limits.max_decoded_bytes,
            stall_timeout: config.video.stall_timeout,
            ..VideoOptions::default()
        };
        Self { request, options }
    }
}

/// Searches one video, saves it where that is wanted, and tells of it as it goes; breaks when nothing more is
/// to be done.
pub(super) fn search(
    pipeline: &VideoPipeline,
    plan: &VideoPlan,
    stop: &CancelToken,
    job: &Job<'_>,
    reporter: &mut Reporter<'_>,
) -> ControlFlow<()> {
    let mut playing = Playing::new(&job.input.path);
    let mut recorder = Recorder { target: job.save.as_ref(), stop, fps: None, film: None };
    let mut unsaved = None;
    let mut sink = |event| {
        unsaved = recorder.record(&event).err();
        if stop.check().is_err() || unsaved.is_some() {
            return ControlFlow::Break(());
        }
        reporter.tell(&mut playing, event)
    };
    let ended = play(pipeline, plan, stop, &job.input.path, &mut sink);
    let ended = match unsaved {
        Some(error) => Err(error.into()),
        None => ended.and_then(|()| Ok(recorder.film.map_or(Ok(()), Film::finish)?)),
    };
    reporter.end_video(&playing, ended)
}

/// Saves the frames of a video with their boxes drawn, where that is wanted.
struct Recorder<'a> {
    target: Option<&'a Target>,
    stop: &'a CancelToken,
    fps: Option<f64>,
    film: Option<Film<'a>>,
}

impl Recorder<'_> {
    fn record(&mut self, event: &Event) -> Result<(), SaveError> {
        match (event, self.target) {
            (Event::Start(info), _) => self.fps = info.fps,
            (Event::Frame(frame), Some(target)) => {
                let film = match self.film.take() {
                    Some(film) => film,
                    None => Film::begin(target, frame, self.fps, self.stop)?,
                };
                self.film.insert(film).add(frame)?;
            }
            (Event::Frame(_) | Event::Progress(_) | Event::Fault(_) | Event::End(_), _) => {}
        }
        Ok(())
    }
}

/// Why a video of the command line was not searched to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum VideoError {
    /// The video cannot be decoded or searched.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The file cannot be opened or read to be hashed.
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
    /// The drawn video cannot be written.
    #[error(transparent)]
    Save(SaveError),
}

impl From<SaveError> for VideoError {
    /// A file that nobody waits for any more is no fault of the file.
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Encode(FrameError::Interrupted(why)) => {
                Self::Pipeline(PipelineError::Interrupted(why))
            }
            SaveError::Write { .. } | SaveError::Encode(_) => Self::Save(error),
        }
    }
}

impl VideoError {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Pipeline(error) => error.kind().into(),
            Self::Io(_) => Exit::BadInput,
            Self::Save(_) => Exit::Failed,
        }
    }
}

/// Decodes, searches and hashes the file at `path`; a video has a token of its own, because a broken one is
/// given up and the others go on, and all of them end with `stop`.
fn play(
    pipeline: &VideoPipeline,
    plan: &VideoPlan,
    stop: &CancelToken,
    path: &Path,
    sink: &mut dyn Sink,
) -> Result<(), VideoError> {
    let cancel = stop.part();
    let file = File::open(path)?;
    let source = VideoSource::open_file(path, &plan.options, cancel.clone());
    let source = source.map_err(PipelineError::from)?;
    // The decoder reads the file by itself; what passes here is only counted and hashed.
    let (upload, arrivals, _) = intake(0, u64::MAX);
    let ended = CancelToken::new();
    thread::scope(|scope| {
        let hash = || hash(file, upload, &ended);
        let thread = thread::Builder::new().name("video-hash".to_owned());
        let hashing = thread.spawn_scoped(scope, hash)?;
        let outcome = pipeline.run(source, &arrivals, &plan.request, &cancel, sink);
        ended.cancel();
        // What cannot be read is the reason why the rest is missing, which is all that the search knows.
        if let (Err(_), Ok(Err(unread))) = (&outcome, hashing.join()) {
            return Err(unread.into());
        }
        Ok(outcome?)
    })
}

/// Passes the bytes of `file` to `upload` until `ended`; without the last byte there is no identity.
fn hash(mut file: impl Read, mut upload: Intake, ended: &CancelToken) -> io::Result<()> {
    while ended.check().is_ok() {
        let mut chunk = Vec::with_capacity(HASH_BYTES);
        let limit = u64::try_from(HASH_BYTES).unwrap_or(u64::MAX);
        if file.by_ref().take(limit).read_to_end(&mut chunk)? == 0 {
            upload.finish();
            return Ok(());
        }
        upload.send_blocking(Box::new(chunk)).map_err(io::Error::other)?;
    }
    Ok(())
}
