//! What is said of a video while it plays: rows or events for its frames, remarks on what is damaged.

use std::{ops::ControlFlow, path::Path, time::Duration};

use detections_frames::StreamInfo;
use detections_pipeline::{Event, FrameReport, VideoFault};
use uuid::Uuid;

use super::{Reporter, View, line};
use crate::{
    cli::{
        detect::video::VideoError,
        exit::{Failure, explain},
        output::{Reader, Share, visible},
        table::Video,
    },
    videos,
    wire::{EndBody, ErrorBody, FrameBody, ProgressBody, StartBody, VideoEvent, VideoParamsBody},
};

/// A video that is being searched.
#[derive(Debug)]
pub(in crate::cli::detect) struct Playing<'a> {
    path: &'a Path,
    /// How a table names it, once its first frame is there.
    video: Option<Video>,
    /// Whether a row has named it.
    is_named: bool,
    duration: Option<Duration>,
    frames: u64,
}

impl<'a> Playing<'a> {
    pub(in crate::cli::detect) const fn new(path: &'a Path) -> Self {
        Self { path, video: None, is_named: false, duration: None, frames: 0 }
    }

    fn start(&mut self, info: &StreamInfo) {
        self.video = Some(Video::new(self.path, info.width, info.height));
        self.duration = info.duration;
    }

    fn shown(&self) -> String {
        visible(&self.path.to_string_lossy())
    }
}

impl Reporter<'_> {
    /// Writes what happened to a video; breaks when nobody reads any more.
    pub(in crate::cli::detect) fn tell(
        &mut self,
        playing: &mut Playing<'_>,
        event: Event,
    ) -> ControlFlow<()> {
        match &event {
            Event::Start(info) => playing.start(info),
            Event::Frame(frame) => self.count_frame(playing, frame),
            Event::Fault(fault) => self.warn(playing, fault),
            Event::Progress(_) | Event::End(_) => {}
        }
        let text = match &self.view {
            View::Table(_) => Ok(self.rows(playing, &event)),
            View::Lines { video_params, .. } => line(playing.path, &spell(event, video_params)),
        };
        self.reader = text.and_then(|text| self.print(&text));
        self.flow()
    }

    /// Says how a video ended; breaks when nobody reads any more.
    pub(in crate::cli::detect) fn end_video(
        &mut self,
        playing: &Playing<'_>,
        outcome: Result<(), VideoError>,
    ) -> ControlFlow<()> {
        if self.flow().is_continue() {
            match outcome {
                Ok(()) => self.tally.add_video(),
                Err(error) => self.fail_video(playing, &error),
            }
            self.output.step();
        }
        self.flow()
    }

    fn fail_video(&mut self, playing: &Playing<'_>, error: &VideoError) {
        let message = explain(error);
        if let (View::Lines { .. }, Some(_)) = (&self.view, &playing.video) {
            // What was begun to be told is closed by an event.
            let code = code(error);
            let body = ErrorBody { code, message: message.clone(), pts_ms: None, fatal: true };
            let text = line(playing.path, &VideoEvent::Error(body));
            self.reader = text.and_then(|text| self.print(&text));
        }
        let message = format!("{}: {message}", playing.shown());
        self.fail(&Failure { exit: error.exit(), message });
    }

    fn count_frame(&mut self, playing: &mut Playing<'_>, frame: &FrameReport) {
        playing.frames += 1;
        self.tally.add_frame(frame.detections.len());
        self.output.within(Share::of(frame.pts, playing.duration), playing.frames);
    }

    fn warn(&self, playing: &Playing<'_>, fault: &VideoFault) {
        let (path, what) = (playing.shown(), explain(&fault.error));
        self.output.remark(format_args!("warning: {path}: {what}"));
    }

    fn rows(&self, playing: &mut Playing<'_>, event: &Event) -> String {
        let (View::Table(table), Some(video)) = (&self.view, &playing.video) else {
            return String::new();
        };
        match event {
            Event::Frame(frame) if !frame.detections.is_empty() => {
                let named = (!playing.is_named).then_some(video);
                let rows = table.frame_rows(named, frame);
                playing.is_named = true;
                rows
            }
            Event::End(_) if !playing.is_named => table.nothing(video.title()),
            Event::Start(_)
            | Event::Frame(_)
            | Event::Progress(_)
            | Event::Fault(_)
            | Event::End(_) => String::new(),
        }
    }

    fn print(&self, text: &str) -> Result<Reader, Failure> {
        if text.is_empty() { Ok(Reader::Listening) } else { self.output.print(text) }
    }
}

/// The word for programs; what the service has no word for is told like its own faults.
fn code(error: &VideoError) -> &'static str {
    match error {
        VideoError::Pipeline(error) => videos::Failure::of_work(error).code,
        VideoError::Io(_) | VideoError::Save(_) => videos::Failure::internal().code,
    }
}

/// The event as the service tells it.
fn spell(event: Event, params: &VideoParamsBody) -> VideoEvent {
    match event {
        Event::Start(info) => {
            let (id, params) = (Uuid::new_v4().to_string(), params.clone());
            VideoEvent::Start(Box::new(StartBody { id, video: (&info).into(), params }))
        }
        Event::Frame(report) => VideoEvent::Frame(FrameBody::from(&report)),
        Event::Progress(progress) => VideoEvent::Progress(ProgressBody::from(progress)),
        Event::Fault(fault) => VideoEvent::Error(ErrorBody::from(&fault)),
        Event::End(summary) => VideoEvent::End(EndBody::from(&summary)),
    }
}
