//! What is found in one media, on its way into the outbox.

use std::sync::{Arc, mpsc::Receiver};

use super::{Outbox, writer::Op};
use crate::{
    AnnotationsError, EmptyFrames, Frame, FramePolicy, Identity, Upload,
    payload::findings,
    rows::NewRow,
    selection::{Decision, Selector},
};

/// Records one media. What it stored is delivered when it is finished; dropped before, it was cut off, and is
/// delivered without the media's identity.
#[derive(Debug)]
pub struct Recording {
    outbox: Outbox,
    upload: Arc<Upload>,
    selector: Selector,
    begun: bool,
    closed: bool,
}

/// A frame that is to be stored.
#[derive(Debug)]
#[must_use = "a frame is stored by `Recording::store`"]
pub struct Kept {
    row: NewRow,
    supersedes: Vec<u64>,
}

/// Something on its way to the disk.
#[derive(Debug)]
#[must_use = "nothing is stored before `wait` says so"]
pub struct Ticket(Receiver<Result<(), AnnotationsError>>);

impl Ticket {
    pub(super) fn new(answered: Receiver<Result<(), AnnotationsError>>) -> Self {
        Self(answered)
    }

    /// Waits until it is on disk.
    ///
    /// # Errors
    /// [`AnnotationsError`] when it is not stored.
    pub fn wait(self) -> Result<(), AnnotationsError> {
        self.0.recv().unwrap_or(Err(AnnotationsError::Closed))
    }
}

impl Recording {
    pub(super) fn new(
        outbox: Outbox,
        upload: Upload,
        policy: FramePolicy,
        empty: EmptyFrames,
    ) -> Self {
        let selector = Selector::new(policy, empty);
        Self { outbox, upload: Arc::new(upload), selector, begun: false, closed: false }
    }

    /// Whether a frame is to be stored; frames come in their order.
    ///
    /// # Errors
    /// [`AnnotationsError::Payload`] when it cannot be spelled.
    pub fn keep(&mut self, frame: &Frame) -> Result<Option<Kept>, AnnotationsError> {
        let Decision::Keep { supersedes } = self.selector.decide(frame) else { return Ok(None) };
        let row = NewRow {
            frame: frame.index,
            pts_ms: frame.pts.map(|pts| (pts.as_secs_f64() * 1e6).round() / 1e3),
            width: frame.width,
            height: frame.height,
            findings: findings(&frame.findings)?,
            jpeg: None,
        };
        Ok(Some(Kept { row, supersedes }))
    }

    /// Stores a frame, with its picture where there is one. Frames that wait for the disk together are written
    /// together, so tickets are best waited for by another thread.
    ///
    /// # Errors
    /// [`AnnotationsError::Closed`]; all else is told by the ticket.
    pub fn store(&mut self, kept: Kept, jpeg: Option<Vec<u8>>) -> Result<Ticket, AnnotationsError> {
        let Kept { mut row, supersedes } = kept;
        row.jpeg = jpeg;
        self.begun = true;
        let upload = Arc::clone(&self.upload);
        self.outbox.submit(Op::Store { upload, row, supersedes })
    }

    /// Nothing more comes of this media; what was stored is delivered under `identity`.
    ///
    /// # Errors
    /// [`AnnotationsError`] when that cannot be stored; it is tried again until the outbox is closed, and media
    /// that are not finished then are released as cut off when it is opened again.
    pub fn finish(mut self, identity: Option<Identity>) -> Result<(), AnnotationsError> {
        self.close(identity).map_or(Ok(()), |ticket| ticket?.wait())
    }

    fn close(&mut self, identity: Option<Identity>) -> Option<Result<Ticket, AnnotationsError>> {
        let open = self.begun && !self.closed;
        self.closed = true;
        open.then(|| self.outbox.submit(Op::Close { upload: self.upload.id.clone(), identity }))
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // What fails here is made good when the outbox is opened again.
        drop(self.close(None));
    }
}
