//! HTTP as bytes on a socket, for requests that no client library would send: too short, too slow,
//! lying about their length.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::http::Reply;

/// How long the peer may stay silent before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the client does after its last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Waits for the answer, and leaves the connection open as if more were to come.
    Wait,
    /// Goes away without reading.
    Leave,
}

/// Sends `bytes` as they are and reads the answer to its end; `None` when nobody waited for one.
///
/// # Errors
/// When there is no connection, or no answer that HTTP knows.
pub fn exchange(address: SocketAddr, bytes: &[u8], ending: Ending) -> Result<Option<Reply>> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).context("connecting")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // A server that refuses early may close before the last byte; its answer is still to be read.
    let sent = stream.write_all(bytes);
    if ending == Ending::Leave {
        return sent.map(|()| None).context("sending");
    }
    let answer = read_answer(&mut stream).context("reading the answer")?;
    parse(&answer).map(Some).with_context(|| format!("sent with {sent:?}"))
}

/// A request line and headers up to the empty line, with a host and the wish to close afterwards.
#[must_use]
pub fn head(method: &str, target: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: e2e\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// `body` in chunks of at most `size` bytes, without the chunk that ends it.
#[must_use]
pub fn chunks(body: &[u8], size: usize) -> Vec<u8> {
    let chunk = |part: &[u8]| [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
    body.chunks(size).flat_map(chunk).collect()
}

/// Everything up to the end of the answer: its stated length, or the end of the connection.
fn read_answer(stream: &mut impl Read) -> Result<Vec<u8>> {
    let mut answer = Vec::new();
    let mut buffer = [0; 16 * 1024];
    while !is_whole(&answer) {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
            // A reset after the answer is how a refused upload ends.
            Err(error) if error.kind() == ErrorKind::ConnectionReset && !answer.is_empty() => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(answer)
}

fn is_whole(answer: &[u8]) -> bool {
    let stated = parse(answer).ok().and_then(|reply| {
        let length = reply.header("content-length")?.parse::<usize>().ok()?;
        Some(reply.body.len() >= length)
    });
    stated == Some(true)
}

fn parse(answer: &[u8]) -> Result<Reply> {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.with_context(|| format!("no head: `{}`", String::from_utf8_lossy(answer)))?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    Ok(Reply {
        status: status.with_context(|| format!("no status in `{head}`"))?,
        headers: headers.collect(),
        body: answer[end + 4..].to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::{chunks, head, is_whole, parse, read_answer};

    const ANSWER: &[u8] =
        b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 4\r\nX-A: b\r\n\r\nbody";

    #[test]
    fn an_answer_is_read_to_its_stated_length_and_no_further() {
        let mut stream: &[u8] = &[ANSWER, b"rest of another".as_slice()].concat();
        let reply = parse(&read_answer(&mut stream).unwrap()).unwrap();
        assert_eq!((reply.status, reply.header("x-a")), (413, Some("b")));
        assert!(is_whole(ANSWER) && !is_whole(&ANSWER[..ANSWER.len() - 1]));
        assert!(parse(b"garbage").is_err());
    }

    #[test]
    fn requests_are_spelled_as_http_wants_them() {
        let request = String::from_utf8(head("POST", "/detect", &[("X-A", "b")])).unwrap();
        assert!(request.starts_with("POST /detect HTTP/1.1\r\nHost: e2e\r\n"), "{request}");
        assert!(request.ends_with("X-A: b\r\n\r\n"), "{request}");
        assert_eq!(chunks(b"abcdefghijkl", 10), b"a\r\nabcdefghij\r\n2\r\nkl\r\n");
    }
}
