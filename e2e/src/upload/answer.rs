//! An answer that is read line by line while its request is still being sent.

use std::{
    io::{self, BufRead, BufReader, Read},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

/// A line of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Without its end.
    pub text: String,
    /// Bytes of the body that had been sent when it came.
    pub sent: u64,
    /// When it came, from the start of the upload.
    pub at: Duration,
}

/// An answer and when its lines came.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The lines of the body.
    pub lines: Vec<Line>,
    /// What cut the body before its end, if something did.
    pub cut: Option<String>,
    /// Whether the peer took every byte of the request.
    pub sent_all: bool,
}

impl Answer {
    /// The first header of this name, which is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{}\n", line.text)).collect()
    }
}

/// Reads an answer to its end; `sent` is looked at whenever a line is complete.
pub(super) fn read(stream: impl Read, sent: &AtomicU64, started: Instant) -> Result<Answer> {
    read_lines(stream, sent, started, usize::MAX)
}

/// The same, with no more than `most` lines.
pub(super) fn read_lines(
    stream: impl Read,
    sent: &AtomicU64,
    started: Instant,
    most: usize,
) -> Result<Answer> {
    let mut stream = BufReader::new(stream);
    let (status, headers) = read_final_head(&mut stream)?;
    let stated = |name: &str| {
        headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.clone())
    };
    let body: Box<dyn Read + '_> = match (stated("transfer-encoding"), stated("content-length")) {
        (Some(_), _) => Box::new(Chunks { stream, left: 0, ended: false }),
        (None, Some(length)) => Box::new(stream.take(length.parse().context("content-length")?)),
        (None, None) => Box::new(stream),
    };
    let (mut lines, mut cut) = (Vec::new(), None);
    for text in BufReader::new(body).split(b'\n').take(most) {
        match text {
            Ok(text) => lines.push(Line {
                text: String::from_utf8(text)?.trim_end_matches('\r').to_owned(),
                sent: sent.load(Ordering::Relaxed),
                at: started.elapsed(),
            }),
            Err(error) => {
                cut = Some(error.to_string());
                break;
            }
        }
    }
    Ok(Answer { status, headers, lines, cut, sent_all: false })
}

type Headers = Vec<(String, String)>;

/// The head of the answer itself, behind heads that only say to go on.
fn read_final_head(stream: &mut impl BufRead) -> Result<(u16, Headers)> {
    loop {
        let (status, headers) = read_head(stream)?;
        if status >= 200 {
            return Ok((status, headers));
        }
    }
}

fn read_head(stream: &mut impl BufRead) -> Result<(u16, Headers)> {
    let first = read_line(stream)?;
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.with_context(|| format!("no status in `{first}`"))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream)?;
        let Some((name, value)) = line.split_once(':') else {
            ensure!(line.is_empty(), "no header: `{line}`");
            return Ok((status, headers));
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn read_line(stream: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    let count = stream.read_line(&mut line).context("reading the head")?;
    ensure!(count > 0, "the connection ended before its head did");
    Ok(line.trim_end().to_owned())
}

/// The content of a chunked body.
struct Chunks<R> {
    stream: R,
    left: u64,
    ended: bool,
}

impl<R: BufRead> Chunks<R> {
    /// Goes to the next chunk.
    fn advance(&mut self) -> io::Result<()> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let size = line.trim();
        if line.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left = u64::from_str_radix(size, 16)
            .map_err(|_size| io::Error::other(format!("`{size}` is no chunk size")))?;
        self.ended = self.left == 0;
        Ok(())
    }
}

impl<R: BufRead> Read for Chunks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !self.ended {
            self.advance()?;
        }
        if self.ended {
            return Ok(0);
        }
        let count = (&mut self.stream).take(self.left).read(buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= u64::try_from(count).map_err(io::Error::other)?;
        if self.left == 0 {
            self.stream.read_exact(&mut [0; 2])?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicU64, time::Instant};

    use super::{Answer, read};

    fn parsed(text: &str) -> Answer {
        read(text.as_bytes(), &AtomicU64::new(7), Instant::now()).unwrap()
    }

    fn lines(answer: &Answer) -> Vec<&str> {
        answer.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn lines_are_read_across_chunks_and_behind_a_word_to_go_on() {
        let answer = parsed(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n\
             4\r\none\n\r\n2\r\ntw\r\n2\r\no\n\r\n0\r\n\r\n",
        );
        assert_eq!((answer.status, answer.header("x-a")), (200, Some("b")));
        assert_eq!(lines(&answer), ["one", "two"]);
        assert_eq!((answer.cut, answer.lines[0].sent), (None, 7));
    }

    #[test]
    fn a_stated_length_is_read_and_no_more() {
        let answer = parsed("HTTP/1.1 400 Bad\r\nContent-Length: 4\r\n\r\na\nb\nHTTP/1.1");
        assert_eq!((answer.status, lines(&answer)), (400, vec!["a", "b"]));
    }

    #[test]
    fn a_body_without_its_last_chunk_is_cut() {
        let answer = parsed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n");
        assert_eq!(lines(&answer), ["one"]);
        assert!(answer.cut.is_some());
    }
}
