//! What is recorded of a video: each frame's results are on disk before its event is told. Events wait for the disk
//! on a thread of their own, so that the search goes on meanwhile and frames that wait together are written together.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use detections_annotations::{AnnotationsError, Frame, Identity, MediaKind, Recording, Ticket};
use detections_pipeline::{FrameReport, Summary};

use super::{Annotations, RecordError, Subject, finding, frame, jpeg};
use crate::wire::VideoParamsBody;

/// Events of one video that wait for the disk; with pictures, so many of them are in memory.
const WINDOW: usize = 16;

/// What is to be recorded of a video; nothing is before [`begin`](Self::begin).
#[derive(Debug, Clone)]
pub struct VideoRecord {
    annotations: Arc<Annotations>,
    subject: Subject,
    params: VideoParamsBody,
}

impl VideoRecord {
    /// A record of the video of `subject` that is searched with `params`, of which the deadline is no part.
    #[must_use]
    pub fn new(annotations: Arc<Annotations>, subject: Subject, params: VideoParamsBody) -> Self {
        Self { annotations, subject, params: VideoParamsBody { timeout_ms: None, ..params } }
    }

    /// Begins; `tell` is called with each event in turn, once it is stored, on a thread of its own, and `failed`
    /// when one is not stored, after which no other event is told.
    ///
    /// # Errors
    /// [`RecordError`] when it cannot begin.
    pub fn begin<E: Send + 'static>(
        self,
        mut tell: impl FnMut(E) -> ControlFlow<()> + Send + 'static,
        failed: impl FnOnce(RecordError) + Send + 'static,
    ) -> Result<VideoTeller<E>, RecordError> {
        let Self { annotations, subject, params } = self;
        let params = serde_json::to_string(&params)?;
        let recording = annotations.record(subject, MediaKind::Video, params)?;
        let (events, waiting) = sync_channel(WINDOW);
        let run = move || {
            if let Err(error) = tell_in_turn(&waiting, &mut tell) {
                failed(error.into());
            }
        };
        let thread = thread::Builder::new().name("video-tell".to_owned()).spawn(run)?;
        let pictures = annotations.settings.frame_jpeg;
        Ok(VideoTeller {
            recording: Some(recording),
            pictures,
            events: Some(events),
            thread: Some(thread),
        })
    }
}

/// An event, and what must be on disk before it is told.
type Waiting<E> = (Option<Ticket>, E);

/// Tells each event when its ticket says so. What comes after a break or a failure is thrown away, so that nobody
/// waits for room.
fn tell_in_turn<E>(
    waiting: &Receiver<Waiting<E>>,
    tell: &mut impl FnMut(E) -> ControlFlow<()>,
) -> Result<(), AnnotationsError> {
    for (ticket, event) in waiting {
        ticket.map_or(Ok(()), Ticket::wait)?;
        if tell(event).is_break() {
            break;
        }
    }
    Ok(())
}

/// Records frames and passes events on to be told.
#[derive(Debug)]
pub struct VideoTeller<E> {
    recording: Option<Recording>,
    pictures: bool,
    events: Option<SyncSender<Waiting<E>>>,
    thread: Option<JoinHandle<()>>,
}

impl<E> VideoTeller<E> {
    /// Stores what was found in a frame, where it is to be, and passes its event on.
    ///
    /// # Errors
    /// [`RecordError`] when it is not stored.
    pub fn frame(
        &mut self,
        report: &FrameReport,
        event: E,
    ) -> Result<ControlFlow<()>, RecordError> {
        let ticket = match &mut self.recording {
            Some(recording) => store(recording, report, self.pictures)?,
            None => None,
        };
        Ok(self.pass(ticket, event))
    }

    /// Passes an event on behind those before it.
    pub fn pass_on(&mut self, event: E) -> ControlFlow<()> {
        self.pass(None, event)
    }

    /// The video has come to its end: all before is told, and released under its identity, before this event is.
    ///
    /// # Errors
    /// [`RecordError`] when its end is not stored.
    pub fn end(&mut self, summary: &Summary, event: E) -> Result<ControlFlow<()>, RecordError> {
        let identity = summary.identity.map(|identity| Identity {
            sha256: identity.sha256.to_string(),
            fingerprint: identity.fingerprint.to_string(),
        });
        if let Some(recording) = self.recording.take() {
            recording.finish(identity)?;
        }
        Ok(self.pass(None, event))
    }

    fn pass(&self, ticket: Option<Ticket>, event: E) -> ControlFlow<()> {
        let passed =
            self.events.as_ref().is_some_and(|events| events.send((ticket, event)).is_ok());
        if passed { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

impl<E> Drop for VideoTeller<E> {
    /// Waits until all that was passed on is told. A recording that did not come to its end was cut off.
    fn drop(&mut self) {
        self.recording = None;
        self.events = None;
        if let Some(thread) = self.thread.take() {
            // Its panic is in the log; the video ends with an error of its own then.
            drop(thread.join());
        }
    }
}

fn store(
    recording: &mut Recording,
    report: &FrameReport,
    pictures: bool,
) -> Result<Option<Ticket>, RecordError> {
    let found = report.detections.iter();
    let findings = found
        .map(|found| finding(&found.detection, found.track.map(|track| track.get())))
        .collect();
    let (width, height) = (report.image.width(), report.image.height());
    let frame = Frame { findings, ..frame(report.index, Some(report.pts), width, height) };
    let Some(kept) = recording.keep(&frame)? else { return Ok(None) };
    let jpeg = if pictures { Some(jpeg(report.image.view())?) } else { None };
    Ok(Some(recording.store(kept, jpeg)?))
}
