//! A running `detections serve`: started on a free port, waited for, watched and always ended.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{ChildStderr, ExitStatus},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    http::Client,
    invocation::{Invocation, Running},
    program, wait,
};

/// How long a start may take; an unoptimised build plans its model slowly.
const START: Duration = Duration::from_secs(120);
/// The most lines of the log that are kept.
const LOG_LINES: usize = 20_000;

/// A server of its own for one test. It is killed when dropped; when the test fails, the end of its
/// log is shown.
#[derive(Debug)]
pub struct Server {
    running: Running,
    address: SocketAddr,
    client: Client,
    log: Arc<Log>,
}

impl Server {
    /// Starts a server with these environment variables and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready; the end of its log says why.
    pub fn start(variables: &[(&str, &str)]) -> Result<Self> {
        let server = Self::launch(variables)?;
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Waits until it is ready for pictures.
    ///
    /// # Errors
    /// When it does not become ready; the end of its log says why.
    pub fn wait_until_ready(&self) -> Result<()> {
        wait::until("readiness", START, || {
            let reply = self.client.get("/health/ready").ok()?;
            (reply.status == 200).then_some(())
        })
        .with_context(|| self.log.end())
    }

    /// Starts a server and waits only until it listens.
    ///
    /// # Errors
    /// When it does not listen; the end of its log says why.
    pub fn launch(variables: &[(&str, &str)]) -> Result<Self> {
        Self::launch_as(program::command(["serve"])?, variables)
    }

    /// Starts a server by an invocation of the caller's, which may put something around it, and waits until it
    /// listens.
    ///
    /// # Errors
    /// When it does not listen; the end of its log says why.
    pub fn launch_as(mut command: Invocation, variables: &[(&str, &str)]) -> Result<Self> {
        command.env("BIND", "127.0.0.1:0").envs(variables.iter().copied());
        let mut running = command.spawn()?;
        let log = Arc::new(Log::default());
        if let Some(stderr) = running.take_stderr() {
            let log = Arc::clone(&log);
            thread::spawn(move || log.read(stderr));
        }
        match log.wait_for_address() {
            Ok(address) => Ok(Self { running, address, client: Client::new(address)?, log }),
            Err(error) => {
                let killed = running.kill();
                Err(error.context(format!("the server ended with {killed:?}")))
            }
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of it.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its process.
    ///
    /// # Errors
    /// When it does not run any more.
    pub fn pid(&self) -> Result<u32> {
        self.running.pid()
    }

    /// Its log so far, or the last of it.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Waits for a line of the log that contains `words`.
    ///
    /// # Errors
    /// When none comes within `patience`.
    pub fn wait_for_log(&self, words: &str, patience: Duration) -> Result<String> {
        let found =
            |lines: &VecDeque<String>| lines.iter().find(|line| line.contains(words)).cloned();
        self.log.wait_for(patience, found).with_context(|| format!("no `{words}` in the log"))
    }

    /// Sends it a signal, by its name without `SIG`.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn signal(&self, name: &str) -> Result<()> {
        self.running.signal(name)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it does not end within `patience`.
    pub fn wait_for_end(&mut self, patience: Duration) -> Result<ExitStatus> {
        let running = &mut self.running;
        wait::until("the server's end", patience, || running.try_wait().ok().flatten())
    }
}

impl Drop for Server {
    #[expect(clippy::print_stderr, reason = "a failing test shows what its server said")]
    fn drop(&mut self) {
        let killed = self.running.kill();
        if thread::panicking() {
            eprintln!("the server ({killed:?}) said last:\n{}", self.log.end());
        }
    }
}

/// The lines that a server wrote to its standard error, and whether it closed it.
#[derive(Debug, Default)]
pub(crate) struct Log {
    state: Mutex<LogState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct LogState {
    lines: VecDeque<String>,
    closed: bool,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, LogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read(&self, stderr: ChildStderr) {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let mut state = self.lock();
            if state.lines.len() == LOG_LINES {
                state.lines.pop_front();
            }
            state.lines.push_back(line);
            self.changed.notify_all();
        }
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn wait_for<T>(
        &self,
        patience: Duration,
        find: impl Fn(&VecDeque<String>) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + patience;
        let mut state = self.lock();
        loop {
            if let Some(found) = find(&state.lines) {
                return Ok(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if state.closed || left.is_zero() {
                drop(state);
                bail!("the log says:\n{}", self.end());
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(crate) fn wait_for_address(&self) -> Result<SocketAddr> {
        self.wait_for(START, |lines| lines.iter().find_map(|line| bound_address(line)))
    }

    fn text(&self) -> String {
        self.lock().lines.iter().map(|line| format!("{line}\n")).collect()
    }

    pub(crate) fn end(&self) -> String {
        let state = self.lock();
        let skipped = state.lines.len().saturating_sub(40);
        state.lines.iter().skip(skipped).map(|line| format!("    {line}\n")).collect()
    }
}

/// The address in the line by which the server says that it listens.
fn bound_address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.contains("listening").then(|| line.split_once("127.0.0.1:"))??;
    let port = rest.split(|character: char| !character.is_ascii_digit()).next()?;
    Some(SocketAddr::from(([127, 0, 0, 1], port.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::bound_address;

    #[test]
    fn the_address_is_read_from_text_and_from_json() {
        let text =
            "2026-01-01T00:00:00Z  INFO detections::serve: listening address=127.0.0.1:40123";
        let json = r#"{"level":"INFO","message":"listening","address":"127.0.0.1:40123"}"#;
        for line in [text, json] {
            assert_eq!(bound_address(line).unwrap().port(), 40_123);
        }
        assert_eq!(bound_address("asked to bind 127.0.0.1:0"), None);
    }
}
