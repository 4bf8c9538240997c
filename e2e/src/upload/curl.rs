//! The same upload by curl, seen by a relay between the two, since curl does not say how far it is.

use std::{
    fs::File,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use anyhow::{Context, Result, ensure};

use super::{Answer, Framing, PATIENCE, Pace, Upload, answer};

/// Has curl send `file` and reads the answer as it passes; curl always reads while it sends.
///
/// # Errors
/// When curl cannot be started or fails, or what comes is not HTTP.
pub fn send_with_curl(address: SocketAddr, upload: &Upload, file: &Path) -> Result<Answer> {
    let listener = TcpListener::bind("127.0.0.1:0").context("a port for the relay")?;
    let (sent, started) = (AtomicU64::new(0), Instant::now());
    let mut curl = start(listener.local_addr()?, upload, file)?;
    let client = listener.accept().context("curl does not come")?.0;
    let server = TcpStream::connect_timeout(&address, PATIENCE).context("connecting")?;
    server.set_read_timeout(Some(PATIENCE))?;
    let answer = thread::scope(|scope| {
        scope.spawn(|| relay_body(&client, &server, &sent));
        let answer = answer::read(Tee { from: &server, to: &client }, &sent, started);
        server.shutdown(Shutdown::Both).ok();
        client.shutdown(Shutdown::Both).ok();
        answer
    });
    let status = curl.wait().context("curl")?;
    let mut answer = answer?;
    ensure!(status.success(), "curl ended with {status}");
    answer.sent_all = true;
    Ok(answer)
}

fn start(relay: SocketAddr, upload: &Upload, file: &Path) -> Result<Child> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--no-buffer", "--request", "POST", "--noproxy", "*"]);
    curl.args(["--output", "/dev/null"]).stdin(Stdio::null());
    if let Pace::BytesPerSecond(rate) = upload.pace {
        curl.args(["--limit-rate", &rate.to_string()]);
    }
    for (name, value) in upload.headers {
        curl.args(["--header", &format!("{name}: {value}")]);
    }
    match upload.framing {
        Framing::Chunked => curl.args(["--upload-file", "-"]).stdin(File::open(file)?),
        Framing::Length(_) => {
            let body = format!("@{}", file.display());
            let kind = "Content-Type: application/octet-stream";
            curl.args(["--data-binary", &body, "--header", kind])
        }
    };
    curl.arg(format!("http://{relay}{}", upload.target)).spawn().context("starting curl")
}

/// Passes the request on and counts it; its head and the frames of its chunks count too, so a line
/// is never told as earlier than it was.
fn relay_body(mut from: &TcpStream, mut to: &TcpStream, sent: &AtomicU64) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
        sent.fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
    }
}

/// Reads from one stream and writes all that it reads to another.
struct Tee<'a> {
    from: &'a TcpStream,
    to: &'a TcpStream,
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.to.write_all(&buffer[..count])?;
        Ok(count)
    }
}
