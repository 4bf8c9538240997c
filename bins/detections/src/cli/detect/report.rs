//! What `detections detect` says: rows or lines for each picture and frame as it comes, faults beside them,
//! and at the end what it came to.

mod tally;
mod videos;

use std::{ops::ControlFlow, path::Path, time::Instant};

use detections_pipeline::StillReport;
use serde::Serialize;
use uuid::Uuid;

use self::tally::Tally;
pub(super) use self::{tally::left_out, videos::Playing};
use crate::{
    cli::{
        exit::{Exit, Failure},
        inputs::{Input, Kind, Listing},
        output::{Output, Reader, say},
        table::Table,
    },
    engine::ModelCard,
    wire::{ImageResponse, ParamsBody, VideoParamsBody},
};

/// A picture that was searched, or why not.
pub(super) type Outcome<'a> = Result<(&'a Path, StillReport), Failure>;

/// The form of the results.
#[derive(Debug)]
pub(super) enum View<'a> {
    /// For people.
    Table(Table),
    /// NDJSON: the HTTP response of each picture and the events of each video, behind their path.
    Lines {
        /// Which model looks at them.
        model: &'a ModelCard,
        /// The parameters in effect for pictures.
        params: ParamsBody,
        /// The parameters in effect for videos.
        video_params: Box<VideoParamsBody>,
    },
}

impl View<'_> {
    fn show(&self, path: &Path, report: &StillReport) -> Result<String, Failure> {
        match self {
            Self::Table(table) => Ok(table.rows(path, report)),
            Self::Lines { model, params, .. } => {
                let id = Uuid::new_v4().to_string();
                line(path, &ImageResponse::new(id, model, params.clone(), report))
            }
        }
    }
}

/// One line of NDJSON: `told`, with the path in front.
fn line(path: &Path, told: &impl Serialize) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Line<'a, T> {
        path: &'a str,
        #[serde(flatten)]
        told: &'a T,
    }
    let line = serde_json::to_string(&Line { path: &path.to_string_lossy(), told });
    line.map(|line| line + "\n").map_err(|error| Failure::failed(error.to_string()))
}

/// Takes outcomes in order and writes them.
#[derive(Debug)]
pub(super) struct Reporter<'a> {
    output: Output,
    view: View<'a>,
    started: Instant,
    tally: Tally,
    reader: Result<Reader, Failure>,
}

impl<'a> Reporter<'a> {
    /// Writes what comes before the first of `inputs`.
    pub(super) fn start(view: View<'a>, inputs: &[Input]) -> Result<Self, Failure> {
        // A single picture is done before a bar would be of use.
        let is_long = inputs.len() > 1 || inputs.iter().any(|input| input.kind == Kind::Video);
        let output =
            if is_long { Output::with_progress(inputs.len() as u64) } else { Output::plain() };
        let reader = match &view {
            View::Table(table) => output.print(&table.header())?,
            View::Lines { .. } => Reader::Listening,
        };
        let (started, tally) = (Instant::now(), Tally::default());
        Ok(Self { output, view, started, tally, reader: Ok(reader) })
    }

    /// Writes one picture; breaks when nobody reads any more.
    pub(super) fn take(&mut self, outcome: Outcome<'_>) -> ControlFlow<()> {
        self.reader = self.write(outcome);
        self.output.step();
        self.flow()
    }

    /// Whether anybody reads on.
    const fn flow(&self) -> ControlFlow<()> {
        match self.reader {
            Ok(Reader::Listening) => ControlFlow::Continue(()),
            Ok(Reader::Gone) | Err(_) => ControlFlow::Break(()),
        }
    }

    fn write(&mut self, outcome: Outcome<'_>) -> Result<Reader, Failure> {
        match outcome {
            Ok((path, report)) => {
                self.tally.add_picture(report.detections.len());
                self.output.print(&self.view.show(path, &report)?)
            }
            Err(failure) => {
                self.fail(&failure);
                Ok(Reader::Listening)
            }
        }
    }

    fn fail(&mut self, failure: &Failure) {
        self.tally.fail(failure.exit);
        self.output.remark(format_args!("error: {}", failure.message));
    }

    /// Says what it came to and how to exit.
    pub(super) fn finish(self, listing: &Listing) -> Result<Exit, Failure> {
        self.output.finish();
        let (reader, mut tally) = (self.reader?, self.tally);
        listing.unreadable.iter().for_each(|_| tally.fail(Exit::BadInput));
        let left_out = left_out(listing);
        let worth_a_word = listing.inputs.len() > 1 || tally.is_of_note() || !left_out.is_empty();
        if worth_a_word && reader == Reader::Listening {
            let seconds = self.started.elapsed().as_secs_f64();
            say(format_args!("{tally} in {seconds:.1} s{left_out}"));
        }
        Ok(tally.exit())
    }
}
