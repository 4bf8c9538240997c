//! A video that is saved with its boxes drawn: a file beside its place until it is whole, and gone when it
//! never gets there.

use std::{fs, path::PathBuf};

use detections_frames::{VideoWriter, to_rgb8};
use detections_pipeline::FrameReport;
use detections_types::CancelToken;

use super::{SaveError, Target};
use crate::draw::draw_tracked;

/// A video in the making; dropping it without [`finish`](Self::finish) takes it away.
pub(in crate::cli) struct Film<'a> {
    target: &'a Target,
    writer: VideoWriter,
    unfinished: Unfinished,
}

/// A file that is removed when it is dropped; once it was moved to its place, nothing is there any more.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

impl<'a> Film<'a> {
    /// Begins the video that `target` names, of frames of the size of `first` at a nominal rate of `fps`;
    /// `stop` ends its waiting.
    pub(in crate::cli) fn begin(
        target: &'a Target,
        first: &FrameReport,
        fps: Option<f64>,
        stop: &CancelToken,
    ) -> Result<Self, SaveError> {
        let path = target.prepare().map_err(|source| target.failed(source))?;
        let size = (first.image.width(), first.image.height());
        let unfinished = Unfinished(path);
        let writer = VideoWriter::create(&unfinished.0, size, fps, stop.clone())?;
        Ok(Self { target, writer, unfinished })
    }

    /// Draws what was found onto a frame and adds it.
    pub(in crate::cli) fn add(&mut self, frame: &FrameReport) -> Result<(), SaveError> {
        let mut image = to_rgb8(frame.image.view())?;
        draw_tracked(&mut image, &frame.detections);
        Ok(self.writer.write(image.view(), frame.pts)?)
    }

    /// Puts the whole video in its place.
    pub(in crate::cli) fn finish(self) -> Result<(), SaveError> {
        let Self { target, writer, unfinished } = self;
        writer.finish()?;
        target.finish(&unfinished.0).map_err(|source| target.failed(source))
    }
}
