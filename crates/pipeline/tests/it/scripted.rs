//! A source of frames that does what its script says, and a sink that keeps what it is told.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use detections_frames::{Frame, FrameError, FrameSource, StreamInfo};
use detections_pipeline::{Event, FrameReport, Summary};
use detections_types::Image;

/// Time from one frame to the next.
pub(crate) const FRAME_TIME: Duration = Duration::from_millis(40);

/// Brightness of an ordinary frame.
pub(crate) const GREY: u8 = 80;

/// What a source does next.
pub(crate) enum Step {
    /// Gives a frame that is this bright.
    Frame(u8),
    /// Decodes a frame that sampling leaves out.
    LeaveOut,
    /// Fails.
    Fail(FrameError),
}

/// A source that takes its steps from an iterator, which may wait, look at what happens, or panic.
pub(crate) struct Scripted<I> {
    info: StreamInfo,
    steps: I,
    decoded: u64,
}

impl<I: Iterator<Item = Step>> Scripted<I> {
    pub(crate) fn new(steps: I) -> Self {
        let info = StreamInfo {
            container: "quicktime".to_owned(),
            codec: "h264".to_owned(),
            width: 64,
            height: 64,
            fps: Some(25.0),
            duration: None,
            progressive: true,
        };
        Self { info, steps, decoded: 0 }
    }
}

impl<I: Iterator<Item = Step> + Send> FrameSource for Scripted<I> {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        loop {
            let index = self.decoded;
            match self.steps.next() {
                None => return Ok(None),
                Some(Step::Fail(error)) => return Err(error),
                Some(Step::LeaveOut) => self.decoded += 1,
                Some(Step::Frame(grey)) => {
                    self.decoded += 1;
                    let pts = FRAME_TIME * u32::try_from(index).unwrap();
                    return Ok(Some(Frame { image: picture(grey), index, pts }));
                }
            }
        }
    }

    fn frames_decoded(&self) -> u64 {
        self.decoded
    }
}

fn picture(grey: u8) -> Arc<Image> {
    Arc::new(Image::rgb8(64, 64, vec![grey; 64 * 64 * 3]).unwrap())
}

/// A source of so many ordinary frames.
pub(crate) fn frames(count: usize) -> Scripted<impl Iterator<Item = Step> + Send> {
    Scripted::new((0..count).map(|_| Step::Frame(GREY)))
}

/// Everything that was told.
#[derive(Debug, Default)]
pub(crate) struct Told(pub(crate) Vec<Event>);

impl Told {
    /// A sink that keeps every event.
    pub(crate) fn sink(&mut self) -> impl FnMut(Event) -> ControlFlow<()> {
        |event| {
            self.0.push(event);
            ControlFlow::Continue(())
        }
    }

    /// The first letter of each event's name in order.
    pub(crate) fn letters(&self) -> String {
        self.0.iter().map(letter).collect()
    }

    pub(crate) fn frames(&self) -> Vec<&FrameReport> {
        fn frame(event: &Event) -> Option<&FrameReport> {
            if let Event::Frame(frame) = event { Some(frame) } else { None }
        }
        self.0.iter().filter_map(frame).collect()
    }

    pub(crate) fn summary(&self) -> Summary {
        let end = self.0.last();
        let summary = if let Some(Event::End(summary)) = end { Some(*summary) } else { None };
        summary.unwrap()
    }
}

fn letter(event: &Event) -> char {
    match event {
        Event::Start(_) => 'S',
        Event::Frame(_) => 'F',
        Event::Progress(_) => 'P',
        Event::Fault(_) => 'X',
        Event::End(_) => 'E',
    }
}
