//! Finds or builds the program under test, and runs it to its end for tests of the command line.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
    time::SystemTime,
};

use anyhow::{Context, Result, anyhow, ensure};
use serde::Deserialize;

use crate::{image, invocation::Invocation};

/// Names the program to test; without it the program is built.
pub const PROGRAM_VARIABLE: &str = "DETECTIONS_BIN";

/// The program under test: the one named by `DETECTIONS_BIN`, or one built in this test's profile.
///
/// It is looked for once a process.
///
/// # Errors
/// What keeps the program from being built, or that the named one does not exist.
pub fn program() -> Result<&'static Path> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = PROGRAM.get_or_init(|| find().map_err(|error| format!("{error:#}")));
    found.as_deref().map_err(|error| anyhow!(error.clone()))
}

/// An invocation of the program under test, with an empty environment: only what a test sets counts.
///
/// # Errors
/// As for [`program`], unless an image takes its place.
pub fn command<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Invocation> {
    if image::under_test().is_none() {
        program()?;
    }
    Ok(Invocation::new(arguments))
}

/// Runs the program to its end and gives what it printed.
///
/// # Errors
/// As for [`command`], or that the program cannot be started.
pub fn run<S: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = S>,
    variables: &[(&str, &str)],
) -> Result<Output> {
    command(arguments)?.envs(variables.iter().copied()).output()
}

/// A program that stands beside the one under test, for instance `detections-mock-loader`: the one that
/// `cargo test --workspace` has just built, or one built now.
///
/// # Errors
/// What keeps it from being built.
pub fn beside(package: &str) -> Result<PathBuf> {
    match already_built(package, &["Cargo.lock", "Cargo.toml", "e2e/mocks"]) {
        Some(path) => Ok(path),
        None => build(package),
    }
}

fn find() -> Result<PathBuf> {
    match env::var_os(PROGRAM_VARIABLE) {
        Some(path) => {
            let path = PathBuf::from(path);
            ensure!(path.is_file(), "{PROGRAM_VARIABLE} names {}, not a file", path.display());
            path.canonicalize().context("DETECTIONS_BIN")
        }
        None => match already_built(PACKAGE, &SOURCES) {
            Some(path) => Ok(path),
            None => build(PACKAGE),
        },
    }
}

/// The program of this name beside this test, if it is newer than every source file of the workspace.
///
/// `cargo test --workspace` builds it before any test runs. Building it again by its own package
/// would be another selection of packages, hence other features and a second build of everything.
fn already_built(name: &str, sources: &[&str]) -> Option<PathBuf> {
    let test = env::current_exe().ok()?;
    let program = test.ancestors().nth(2)?.join(name);
    let built = modified(&program)?;
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    sources
        .iter()
        .all(|source| newest(&workspace.join(source)).is_some_and(|newest| newest <= built))
        .then_some(program)
}

/// The package of the program under test.
const PACKAGE: &str = "detections";
/// What that program is built from.
const SOURCES: [&str; 5] =
    ["Cargo.lock", "Cargo.toml", "bins", "crates", "fixtures/model/topview.onnx"];
/// What is built beside the program and not into it.
const BESIDE: [&str; 3] = ["tests", "benches", "examples"];

/// When the newest file at or below `path` was changed, what is built beside the program or only read left out.
fn newest(path: &Path) -> Option<SystemTime> {
    let Ok(entries) = fs::read_dir(path) else {
        return modified(path);
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_source = |path: &PathBuf| {
        let beside = BESIDE.iter().any(|folder| path.ends_with(folder));
        let source = path.extension().is_some_and(|end| end == "rs" || end == "toml");
        !beside && (source || path.is_dir())
    };
    paths.filter(is_source).filter_map(|path| newest(&path)).max()
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

/// One line of `cargo build --message-format json`, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    executable: Option<PathBuf>,
}

/// Builds a program as `cargo test --workspace` does, beside the tests named `it` of its package: by its package
/// alone it would be built with other features, and all that it depends on once more.
fn build(package: &str) -> Result<PathBuf> {
    let build = Command::new(env!("CARGO"))
        .args(["test", "--workspace", "--no-run", "--test", "it"])
        .args(profile(&env::current_exe()?).map(|name| format!("--profile={name}")))
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .context("starting cargo")?;
    let errors = String::from_utf8_lossy(&build.stderr);
    ensure!(build.status.success(), "cargo could not build the program:\n{errors}");
    let lines = build.stdout.split(|&byte| byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    let programs = messages.filter(|message| message.reason == "compiler-artifact");
    let mut programs = programs.filter_map(|message| message.executable);
    programs
        .find(|path| path.file_name() == Some(OsStr::new(package)))
        .with_context(|| format!("cargo built no {package}"))
}

/// The profile that a test was built in, from its path; `target/debug/deps/it-…` is that of all tests.
fn profile(test: &Path) -> Option<&str> {
    let folder = test.ancestors().nth(2).and_then(Path::file_name).and_then(OsStr::to_str);
    folder.filter(|&folder| folder != "debug")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::profile;

    #[test]
    fn the_profile_is_that_of_the_test() {
        for (test, expected) in [
            ("target/debug/deps/it-1a2b", None),
            ("target/release/deps/it-1a2b", Some("release")),
            ("target/x86_64-unknown-linux-gnu/measuring/deps/it-1a2b", Some("measuring")),
        ] {
            assert_eq!(profile(Path::new(test)), expected);
        }
    }
}
