//! A service under measurement: found running or started here, and in that case stopped here too.

use std::{
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use detections_e2e::{
    process::{self, Recipient, TreeMemory},
    wait,
};
use reqwest::{Client, Url};
use tokio::time::{Instant, sleep};

use crate::arguments::TargetSpec;

/// How long a service may take until its health route answers with success.
const START: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(50);
/// How long it may take to stop when asked to.
const STOP: Duration = Duration::from_secs(15);

/// A service that answers.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) url: Url,
    pid: Option<u32>,
    started: Option<Started>,
}

impl Target {
    /// Starts the target if there is a command for it, and waits for its health.
    pub(crate) async fn ready(specification: &TargetSpec, command: Option<&str>) -> Result<Self> {
        let TargetSpec { name, url, health, pid } = specification.clone();
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        let mut target = Self { name, url, pid, started: None };
        if let Some(command) = command {
            // What already listens there would be measured in place of what is started here.
            if client.get(health.clone()).send().await.is_ok() {
                bail!("something already answers at {health}; `{}` was not started", target.name);
            }
            target.started = Some(Started::spawn(command)?);
        }
        target.wait_for_health(&client, health).await?;
        Ok(target)
    }

    /// The memory of its process tree, where its process is known.
    pub(crate) fn memory(&self) -> Option<TreeMemory> {
        let started = self.started.as_ref().map(|started| started.0.id());
        process::tree_memory(started.or(self.pid)?).ok()
    }

    async fn wait_for_health(&mut self, client: &Client, health: Url) -> Result<()> {
        let deadline = Instant::now() + START;
        while !client
            .get(health.clone())
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            let ended =
                self.started.as_mut().and_then(|started| started.0.try_wait().ok().flatten());
            if let Some(status) = ended {
                bail!("`{}` ended with {status} before {health} answered", self.name);
            }
            if Instant::now() > deadline {
                bail!("{health} of `{}` did not answer within {START:?}", self.name);
            }
            sleep(POLL).await;
        }
        Ok(())
    }
}

/// A process group that was started here.
#[derive(Debug)]
struct Started(Child);

impl Started {
    fn spawn(command: &str) -> Result<Self> {
        let mut shell = Command::new("sh");
        // A group of its own, so that its workers are stopped with it.
        shell.args(["-c", command]).process_group(0).stdin(Stdio::null()).stdout(Stdio::null());
        Ok(Self(shell.spawn().with_context(|| command.to_owned())?))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let group = Recipient::Group(self.0.id());
        // Both may find nobody left, which is what they are for.
        drop(process::signal("TERM", group));
        let child = &mut self.0;
        drop(wait::until("the end", STOP, || child.try_wait().ok().flatten()));
        drop(process::signal("KILL", group));
        drop(self.0.wait());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use detections_e2e::{process, wait};

    use super::{STOP, Started, Target};
    use crate::testing::{Script, TestServer};

    fn ready(target: &str, command: Option<&str>) -> anyhow::Result<Target> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(Target::ready(&target.parse()?, command))
    }

    #[test]
    fn a_running_target_is_taken_as_it_is() {
        let server = TestServer::start(Script::default());
        let own = std::process::id();
        let target = ready(&format!("a={},pid={own}", server.url()), None).unwrap();
        assert!(target.memory().unwrap().bytes > 0);
    }

    #[test]
    fn an_address_in_use_is_not_mistaken_for_what_was_to_be_started() {
        let server = TestServer::start(Script::default());
        let error = ready(&format!("a={}", server.url()), Some("sleep 60")).unwrap_err();
        assert!(error.to_string().contains("already answers"), "{error}");
    }

    #[test]
    fn a_command_that_ends_is_told() {
        let gone = TestServer::start(Script::default()).url();
        let error = ready(&format!("a={gone}"), Some("exit 3")).unwrap_err();
        assert!(error.to_string().contains("exit status: 3"), "{error}");
    }

    #[test]
    fn a_started_target_is_stopped_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let note = folder.path().join("worker");
        let command = format!("sleep 600 & echo $! > '{}'; exec sleep 600", note.display());
        let started = Started::spawn(&command).unwrap();
        let noted = || fs::read_to_string(&note).ok()?.trim().parse().ok();
        let worker = wait::until("the worker's pid", STOP, noted).unwrap();
        assert!(process::resident_bytes(worker).is_ok());
        drop(started);
        // Its parent is gone, so it may stay as an entry without memory.
        let gone = || process::resident_bytes(worker).is_err().then_some(());
        wait::until("the worker's end", STOP, gone).unwrap();
    }
}
