//! Uploads that go on while their answer comes: paced, in chunks or with a length, each line of the
//! answer told with how many bytes had been sent when it came.

mod answer;
mod curl;
mod library;
mod pace;

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

pub use self::{
    answer::{Answer, Line},
    curl::send_with_curl,
    library::send_with_library,
    pace::Pace,
};
use crate::wire;

/// How long the peer may neither take a byte nor say one.
const PATIENCE: Duration = Duration::from_secs(120);
/// What is sent at once, at most.
const BLOCK: usize = 64 * 1024;

/// How the end of the body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// By a last chunk.
    Chunked,
    /// By its length, which is known from the start.
    Length(u64),
}

/// When the answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As it comes.
    Meanwhile,
    /// Not before the last byte is sent.
    Afterwards,
}

/// An upload, all but its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// The route and its query.
    pub target: &'a str,
    /// Headers beside those that the framing needs.
    pub headers: &'a [(&'a str, &'a str)],
    /// How the end of the body is told.
    pub framing: Framing,
    /// How fast the body is sent.
    pub pace: Pace,
    /// When the answer is read.
    pub reading: Reading,
}

impl<'a> Upload<'a> {
    /// In chunks, as fast as they are taken, while the answer is read.
    #[must_use]
    pub const fn to(target: &'a str) -> Self {
        Self {
            target,
            headers: &[],
            framing: Framing::Chunked,
            pace: Pace::Unbounded,
            reading: Reading::Meanwhile,
        }
    }
}

/// Sends `body` over a bare socket and reads the answer to its end.
///
/// A server may answer and close before the last byte is sent; that is no error here.
///
/// # Errors
/// When there is no connection, `body` cannot be read, or what comes is not HTTP.
pub fn send(address: SocketAddr, upload: &Upload, body: impl Read + Send) -> Result<Answer> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).context("connecting")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let (sent, started) = (AtomicU64::new(0), Instant::now());
    thread::scope(|scope| {
        let writer = scope.spawn(|| write(&stream, upload, body, &sent));
        if upload.reading == Reading::Afterwards {
            wait_for(|| writer.is_finished(), PATIENCE * 10)?;
        }
        let answer = answer::read(&stream, &sent, started);
        // Whoever still writes has nobody to write to.
        stream.shutdown(Shutdown::Both).ok();
        let written = writer.join().ok().context("the writer panicked")?;
        let mut answer = answer.with_context(|| format!("sent with {written:?}"))?;
        answer.sent_all = written?;
        Ok(answer)
    })
}

/// Reads the first `most` lines of what a `GET` gives, as they come, and goes; `at` counts from `started`.
///
/// # Errors
/// When there is no connection, or what comes is not HTTP.
pub fn watch(
    address: SocketAddr,
    target: &str,
    headers: &[(&str, &str)],
    started: Instant,
    most: usize,
) -> Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).context("connecting")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&wire::head("GET", target, headers))?;
    answer::read_lines(&stream, &AtomicU64::new(0), started, most)
}

/// A minute more or less does not matter here: this only ends a test that would never end.
fn wait_for(done: impl Fn() -> bool, patience: Duration) -> Result<()> {
    crate::wait::until("the last byte of the upload", patience, || done().then_some(()))
}

/// Writes head and body; whether all of it was taken.
fn write(
    mut stream: &TcpStream,
    upload: &Upload,
    mut body: impl Read,
    sent: &AtomicU64,
) -> Result<bool> {
    let framing = match upload.framing {
        Framing::Chunked => ("Transfer-Encoding", "chunked".to_owned()),
        Framing::Length(length) => ("Content-Length", length.to_string()),
    };
    let framing = [(framing.0, framing.1.as_str())];
    let head = wire::head("POST", upload.target, &[upload.headers, &framing].concat());
    if !taken(stream.write_all(&head))? {
        return Ok(false);
    }
    let mut pacing = upload.pace.start();
    let mut block = vec![0; upload.pace.block(BLOCK)];
    loop {
        let count = body.read(&mut block).context("reading what is to be sent")?;
        let whole = match upload.framing {
            Framing::Chunked => stream.write_all(&chunk(&block[..count])),
            Framing::Length(_) => stream.write_all(&block[..count]),
        };
        if !taken(whole)? {
            return Ok(false);
        }
        sent.fetch_add(u64::try_from(count)?, Ordering::Relaxed);
        if count == 0 {
            return Ok(true);
        }
        pacing.wait(count);
    }
}

/// One chunk; an empty one is the last.
fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// Whether the peer still takes bytes.
fn taken(written: std::io::Result<()>) -> Result<bool> {
    match written {
        Ok(()) => Ok(true),
        Err(error)
            if [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe].contains(&error.kind()) =>
        {
            Ok(false)
        }
        Err(error) => bail!("the peer takes no byte: {error}"),
    }
}
