//! Answers whose bodies go out as no healthy server would send them: slowly, or not to their end.

use std::{fmt, future::poll_fn, io, pin::Pin, time::Duration};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody, SizedStream},
    web::Bytes,
};
use futures_util::{Stream, stream};
use tokio::time::sleep;

/// Between two pieces of a slow body.
const PACE: Duration = Duration::from_millis(50);
/// Pieces of a slow body in a second.
const PIECES: u64 = 20;
/// How long what was written before a cut has to leave the machine.
const FLUSH: Duration = Duration::from_millis(50);

/// The end of a connection that was asked for.
#[derive(Debug)]
pub struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("cut, as a rule asks")
    }
}

impl std::error::Error for Cut {}

/// `body` at so many bytes a second.
#[must_use]
pub fn slow(body: BoxBody, bytes_per_s: u64) -> BoxBody {
    let piece = usize::try_from(bytes_per_s.div_ceil(PIECES)).unwrap_or(usize::MAX);
    // Below one byte a piece the pieces themselves come further apart.
    let pace = if bytes_per_s < PIECES {
        Duration::from_secs(1) / u32::try_from(bytes_per_s.max(1)).unwrap_or(1)
    } else {
        PACE
    };
    let size = body.size();
    let pieces = stream::unfold((body, Bytes::new()), move |(mut body, mut rest)| async move {
        while rest.is_empty() {
            match chunk(&mut body).await? {
                Ok(bytes) => rest = bytes,
                Err(error) => return Some((Err(error), (body, rest))),
            }
        }
        sleep(pace).await;
        let next = rest.split_to(piece.min(rest.len()));
        Some((Ok(next), (body, rest)))
    });
    sized(size, pieces)
}

/// `body` up to so many bytes, then the end of the connection; all of it where it is no longer.
#[must_use]
pub fn truncated(body: BoxBody, after_bytes: u64) -> BoxBody {
    let size = body.size();
    let most = usize::try_from(after_bytes).unwrap_or(usize::MAX);
    let pieces = stream::unfold(Some((body, most)), |rest| async move {
        // The end is not left to a body that may have no other piece: a server that misses bytes breaks off
        // at once, with what was written before still unsent.
        let Some((mut body, left)) = rest else { return Some((Err(cut().await), None)) };
        match chunk(&mut body).await? {
            Ok(bytes) if bytes.len() <= left => {
                let left = left - bytes.len();
                Some((Ok(bytes), Some((body, left))))
            }
            Ok(_) if left == 0 => Some((Err(cut().await), None)),
            Ok(mut bytes) => {
                bytes.truncate(left);
                Some((Ok(bytes), None))
            }
            Err(error) => Some((Err(error), Some((body, left)))),
        }
    });
    sized(size, pieces)
}

/// The error that ends a connection, when what was written before it had the time to leave.
async fn cut() -> io::Error {
    sleep(FLUSH).await;
    io::Error::other(Cut)
}

/// A body that ends the connection before anything, its head included, has left.
#[must_use]
pub fn nothing() -> BoxBody {
    SizedStream::new(1, stream::once(async { Err::<Bytes, _>(io::Error::other(Cut)) })).boxed()
}

/// The next bytes of a body; `None` at its end.
pub(crate) async fn chunk(body: &mut BoxBody) -> Option<io::Result<Bytes>> {
    let next = poll_fn(|context| Pin::new(&mut *body).poll_next(context)).await?;
    Some(next.map_err(|error| io::Error::other(error.to_string())))
}

/// A stream as a body that states the size of the one it stands for.
pub(crate) fn sized(
    size: BodySize,
    pieces: impl Stream<Item = io::Result<Bytes>> + 'static,
) -> BoxBody {
    match size {
        BodySize::Sized(bytes) => SizedStream::new(bytes, Box::pin(pieces)).boxed(),
        BodySize::None | BodySize::Stream => {
            actix_web::body::BodyStream::new(Box::pin(pieces)).boxed()
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::{BodySize, BoxBody, MessageBody};

    use super::{chunk, slow, truncated};

    async fn read(mut body: BoxBody) -> (Vec<u8>, bool) {
        let mut all = Vec::new();
        while let Some(next) = chunk(&mut body).await {
            match next {
                Ok(bytes) => all.extend_from_slice(&bytes),
                Err(_) => return (all, false),
            }
        }
        (all, true)
    }

    #[actix_web::test]
    async fn a_truncated_body_states_its_size_and_breaks_off() {
        let body = truncated(BoxBody::new("abcdef"), 4);
        assert_eq!(body.size(), BodySize::Sized(6));
        assert_eq!(
            read(body).await,
            (b"abcd".to_vec(), false),
            "it breaks off, and does not just end"
        );
        assert_eq!(read(truncated(BoxBody::new("abcdef"), 0)).await, (Vec::new(), false));
        assert_eq!(read(truncated(BoxBody::new("abcdef"), 6)).await, (b"abcdef".to_vec(), true));
    }

    #[actix_web::test]
    async fn a_slow_body_takes_its_time_and_is_whole() {
        let before = std::time::Instant::now();
        let (all, whole) = read(slow(BoxBody::new("abcdef"), 60)).await;
        assert_eq!((all.as_slice(), whole), (b"abcdef".as_slice(), true));
        assert!(before.elapsed().as_millis() >= 100, "{:?}", before.elapsed());
    }
}
