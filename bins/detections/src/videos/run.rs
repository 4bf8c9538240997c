//! The work on one video, on a thread of its own: from its bytes to its closing event.

use std::{ops::ControlFlow, sync::Arc, thread, time::Instant};

use detections_frames::{FeedReceiver, Spool, VideoOptions, VideoSource};
use detections_pipeline::{
    Arrivals, Event, FrameReport, PipelineError, Sink, Summary, VideoPipeline,
};
use detections_types::{Interrupt, caught};

use super::{Failure, Plan, Video, Videos};
use crate::{
    annotations::{RecordError, VideoRecord, VideoTeller},
    gate::Permit,
    http::told_with_causes,
    wire::{EndBody, ErrorBody, FrameBody, ProgressBody, StartBody, VideoEvent},
};

/// Everything that the work needs; the permit is given back when it ends, however it ends.
pub(super) struct Run {
    pub(super) videos: Videos,
    pub(super) video: Arc<Video>,
    pub(super) plan: Plan,
    pub(super) pipeline: VideoPipeline,
    pub(super) arrivals: Arrivals,
    pub(super) feed: FeedReceiver,
    pub(super) permit: Permit,
}

impl Run {
    /// Starts the thread; its log lines belong to the caller's span.
    pub(super) fn spawn(self) -> Result<(), Failure> {
        let span = tracing::Span::current();
        let thread = thread::Builder::new().name("video".to_owned());
        let started = thread.spawn(move || span.in_scope(|| self.run()));
        started.map(drop).map_err(|error| {
            tracing::error!(%error, "no thread for a video");
            Failure::internal()
        })
    }

    fn run(self) {
        let Self { videos, video, plan, pipeline, arrivals, feed, permit } = self;
        let started = Instant::now();
        let work = || work(&videos, &video, plan, &pipeline, &arrivals, feed);
        let failure = match caught(work) {
            Ok(Ok(())) => Failure::internal(),
            Ok(Err(error)) => failed(&error),
            Err(panic) => {
                tracing::error!(panic, "the work on a video panicked");
                Failure::internal()
            }
        };
        // Without effect on a video that has come to its end.
        video.fail(failure);
        videos.observe(started.elapsed());
        videos.delist(&video);
        drop(permit);
        tell_the_log(&video, started);
    }
}

fn work(
    videos: &Videos,
    video: &Arc<Video>,
    plan: Plan,
    pipeline: &VideoPipeline,
    arrivals: &Arrivals,
    feed: FeedReceiver,
) -> Result<(), PipelineError> {
    let settings = &videos.0.settings;
    let options = VideoOptions {
        sampling: plan.sampling,
        max_pixels: videos.0.max_pixels,
        max_decoded_bytes: videos.0.max_decoded_bytes,
        stall_timeout: settings.stall_timeout,
        spool: Spool { dir: settings.spool_dir.clone(), max_bytes: settings.spool_bytes },
        ..VideoOptions::default()
    };
    let source = VideoSource::open_feed(feed, &options, video.cancel().clone())?;
    let record = plan.record.map(|record| begin(record, video)).transpose();
    let Ok(record) = record.inspect_err(|error| not_stored(video, error)) else {
        return Err(PipelineError::Interrupted(Interrupt::Cancelled));
    };
    let mut teller = Teller { video, params: Some(plan.params), record };
    pipeline.run(source, arrivals, &plan.request, video.cancel(), &mut teller)
}

/// Begins to record a video, whose events are told behind what is stored of it.
fn begin(record: VideoRecord, video: &Arc<Video>) -> Result<VideoTeller<VideoEvent>, RecordError> {
    let span = tracing::Span::current();
    let (told, failed) = (Arc::clone(video), Arc::clone(video));
    let in_span = span.clone();
    record.begin(
        move |event| span.in_scope(|| told.tell(&event)),
        move |error| in_span.in_scope(|| not_stored(&failed, &error)),
    )
}

fn not_stored(video: &Video, error: &RecordError) {
    tracing::error!(id = video.id(), error = told_with_causes(error), "a result is not stored");
    video.stop(Failure::of_record(error));
}

/// Spells events and tells them, where they are recorded once they are stored.
struct Teller<'a> {
    video: &'a Video,
    params: Option<crate::wire::VideoParamsBody>,
    record: Option<VideoTeller<VideoEvent>>,
}

impl Teller<'_> {
    fn pass(&mut self, event: VideoEvent) -> ControlFlow<()> {
        match &mut self.record {
            Some(record) => record.pass_on(event),
            None => self.video.tell(&event),
        }
    }

    fn frame(&mut self, report: &FrameReport) -> ControlFlow<()> {
        let event = VideoEvent::Frame(FrameBody::from(report));
        match &mut self.record {
            Some(record) => {
                let stored = record.frame(report, event);
                self.stored(stored)
            }
            None => self.video.tell(&event),
        }
    }

    fn end(&mut self, summary: &Summary) -> ControlFlow<()> {
        let event = VideoEvent::End(EndBody::from(summary));
        match &mut self.record {
            Some(record) => {
                let ended = record.end(summary, event);
                self.stored(ended)
            }
            None => self.video.tell(&event),
        }
    }

    fn stored(&self, stored: Result<ControlFlow<()>, RecordError>) -> ControlFlow<()> {
        stored.unwrap_or_else(|error| {
            not_stored(self.video, &error);
            ControlFlow::Break(())
        })
    }
}

impl Sink for Teller<'_> {
    fn event(&mut self, event: Event) -> ControlFlow<()> {
        let event = match event {
            Event::Start(info) => {
                let Some(params) = self.params.take() else { return ControlFlow::Break(()) };
                let id = self.video.id().to_owned();
                VideoEvent::Start(Box::new(StartBody { id, video: (&info).into(), params }))
            }
            Event::Frame(report) => return self.frame(&report),
            Event::End(summary) => return self.end(&summary),
            Event::Progress(progress) => VideoEvent::Progress(ProgressBody::from(progress)),
            Event::Fault(fault) => VideoEvent::Error(ErrorBody::from(&fault)),
        };
        self.pass(event)
    }
}

fn failed(error: &PipelineError) -> Failure {
    let failure = Failure::of_work(error);
    if failure.status == 500 {
        tracing::error!(error = told_with_causes(error), "the work on a video failed");
    }
    failure
}

fn tell_the_log(video: &Video, started: Instant) {
    let job = video.job();
    let reason = job.error.as_ref().map_or("end", |error| error.code);
    let ms = crate::wire::millis(started.elapsed());
    let frames = job.progress.frames_inferred;
    let bytes = job.progress.received_bytes;
    tracing::info!(video = job.id, reason, frames, bytes, ms, "video");
}
