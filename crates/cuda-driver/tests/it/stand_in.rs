//! A library in the place of the driver, made by the C compiler of this machine.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test's own helpers must fail it")]

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// A library that was made from a C file; its folder goes with it.
pub(crate) struct StandIn {
    folder: TempDir,
}

impl StandIn {
    /// The project's stand-in, with macros such as `DEVICES=0`; `None`, and a line that says so, without a compiler.
    pub(crate) fn of_the_driver(macros: &[&str]) -> Option<Self> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/cuda/driver.c");
        Self::compile(&source, macros)
    }

    /// A library of another C file.
    pub(crate) fn compile(source: &Path, macros: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(folder.path().join("libcuda.so.1"));
        compiler.args(macros.iter().map(|text| format!("-D{text}"))).arg(source);
        match compiler.output() {
            Ok(output) => {
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                Some(Self { folder })
            }
            Err(error) => {
                // Straight to the stream: the test runner hides what a passing test prints otherwise.
                writeln!(std::io::stderr(), "skipped: no C compiler makes a stand-in ({error})")
                    .ok();
                None
            }
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("libcuda.so.1")
    }
}
