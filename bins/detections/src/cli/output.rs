//! Where the command line writes: results to standard output, remarks to standard error, a progress bar
//! between them. A reader that goes away ends the output quietly.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
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

    /// Output beside a bar that counts to `steps`; the bar shows only on a terminal and for more than one.
    pub(crate) fn with_progress(steps: u64) -> Self {
        if steps < 2 {
            return Self::plain();
        }
        let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} {eta}") {
            bar.set_style(style);
        }
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

    /// Moves the bar by one.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
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
    use super::visible;

    #[test]
    fn a_file_name_cannot_move_the_cursor() {
        assert_eq!(visible("a\u{1b}[2Jb\nc.jpg"), "a\u{fffd}[2Jb\u{fffd}c.jpg");
    }
}
