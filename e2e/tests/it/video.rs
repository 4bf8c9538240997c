//! Videos over HTTP: every container and codec, what is told while the upload runs, jobs, and
//! uploads that are wrong.

mod codecs;
mod containers;
mod jobs;
mod streaming;
mod unread;
mod wrong;

use std::{fs, path::Path};

use anyhow::{Context, Result};
use detections_e2e::{
    events::Events,
    picture::fixture_path,
    server::Server,
    upload::{self, Answer, Framing, Upload},
};

/// Detections do not matter here: a model that takes no time, and hardly any of them.
const TARGET: &str = "/detect/video?confidence=0.9";

/// A server whose model takes no time.
fn quick_server(variables: &[(&str, &str)]) -> Result<Server> {
    let model = fixture_path("onnx/batch1.onnx");
    let model = model.to_string_lossy();
    Server::start(&[&[("MODEL", &*model)], variables].concat())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| path.display().to_string())
}

/// Sends a video in chunks, as fast as it is taken.
fn post(server: &Server, target: &str, headers: &[(&str, &str)], video: &[u8]) -> Result<Answer> {
    let upload = Upload { headers, ..Upload::to(target) };
    upload::send(server.address(), &upload, video)
}

/// Sends a video with its length and gives its events.
fn events(server: &Server, target: &str, video: &[u8]) -> Result<Events> {
    let framing = Framing::Length(u64::try_from(video.len())?);
    let upload = Upload { framing, ..Upload::to(target) };
    Events::of(&upload::send(server.address(), &upload, video)?)
}
