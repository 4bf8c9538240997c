//! The same upload by an HTTP library that streams both ways.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context as TaskContext, Poll},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::{Client, Response};
use tokio::time::{Sleep, sleep};

use super::{Answer, BLOCK, Framing, Line, PATIENCE, Upload, pace::Pacing};

/// Sends `body` with reqwest and reads the answer as it comes.
///
/// # Errors
/// When there is no answer, or it is not text.
pub fn send_with_library(address: SocketAddr, upload: &Upload, body: Vec<u8>) -> Result<Answer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(exchange(address, upload, body))
}

async fn exchange(address: SocketAddr, upload: &Upload<'_>, body: Vec<u8>) -> Result<Answer> {
    let (sent, started) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let body = PacedBody {
        bytes: Bytes::from(body),
        sized: upload.framing != Framing::Chunked,
        block: upload.pace.block(BLOCK),
        pacing: upload.pace.start(),
        pause: Box::pin(sleep(Duration::ZERO)),
        sent: Arc::clone(&sent),
    };
    let client = Client::builder().no_proxy().read_timeout(PATIENCE).build()?;
    let request = client.post(format!("http://{address}{}", upload.target));
    let request =
        upload.headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = request.body(reqwest::Body::wrap(body)).send().await.context("no answer")?;
    collect(response, &sent, started).await
}

async fn collect(mut response: Response, sent: &AtomicU64, started: Instant) -> Result<Answer> {
    let spell = |value: &reqwest::header::HeaderValue| {
        String::from_utf8_lossy(value.as_bytes()).into_owned()
    };
    let headers = response.headers().iter().map(|(name, value)| (name.to_string(), spell(value)));
    let mut answer = Answer {
        status: response.status().as_u16(),
        headers: headers.collect(),
        lines: Vec::new(),
        cut: None,
        sent_all: true,
    };
    let mut rest = Vec::new();
    while let Some(bytes) = response.chunk().await.context("reading the answer")? {
        rest.extend_from_slice(&bytes);
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            answer.lines.push(Line {
                text: String::from_utf8(line)?.trim_end().to_owned(),
                sent: sent.load(Ordering::Relaxed),
                at: started.elapsed(),
            });
        }
    }
    Ok(answer)
}

/// A body that the library is given piece by piece.
struct PacedBody {
    bytes: Bytes,
    sized: bool,
    block: usize,
    pacing: Pacing,
    pause: Pin<Box<Sleep>>,
    sent: Arc<AtomicU64>,
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.pause.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        let count = self.block.min(self.bytes.len());
        let block = self.bytes.split_to(count);
        let early = self.pacing.sent(count).unwrap_or_default();
        self.pause = Box::pin(sleep(early));
        self.sent.fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(block))))
    }

    fn size_hint(&self) -> SizeHint {
        match (self.sized, u64::try_from(self.bytes.len())) {
            (true, Ok(length)) => SizeHint::with_exact(length),
            _ => SizeHint::default(),
        }
    }
}
