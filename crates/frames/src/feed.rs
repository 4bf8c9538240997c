//! The bounded way of encoded bytes from whoever receives them to the decoder that wants them.
//!
//! The sending side works from async code (a waker of any runtime) and from threads; the receiving side
//! is a thread. Chunks are handed over as they are; only small ones are copied, to be joined with what waits.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

/// Some of the bytes of a medium, in the order of the medium.
pub type Chunk = Box<dyn AsRef<[u8]> + Send + Sync>;

/// Chunks of fewer bytes than this are joined, because each that waits costs more than its bytes.
const SMALL: usize = 16 << 10;
/// The longest that joined chunks get.
const MOST_JOINED: usize = 64 << 10;

/// Nobody takes bytes from the feed any more: the decoder ended, for whatever reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the decoder takes no more bytes")]
pub struct FeedClosed;

/// What the receiving side finds.
pub enum Fed {
    /// The next bytes; never empty.
    Chunk(Chunk),
    /// All bytes were taken.
    End,
    /// The sender was dropped before it said that there are no more bytes.
    Aborted,
    /// Nothing came within the time.
    Waiting,
}

impl fmt::Debug for Fed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chunk(chunk) => write!(f, "Chunk({} bytes)", (**chunk).as_ref().len()),
            Self::End => f.write_str("End"),
            Self::Aborted => f.write_str("Aborted"),
            Self::Waiting => f.write_str("Waiting"),
        }
    }
}

/// A feed that holds up to `capacity` bytes; a single chunk may be larger when the feed is empty.
///
/// ```
/// use std::time::Duration;
///
/// use detections_frames::{Fed, feed};
///
/// let (mut sender, receiver) = feed(1 << 20);
/// sender.send_blocking(Box::new(b"first bytes"))?;
/// sender.finish();
/// assert!(matches!(receiver.receive(Duration::ZERO), Fed::Chunk(_)));
/// assert!(matches!(receiver.receive(Duration::ZERO), Fed::End));
/// # Ok::<(), detections_frames::FeedClosed>(())
/// ```
#[must_use]
pub fn feed(capacity: usize) -> (FeedSender, FeedReceiver) {
    let shared = Arc::new(Shared { capacity, state: Mutex::default(), changed: Condvar::new() });
    (FeedSender { shared: Arc::clone(&shared) }, FeedReceiver { shared })
}

struct Shared {
    capacity: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    chunks: VecDeque<Waiting>,
    bytes: usize,
    sender: SenderState,
    receiver_gone: bool,
    waker: Option<Waker>,
}

/// Bytes that wait to be taken.
enum Waiting {
    /// A chunk as it came.
    Whole(Chunk),
    /// Small chunks, one behind the other.
    Joined(Vec<u8>),
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum SenderState {
    #[default]
    Sending,
    Finished,
    Aborted,
}

impl Shared {
    /// The state; each change of it is complete at once, so a panic elsewhere leaves it sound.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `len` more bytes may be kept now.
    fn has_room(&self, state: &State, len: usize) -> bool {
        state.bytes == 0 || state.bytes.saturating_add(len) <= self.capacity
    }

    /// Lets go of what was not taken and tells both sides that nobody takes bytes any more.
    fn close_receiver(&self) {
        let mut state = self.state();
        state.receiver_gone = true;
        state.bytes = 0;
        let (chunks, waker) = (std::mem::take(&mut state.chunks), state.waker.take());
        drop(state);
        drop(chunks);
        self.changed.notify_all();
        waker.into_iter().for_each(Waker::wake);
    }

    fn close(&self, sender: SenderState) {
        let mut state = self.state();
        if state.sender == SenderState::Sending {
            state.sender = sender;
        }
        drop(state);
        self.changed.notify_all();
    }
}

impl State {
    fn put(&mut self, chunk: Chunk, len: usize) {
        self.bytes += len;
        if len >= SMALL {
            return self.chunks.push_back(Waiting::Whole(chunk));
        }
        // Copied also when it is alone: a small chunk may be a part of much memory.
        let bytes = (*chunk).as_ref();
        match self.chunks.back_mut() {
            Some(Waiting::Joined(last)) if last.len() + len <= MOST_JOINED => {
                last.extend_from_slice(bytes);
            }
            _ => self.chunks.push_back(Waiting::Joined(bytes.to_vec())),
        }
    }

    fn take(&mut self) -> Option<Chunk> {
        let chunk = match self.chunks.pop_front()? {
            Waiting::Whole(chunk) => chunk,
            Waiting::Joined(bytes) => Box::new(bytes),
        };
        self.bytes = self.bytes.saturating_sub((*chunk).as_ref().len());
        Some(chunk)
    }
}

/// Gives bytes to the feed. Dropping it without [`finish`](Self::finish) tells the decoder that the rest is missing.
pub struct FeedSender {
    shared: Arc<Shared>,
}

impl FeedSender {
    /// Gives the next bytes and waits, without blocking the thread, until there is room for them.
    ///
    /// # Errors
    /// [`FeedClosed`] once the receiver is gone.
    pub async fn send(&mut self, chunk: Chunk) -> Result<(), FeedClosed> {
        let mut chunk = Some(chunk);
        poll_fn(|cx| self.poll_send(cx, &mut chunk)).await
    }

    /// Takes `chunk` as soon as there is room for it; once it is taken, polling again is ready at once.
    ///
    /// # Errors
    /// [`FeedClosed`] once the receiver is gone.
    pub fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        chunk: &mut Option<Chunk>,
    ) -> Poll<Result<(), FeedClosed>> {
        let Some(len) = chunk.as_ref().map(|chunk| (**chunk).as_ref().len()) else {
            return Poll::Ready(Ok(()));
        };
        let mut state = self.shared.state();
        if state.receiver_gone {
            return Poll::Ready(Err(FeedClosed));
        }
        if !self.shared.has_room(&state, len) {
            state.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if let Some(chunk) = chunk.take().filter(|_| len > 0) {
            state.put(chunk, len);
        }
        drop(state);
        self.shared.changed.notify_all();
        Poll::Ready(Ok(()))
    }

    /// Gives the next bytes and blocks the thread until there is room for them.
    ///
    /// # Errors
    /// [`FeedClosed`] once the receiver is gone.
    pub fn send_blocking(&mut self, chunk: Chunk) -> Result<(), FeedClosed> {
        let len = (*chunk).as_ref().len();
        let mut state = self.shared.state();
        while !state.receiver_gone && !self.shared.has_room(&state, len) {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.receiver_gone {
            return Err(FeedClosed);
        }
        if len > 0 {
            state.put(chunk, len);
        }
        drop(state);
        self.shared.changed.notify_all();
        Ok(())
    }

    /// Says that all bytes were given.
    pub fn finish(self) {
        self.shared.close(SenderState::Finished);
    }

    /// Whether the receiver is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.state().receiver_gone
    }
}

impl Drop for FeedSender {
    fn drop(&mut self) {
        self.shared.close(SenderState::Aborted);
    }
}

impl fmt::Debug for FeedSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FeedSender({} bytes waiting)", self.shared.state().bytes)
    }
}

/// Takes bytes from the feed. Dropping it closes the feed.
pub struct FeedReceiver {
    shared: Arc<Shared>,
}

/// Closes a feed from another thread than the one that takes its bytes, which then waits no longer.
#[cfg(feature = "gstreamer")]
pub(crate) struct FeedCloser {
    shared: Arc<Shared>,
}

#[cfg(feature = "gstreamer")]
impl FeedCloser {
    pub(crate) fn close(&self) {
        self.shared.close_receiver();
    }
}

impl FeedReceiver {
    /// What closes this feed while [`receive`](Self::receive) waits.
    #[cfg(feature = "gstreamer")]
    pub(crate) fn closer(&self) -> FeedCloser {
        FeedCloser { shared: Arc::clone(&self.shared) }
    }

    /// The next chunk, waiting up to `patience` for it.
    #[must_use]
    pub fn receive(&self, patience: Duration) -> Fed {
        let deadline = Instant::now() + patience;
        let mut state = self.shared.state();
        loop {
            if let Some(chunk) = state.take() {
                let waker = state.waker.take();
                drop(state);
                self.shared.changed.notify_all();
                waker.into_iter().for_each(Waker::wake);
                return Fed::Chunk(chunk);
            }
            match state.sender {
                SenderState::Finished => return Fed::End,
                SenderState::Aborted => return Fed::Aborted,
                SenderState::Sending if state.receiver_gone => return Fed::Aborted,
                SenderState::Sending => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Fed::Waiting;
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for FeedReceiver {
    fn drop(&mut self) {
        self.shared.close_receiver();
    }
}

impl fmt::Debug for FeedReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FeedReceiver({} bytes waiting)", self.shared.state().bytes)
    }
}

#[cfg(test)]
mod tests;
