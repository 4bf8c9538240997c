//! The stand-ins of the service's neighbours, each started for one test on a free port, told which
//! faults to make and asked what came to it.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::Value;

use crate::{http::Client, process, program, server::Log, wait};

/// A running mock. One that was started here is killed when dropped.
#[derive(Debug)]
pub struct Mock {
    child: Option<Child>,
    address: SocketAddr,
    client: Client,
}

impl Mock {
    /// Starts the mock Loader over the files of a folder, with more arguments where they are needed.
    ///
    /// # Errors
    /// When it cannot be built or does not listen.
    pub fn loader(folder: &str, arguments: &[&str]) -> Result<Self> {
        let folder = ["--models", folder];
        Self::start("detections-mock-loader", "127.0.0.1:0", &[&folder[..], arguments].concat())
    }

    /// Starts the mock Loader where another one listened before.
    ///
    /// # Errors
    /// When it cannot be built or does not listen.
    pub fn loader_at(address: SocketAddr, folder: &str) -> Result<Self> {
        Self::start("detections-mock-loader", &address.to_string(), &["--models", folder])
    }

    /// Starts the mock Annotations service.
    ///
    /// # Errors
    /// When it cannot be built or does not listen.
    pub fn annotations(arguments: &[&str]) -> Result<Self> {
        Self::start("detections-mock-annotations", "127.0.0.1:0", arguments)
    }

    /// Starts the mock Annotations service where another one listened before.
    ///
    /// # Errors
    /// When it cannot be built or does not listen.
    pub fn annotations_at(address: SocketAddr) -> Result<Self> {
        Self::start("detections-mock-annotations", &address.to_string(), &[])
    }

    /// A mock that runs already, and goes on when this is dropped.
    ///
    /// # Errors
    /// When the client library cannot be set up.
    pub fn running(address: SocketAddr) -> Result<Self> {
        Ok(Self { child: None, address, client: Client::new(address)? })
    }

    fn start(package: &str, bind: &str, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(program::beside(package)?);
        command.args(["--bind", bind]).args(arguments).env_clear().stdin(Stdio::null());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let log = Arc::new(Log::default());
        if let Some(stderr) = child.stderr.take() {
            let log = Arc::clone(&log);
            thread::spawn(move || log.read(stderr));
        }
        match log.wait_for_address() {
            Ok(address) => Ok(Self { child: Some(child), address, client: Client::new(address)? }),
            Err(error) => {
                let killed = child.kill().and_then(|()| child.wait());
                Err(error.context(format!("{package} ended with {killed:?}")))
            }
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, for `LOADER_URL` or `ANNOTATIONS_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client of it.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Puts these rules in force, a JSON list.
    ///
    /// # Errors
    /// When a rule is wrong.
    pub fn faults(&self, rules: &Value) -> Result<()> {
        let body = serde_json::to_vec(rules)?;
        let reply = self.client.send(Method::PUT, "/control/faults", &[], body)?;
        ensure!(reply.status == 200, "{}", reply.text());
        Ok(())
    }

    /// The requests that came, control and health left out.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn requests(&self) -> Result<Vec<Value>> {
        let told = self.client.get("/control/requests")?.json()?;
        told["requests"].as_array().cloned().context("no requests")
    }

    /// Gives other bytes for a file from now on.
    ///
    /// # Errors
    /// When it does not take them.
    pub fn put_file(&self, name: &str, bytes: Vec<u8>) -> Result<()> {
        let target = format!("/control/files/{name}");
        let reply = self.client.send(Method::PUT, &target, &[], bytes)?;
        ensure!(reply.status == 200, "{}", reply.text());
        Ok(())
    }

    /// The results that came to a mock Annotations service, in their order.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn results(&self) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        loop {
            let target = format!("/control/annotations?offset={}", all.len());
            let page = self.client.get(&target)?.json()?;
            let page = page["annotations"].as_array().cloned().context("no annotations")?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// Kills it at once, as a machine that fails does.
    ///
    /// # Errors
    /// When it has ended already, or was not started here.
    pub fn kill(&mut self) -> Result<()> {
        let child = self.child.as_mut().context("another program's mock")?;
        process::signal("KILL", process::Recipient::Process(child.id()))?;
        let end = || child.try_wait().ok().flatten();
        wait::until("the mock's end", Duration::from_secs(10), end).map(drop)
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        // It may be gone already, which is what was wanted.
        if let Some(child) = &mut self.child {
            let _ended = child.kill().and_then(|()| child.wait());
        }
    }
}
