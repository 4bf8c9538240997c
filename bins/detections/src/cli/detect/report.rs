//! What `detections detect` says: rows or lines for each picture as it comes, faults beside them, and at
//! the end what it came to.

use std::{fmt, ops::ControlFlow, path::Path, time::Instant};

use detections_pipeline::StillReport;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    cli::{
        exit::{Exit, Failure},
        inputs::Listing,
        output::{Output, Reader, say},
        table::Table,
    },
    engine::ModelCard,
    wire::{ImageResponse, ParamsBody},
};

/// A picture that was searched, or why not.
pub(super) type Outcome<'a> = Result<(&'a Path, StillReport), Failure>;

/// The form of the results.
#[derive(Debug)]
pub(super) enum View<'a> {
    /// For people.
    Table(Table),
    /// NDJSON: the HTTP response of each picture, and its path.
    Lines {
        /// Which model looks at them.
        model: &'a ModelCard,
        /// The parameters in effect.
        params: ParamsBody,
    },
}

impl View<'_> {
    fn show(&self, path: &Path, report: &StillReport) -> Result<String, Failure> {
        match self {
            Self::Table(table) => Ok(table.rows(path, report)),
            Self::Lines { model, params } => {
                let id = Uuid::new_v4().to_string();
                let response = ImageResponse::new(id, model, params.clone(), report);
                let line = serde_json::to_string(&Line { path: &path.to_string_lossy(), response });
                line.map(|line| line + "\n").map_err(|error| Failure::failed(error.to_string()))
            }
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    path: &'a str,
    #[serde(flatten)]
    response: ImageResponse,
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
    /// Writes what comes before the first picture.
    pub(super) fn start(view: View<'a>, pictures: u64) -> Result<Self, Failure> {
        let output = Output::with_progress(pictures);
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
        match self.reader {
            Ok(Reader::Listening) => ControlFlow::Continue(()),
            Ok(Reader::Gone) | Err(_) => ControlFlow::Break(()),
        }
    }

    fn write(&mut self, outcome: Outcome<'_>) -> Result<Reader, Failure> {
        match outcome {
            Ok((path, report)) => {
                self.tally.pictures += 1;
                self.tally.objects += report.detections.len();
                self.output.print(&self.view.show(path, &report)?)
            }
            Err(failure) => {
                self.tally.failed += 1;
                self.tally.worst = self.tally.worst.or(failure.exit);
                self.output.remark(format_args!("error: {}", failure.message));
                Ok(Reader::Listening)
            }
        }
    }

    /// Says what it came to and how to exit.
    pub(super) fn finish(self, listing: &Listing) -> Result<Exit, Failure> {
        self.output.finish();
        let (reader, mut tally) = (self.reader?, self.tally);
        if !listing.unreadable.is_empty() {
            tally.failed += listing.unreadable.len();
            tally.worst = tally.worst.or(Exit::BadInput);
        }
        let left_out = left_out(listing);
        let worth_a_word = listing.inputs.len() > 1 || tally.failed > 0 || !left_out.is_empty();
        if worth_a_word && reader == Reader::Listening {
            let seconds = self.started.elapsed().as_secs_f64();
            say(format_args!("{tally} in {seconds:.1} s{left_out}"));
        }
        Ok(tally.worst.0)
    }
}

/// What was searched and found.
#[derive(Debug, Default)]
struct Tally {
    pictures: usize,
    objects: usize,
    failed: usize,
    worst: Worst,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pictures, objects) = (count(self.pictures, "picture"), count(self.objects, "object"));
        write!(f, "{objects} in {pictures}")?;
        if self.failed > 0 { write!(f, ", {} failed", self.failed) } else { Ok(()) }
    }
}

/// How to exit after several pictures: a fault of this machine outweighs bad pictures.
#[derive(Debug, Clone, Copy)]
struct Worst(Exit);

impl Default for Worst {
    fn default() -> Self {
        Self(Exit::Done)
    }
}

impl Worst {
    fn or(self, exit: Exit) -> Self {
        match (self.0, exit) {
            (Exit::Failed, _) | (_, Exit::Done) => self,
            _ => Self(exit),
        }
    }
}

/// What a folder held beside pictures, to be appended to a sentence.
pub(super) fn left_out(listing: &Listing) -> String {
    let kinds = [(listing.videos, "video"), (listing.others, "other file")];
    let parts: Vec<String> =
        kinds.iter().filter(|(n, _)| *n > 0).map(|(n, what)| count(*n, what)).collect();
    if parts.is_empty() { String::new() } else { format!("; left out {}", parts.join(" and ")) }
}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::{Exit, Listing, Tally, Worst, left_out};

    #[test]
    fn a_fault_of_the_machine_outweighs_bad_pictures() {
        let exit = |exits: &[Exit]| exits.iter().fold(Worst::default(), |w, e| w.or(*e)).0;
        assert_eq!(exit(&[Exit::Done, Exit::Done]), Exit::Done);
        assert_eq!(exit(&[Exit::BadInput, Exit::Done]), Exit::BadInput);
        assert_eq!(exit(&[Exit::BadInput, Exit::Failed, Exit::BadInput]), Exit::Failed);
    }

    #[test]
    fn sums_read_as_a_sentence() {
        let tally = Tally { pictures: 1, objects: 12, failed: 2, ..Tally::default() };
        assert_eq!(tally.to_string(), "12 objects in 1 picture, 2 failed");
        let listing = Listing { videos: 1, others: 3, ..Listing::default() };
        assert_eq!(left_out(&listing), "; left out 1 video and 3 other files");
        assert_eq!(left_out(&Listing::default()), "");
    }
}
