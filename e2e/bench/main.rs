//! Measures running detection services from outside: the same requests to every target in one run,
//! in closed loops (so many clients) and open loops (so many requests a second), with the targets
//! taking turns; prints latency, throughput, memory, errors and the ratios between targets.
//!
//! Load goes to this machine only: a target that is not on the loopback interface is refused.

mod arguments;
mod load;
mod measure;
mod report;
mod tally;
mod target;
#[cfg(test)]
mod testing;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::{arguments::Arguments, measure::Measurement, target::Target};

/// The exit code of a command line that makes no sense.
const BAD_USAGE: u8 = 64;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // What cannot be printed cannot be told to anybody either.
            drop(error.print());
            return ExitCode::from(if error.use_stderr() { BAD_USAGE } else { 0 });
        }
    };
    match run(&arguments) {
        Ok(page) => {
            print(&page);
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<String> {
    // One thread is enough to send and wait, and leaves the other cores to the targets.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            page = measure_all(arguments) => page,
            name = interruption() => bail!("interrupted by {}", name?),
        }
    })
}

async fn measure_all(arguments: &Arguments) -> Result<String> {
    let measurement = Measurement::new(arguments)?;
    let mut targets = Vec::new();
    for specification in &arguments.targets {
        targets.push(Target::ready(specification, arguments.command_of(specification)).await?);
    }
    let stages = measurement.run(&targets, |progress| complain(&progress)).await?;
    if arguments.json { report::json(&stages) } else { Ok(report::table(&stages)) }
}

/// Ends the run in order, so that what was started is stopped too.
async fn interruption() -> Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.map(|()| "ctrl-c").context("listening for ctrl-c"),
        _ = terminate.recv() => Ok("SIGTERM"),
    }
}

#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
fn print(page: &str) {
    println!("{page}");
}

#[expect(clippy::print_stderr, reason = "progress and errors are for whoever runs this program")]
fn complain(words: &str) {
    eprintln!("detections-bench: {words}");
}
