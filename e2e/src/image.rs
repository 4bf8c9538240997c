//! The image under test, where one is named, and what its engine tells about it.

use std::{
    env,
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Names the image whose containers take the place of the program; without it the program runs.
pub const IMAGE_VARIABLE: &str = "DETECTIONS_IMAGE";

/// The image under test.
#[must_use]
pub fn under_test() -> Option<String> {
    env::var(IMAGE_VARIABLE).ok().filter(|name| !name.is_empty())
}

/// What `docker inspect` tells about an image, a container or a volume.
///
/// # Errors
/// When there is none of this name, or no engine.
pub fn inspect(name: &str) -> Result<Value> {
    let told: Value = serde_json::from_str(&docker(&["inspect", name])?)?;
    Ok(told[0].clone())
}

/// Runs a command of the engine and gives what it printed.
///
/// # Errors
/// When it fails; its words say why.
pub fn docker(arguments: &[&str]) -> Result<String> {
    let output = try_docker(arguments)?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "docker {}: {told}", arguments.join(" "));
    Ok(String::from_utf8(output.stdout)?)
}

/// Runs a command of the engine that may fail.
///
/// # Errors
/// When there is no `docker`.
pub fn try_docker(arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new("docker");
    command.args(arguments).stdin(Stdio::null()).output().context("starting docker")
}
