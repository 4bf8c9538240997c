//! Asks a running mock whether it is healthy, so that its image needs no other program for that.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether whoever listens at `address` answers `GET /health` with 200.
///
/// # Errors
/// When nobody answers, or something else.
pub fn ask(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut start = [0; 12];
    stream.read_exact(&mut start)?;
    if &start == b"HTTP/1.1 200" {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&start).into_owned()))
}
