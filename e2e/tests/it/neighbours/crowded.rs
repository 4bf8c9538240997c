//! Disks that are full: the outbox refuses with 503 what it cannot store and loses nothing of what it told, a download
//! waits for room, and both go on when there is some. The disk is a small file system of its own where this machine
//! allows one, and everywhere a limit on the size of files, which fails the same writes.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Result, ensure};
use detections_e2e::{
    image, mock::Mock, picture::fixture, program, server::Server, shared::skipped, wait,
};
use serde_json::json;
use tempfile::TempDir;

use super::{MODELS, PATIENCE, health, is, left_by, post, results_of, says, settings, shelf, text};

/// A place for data that has little room, until it is given more.
enum Disk {
    /// A file system of its own.
    Mounted(TempDir),
    /// A folder whose files stay small.
    Limited(TempDir),
}

impl Disk {
    /// The kinds that this machine has, each with so many bytes of room.
    fn all(bytes: u64) -> Result<Vec<Self>> {
        let mut disks = Vec::new();
        if image::under_test().is_some() {
            skipped("a container's folders belong to its user, and nothing limits its files");
            return Ok(disks);
        }
        let folder = tempfile::tempdir()?;
        let size = format!("size={bytes},mode=700");
        let mount = ["mount", "-t", "tmpfs", "-o", &size, "detections", text(folder.path())?];
        if succeeds(&mount) {
            disks.push(Self::Mounted(folder));
        } else {
            skipped("no file system may be mounted here");
        }
        if succeeds(&["prlimit", "--version"]) {
            disks.push(Self::Limited(tempfile::tempdir()?));
        } else {
            skipped("prlimit is missing");
        }
        Ok(disks)
    }

    fn path(&self) -> &Path {
        match self {
            Self::Mounted(folder) | Self::Limited(folder) => folder.path(),
        }
    }

    /// A server whose data lies here, in files of so many bytes at most.
    fn launch(&self, bytes: u64, variables: &[(&str, &str)]) -> Result<Server> {
        let variables = settings(self.path(), variables)?;
        match self {
            Self::Mounted(_) => Server::launch(&variables),
            Self::Limited(_) => {
                let mut command = program::command(["serve"])?;
                // A write beyond the limit shall fail, and not end the program by a signal.
                let limit = "trap '' XFSZ; exec prlimit --fsize=\"$0\":unlimited \"$@\"";
                command.around(["sh", "-c", limit, &bytes.to_string()]);
                Server::launch_as(command, &variables)
            }
        }
    }

    fn make_room(&self, server: &Server) -> Result<()> {
        let pid = server.pid()?.to_string();
        let roomy = match self {
            Self::Mounted(folder) => {
                succeeds(&["mount", "-o", "remount,size=64m", text(folder.path())?])
            }
            Self::Limited(_) => succeeds(&["prlimit", "--pid", &pid, "--fsize=unlimited"]),
        };
        ensure!(roomy, "no room could be made");
        Ok(())
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Mounted(_) => "a small file system",
            Self::Limited(_) => "a limit on files",
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Mounted(folder) = self
            && let Ok(path) = text(folder.path())
        {
            succeeds(&["umount", path]);
        }
    }
}

fn succeeds(command: &[&str]) -> bool {
    let mut start = Command::new(command[0]);
    start.args(&command[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    start.status().is_ok_and(|status| status.success())
}

/// Room for the outbox's file and some results with their pictures, not for many.
const OUTBOX_BYTES: u64 = 600_000;

#[test]
fn a_full_disk_refuses_results_and_loses_none_that_were_told() -> Result<()> {
    for disk in Disk::all(OUTBOX_BYTES)? {
        let mock = Mock::annotations(&[])?;
        let url = mock.url();
        let address = left_by(mock)?;
        let more =
            [("ANNOTATIONS_URL", url.as_str()), ("DETECTIONS__ANNOTATIONS__FRAME_JPEG", "true")];
        let server = disk.launch(OUTBOX_BYTES, &more)?;
        server.wait_until_ready()?;
        let mut told = Vec::new();
        let refused = wait::until("a refusal", PATIENCE, || {
            let id = format!("request-{}", told.len());
            match post(&server, &id, fixture("media/harbour.png").ok()?) {
                Ok(_answer) => told.push(id),
                Err(refused) => return Some(refused.to_string()),
            }
            None
        })?;
        assert!(refused.contains("\"status\":503"), "{}: {refused}", disk.name());
        assert!(refused.contains("outbox_failed"), "{}: {refused}", disk.name());
        assert!(!refused.contains(text(disk.path())?), "a path of the machine is told: {refused}");
        assert!(!told.is_empty(), "{}: nothing was taken at all", disk.name());
        health(&server, "trouble", |health| {
            is(health, "degraded") && says(health, "outbox") && health["ready"] == true
        })?;
        disk.make_room(&server)?;
        let id = "after".to_owned();
        wait::until("room", PATIENCE, || {
            post(&server, &id, fixture("media/harbour.png").ok()?).ok()
        })?;
        told.push(id);
        let mock = Mock::annotations_at(address)?;
        results_of(&mock, &told)?;
        let end = health(&server, "health", |health| {
            is(health, "healthy") && health["outbox"]["pending"] == 0
        })?;
        assert_eq!(end["outbox"]["dead"], 0);
    }
    Ok(())
}

/// Less than a model has.
const CACHE_BYTES: u64 = 1_000_000;

#[test]
fn a_model_that_finds_no_room_in_the_cache_is_told_and_had_when_there_is_some() -> Result<()> {
    for disk in Disk::all(CACHE_BYTES)? {
        let models = shelf(MODELS[0])?;
        let mock = Mock::loader(text(models.path())?, &[])?;
        let url = mock.url();
        let server = disk.launch(CACHE_BYTES, &[("LOADER_URL", &url), ("MODEL", "m")])?;
        let waiting = health(&server, "the failure", |health| says(health, "cache"))?;
        let state = (&waiting["status"], &waiting["ready"]);
        assert_eq!(state, (&json!("loading"), &json!(false)), "{}", disk.name());
        let left = fs::read_dir(disk.path().join("models"))?.count();
        assert!(left <= 2, "{}: {left} files are left of what was begun", disk.name());
        disk.make_room(&server)?;
        health(&server, "the model", |health| is(health, "healthy"))?;
    }
    Ok(())
}
