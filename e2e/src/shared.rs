//! Files and tools that a machine may have or not: what needs one that is missing says so and is
//! skipped.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A file that is laid beside the checkout, where it is.
#[must_use]
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(name);
    path.canonicalize().ok().filter(|path| path.is_file())
}

/// Whether a tool can be started.
#[must_use]
pub fn is_installed(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command.arg("-version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}

/// Says that a test is skipped, and why.
pub fn skipped(why: &str) {
    // Straight to the stream: the test runner hides what a passing test prints otherwise.
    writeln!(std::io::stderr(), "skipped: {why}").ok();
}

/// Tells a number that a test measured.
pub fn note(text: &str) {
    writeln!(std::io::stderr(), "{text}").ok();
}
