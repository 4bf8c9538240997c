//! What an image is built from: `.dockerignore` lets through what the build needs, and nothing else.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use detections_e2e::{image::try_docker, shared::skipped};

/// Sources of the program, the built-in model and one short video.
const MOST_BYTES: u64 = 6_000_000;

/// Sends the context to the engine as a build does, and gets all of it back.
fn build_context(to: &Path) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no workspace")?;
    let mut build = Command::new("docker");
    build.env("DOCKER_BUILDKIT", "1").args(["build", "--quiet", "--file=-", "--output"]).arg(to);
    let mut child = build.arg(root).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().context("no input")?;
    stdin.write_all(b"FROM scratch\nCOPY . /\n")?;
    drop(stdin);
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}

#[test]
fn the_build_context_is_small_and_holds_what_the_program_is_made_of() -> Result<()> {
    if !try_docker(&["info"]).is_ok_and(|output| output.status.success()) {
        skipped("no Docker engine answers, so there is no build context to look at");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    build_context(folder.path())?;
    let files = files(folder.path())?;
    let sizes = files.iter().map(|file| Ok(fs::metadata(file)?.len()));
    let bytes = sizes.sum::<Result<u64>>()?;
    ensure!(bytes < MOST_BYTES, "{bytes} bytes in {} files", files.len());

    let names = files.iter().map(|file| Ok(file.strip_prefix(folder.path())?.to_string_lossy()));
    let names = names.collect::<Result<Vec<_>>>()?;
    for needed in ["Cargo.lock", "bins/detections/src/main.rs", "fixtures/model/topview.onnx"] {
        ensure!(names.iter().any(|name| name == needed), "{needed} is missing");
    }
    let unwanted = |name: &&std::borrow::Cow<'_, str>| {
        let inner = format!("/{name}");
        let folders = ["/.git/", "/target/", "/tests/", "/Logs/", "/.idea/", "/.vscode/"];
        folders.iter().any(|folder| inner.contains(folder))
            || inner.contains("/.env")
            || inner.ends_with(".md")
            || inner.ends_with(".log")
            || (name.starts_with("e2e/") && !name.ends_with("/Cargo.toml"))
    };
    let unwanted: Vec<_> = names.iter().filter(unwanted).collect();
    ensure!(unwanted.is_empty(), "{unwanted:?}");
    Ok(())
}
