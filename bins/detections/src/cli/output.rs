//! Where the command line writes: results to standard output, remarks to standard error, a progress bar
//! between them. A reader that goes away ends the output quietly.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::exit::Failure;

/// Whether the reader of standard output is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Reader {
    /// It reads on.
    Listening,
    /// It closed the pipe: nothing more needs to be made.
    Gone,
}

/// Parts of one input that the bar tells apart.
const PARTS: u64 = 1000;

/// How much of an input is done, less than all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share(u64);

impl Share {
    /// `part` of `whole`, nothing where the whole is not known.
    pub(crate) fn of(part: Duration, whole: Option<Duration>) -> Self {
        let whole = whole.map_or(u128::MAX, |whole| whole.as_millis().max(1));
        let parts = part.as_millis().saturating_mul(u128::from(PARTS)) / whole;
        Self(u64::try_from(parts).unwrap_or(u64::MAX).min(PARTS - 1))
    }
}

/// Standard output, shared with a progress bar on standard error.
#[derive(Debug)]
pub(crate) struct Output {
    bar: ProgressBar,
}

impl Output {
    /// Output without a progress bar.
    pub(crate) fn plain() -> Self {
        Self { bar: ProgressBar::hidden() }
    }

    /// Output beside a bar over so many `inputs`, which shows only on a terminal.
    pub(crate) fn with_progress(inputs: u64) -> Self {
        let length = inputs.saturating_mul(PARTS);
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {msg} {eta}") {
            bar.set_style(style);
        }
        bar.set_message(format!("0/{inputs}"));
        Self { bar }
    }

    /// Whether a person reads the results.
    pub(crate) fn is_terminal() -> bool {
        io::stdout().is_terminal()
    }

    /// Writes `text`, which ends its own lines, to standard output at once.
    pub(crate) fn print(&self, text: &str) -> Result<Reader, Failure> {
        let written = self.bar.suspend(|| {
            let mut stdout = io::stdout().lock();
            stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
        });
        match written {
            Ok(()) => Ok(Reader::Listening),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
            Err(error) => Err(Failure::failed(format!("standard output: {error}"))),
        }
    }

    /// Writes a remark of one line to standard error.
    pub(crate) fn remark(&self, remark: impl Display) {
        self.bar.suspend(|| say(remark));
    }

    /// Moves the bar to the end of the input at hand.
    pub(crate) fn step(&self) {
        let done = self.bar.position() / PARTS + 1;
        self.bar.set_position(done * PARTS);
        self.bar.set_message(format!("{done}/{}", self.inputs()));
    }

    /// Moves the bar within the input at hand, a video of which `frame` was searched.
    pub(crate) fn within(&self, share: Share, frame: u64) {
        let done = self.bar.position() / PARTS;
        self.bar.set_position(done * PARTS + share.0);
        self.bar.set_message(format!("{done}/{}, frame {frame}", self.inputs()));
    }

    fn inputs(&self) -> u64 {
        self.bar.length().unwrap_or_default() / PARTS
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Writes a line to standard error; there is nobody left to tell when that fails.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Text from outside, safe on a terminal: control characters are shown, not obeyed.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{PARTS, Share, visible};

    #[test]
    fn a_share_is_less_than_all() {
        let seconds = Duration::from_secs;
        assert_eq!(Share::of(seconds(5), Some(seconds(10))), Share(PARTS / 2));
        assert_eq!(Share::of(seconds(50), Some(seconds(10))), Share(PARTS - 1));
        assert_eq!(Share::of(seconds(1), Some(Duration::ZERO)), Share(PARTS - 1));
        assert_eq!(Share::of(seconds(50), None), Share(0));
    }

    #[test]
    fn a_file_name_cannot_move_the_cursor() {
        assert_eq!(visible("a\u{1b}[2Jb\nc.jpg"), "a\u{fffd}[2Jb\u{fffd}c.jpg");
    }
}
