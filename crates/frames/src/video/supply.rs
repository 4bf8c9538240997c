//! Bytes into the decoder, whenever it asks for some.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use gstreamer as gst;
use gstreamer_app as gst_app;

use super::{
    HEARTBEAT,
    extent::Extent,
    index::{Index, Stated},
    kinds::Kind,
    status::Status,
};
use crate::{Chunk, Fed, FeedReceiver, FrameError, feed::FeedCloser};

/// Bytes that are read from a file at once, where the reader has no wish.
const READ_AT_ONCE: u32 = 128 << 10;

/// The largest encoded picture that is read; a container may claim any size.
const MOST_AT_ONCE: u32 = 64 << 20;

/// Fewer bytes of a feed than this wait a moment for more: whatever collects buffers pays for each of them.
const WORTH_A_BUFFER: usize = 4 << 10;

/// Where the bytes come from.
pub(super) enum Supply {
    /// The chunks that were taken from a feed already, and then what else comes through it.
    Feed { head: VecDeque<Chunk>, receiver: FeedReceiver },
    /// A file, from its start to its end.
    File(File),
    /// A file of so many bytes, in the order that its container asks for, and how many it states behind them.
    Anywhere { file: File, len: u64, missing: Option<u64>, index: Option<Index> },
}

impl Supply {
    /// A file of boxes, which is looked at first.
    pub(super) fn anywhere(mut file: File, len: u64) -> Result<Self, FrameError> {
        let missing = Extent::missing_of_file(&mut file, len).map_err(unreadable)?;
        let index = Index::of_file(&mut file).map_err(unreadable)?;
        Ok(Self::Anywhere { file, len, missing, index })
    }

    /// What the index of a file of boxes says of it.
    pub(super) fn stated(&self) -> Option<Stated> {
        match self {
            Self::Feed { .. } | Self::File(_) => None,
            Self::Anywhere { index, .. } => index.as_ref().map(|index| index.stated),
        }
    }

    /// What ends the waiting for bytes, where any are waited for.
    pub(super) fn closer(&self) -> Option<FeedCloser> {
        match self {
            Self::Feed { receiver, .. } => Some(receiver.closer()),
            Self::File(_) | Self::Anywhere { .. } => None,
        }
    }

    /// Whether the bytes are read in the order in which they lie.
    pub(super) const fn is_in_order(&self) -> bool {
        match self {
            Self::Feed { .. } | Self::File(_) => true,
            Self::Anywhere { .. } => false,
        }
    }

    /// The element that gives the bytes.
    ///
    /// It asks for them on the streaming thread and nowhere else, so the thread itself waits for them.
    pub(super) fn into_element(self, kind: &Kind, status: Arc<Status>) -> gst_app::AppSrc {
        let builder = gst_app::AppSrc::builder().caps(&kind.caps).format(gst::Format::Bytes);
        let trailer = kind.trailer();
        let builder = match &self {
            Self::Feed { .. } | Self::File(_) => {
                builder.stream_type(gst_app::AppStreamType::Stream)
            }
            Self::Anywhere { len, .. } => builder
                .stream_type(gst_app::AppStreamType::RandomAccess)
                .size(i64::try_from(*len).unwrap_or(i64::MAX)),
        };
        let (extent, lead) = (Extent::of(kind.word), Some(kind.lead.clone()));
        let supply = Arc::new(Mutex::new(Giving { supply: self, extent, lead }));
        let seeking = Arc::clone(&supply);
        let callbacks = gst_app::AppSrcCallbacks::builder()
            .need_data(move |element, wanted| {
                let bytes = locked(&supply).next(wanted, &status).unwrap_or_else(|fault| {
                    status.fail(fault);
                    None
                });
                give(element, bytes, trailer);
            })
            .seek_data(move |_, position| locked(&seeking).supply.seek(position).is_ok());
        builder.callbacks(callbacks.build()).build()
    }

    fn seek(&mut self, position: u64) -> io::Result<u64> {
        match self {
            Self::Feed { .. } => Err(io::ErrorKind::Unsupported.into()),
            Self::File(file) | Self::Anywhere { file, .. } => file.seek(SeekFrom::Start(position)),
        }
    }
}

/// A supply that is being used up.
struct Giving {
    supply: Supply,
    /// What the container says of its length.
    extent: Extent,
    /// What is given first; `None` once it was.
    lead: Option<Vec<u8>>,
}

impl Giving {
    /// The next bytes, as long as pictures come of those before.
    fn next(&mut self, wanted: u32, status: &Status) -> Result<Option<gst::Buffer>, FrameError> {
        let bytes = self.take(wanted, status)?;
        status.gave(bytes.as_ref().map_or(0, |bytes| bytes.size()))?;
        Ok(bytes)
    }

    fn take(&mut self, wanted: u32, status: &Status) -> Result<Option<gst::Buffer>, FrameError> {
        if let Some(lead) = self.lead.take().filter(|lead| !lead.is_empty()) {
            return Ok(Some(gst::Buffer::from_slice(lead)));
        }
        let read = match &mut self.supply {
            Supply::Feed { head, receiver } => {
                let chunk = match head.pop_front() {
                    Some(chunk) => Some(chunk),
                    None => wait(receiver, status)?,
                };
                return Ok(self.followed(chunk.map(Bytes), status).map(gst::Buffer::from_slice));
            }
            Supply::File(file) => read(file, READ_AT_ONCE),
            Supply::Anywhere { file, missing, index, .. } => {
                status.cut_short(*missing);
                read_changed(file, wanted.min(MOST_AT_ONCE), index.as_ref())
            }
        };
        status.step();
        let bytes = Some(read.map_err(unreadable)?).filter(|bytes| !bytes.is_empty());
        let bytes = match self.supply {
            Supply::Anywhere { .. } => bytes,
            Supply::Feed { .. } | Supply::File(_) => self.followed(bytes, status),
        };
        Ok(bytes.map(gst::Buffer::from_slice))
    }

    /// Bytes that come in their order; behind the last of them it is known whether some are missing.
    fn followed<B: AsRef<[u8]>>(&mut self, bytes: Option<B>, status: &Status) -> Option<B> {
        match &bytes {
            Some(bytes) => self.extent.take(bytes.as_ref()),
            None => status.cut_short(self.extent.missing()),
        }
        bytes
    }
}

/// Gives the bytes, or else the trailer and says that there are no more.
fn give(element: &gst_app::AppSrc, bytes: Option<gst::Buffer>, trailer: &'static [[u8; 8]]) {
    let given = match bytes {
        Some(bytes) => element.push_buffer(bytes),
        None => trailer
            .iter()
            .try_for_each(|more| element.push_buffer(gst::Buffer::from_slice(more)).map(drop))
            .and_then(|()| element.end_of_stream()),
    };
    if let Err(error) = given {
        // The pipeline is being stopped, which needs no bytes.
        tracing::trace!(%error, "bytes were not taken");
    }
}

/// The supply; a panic while it is locked leaves nothing half done.
fn locked(supply: &Mutex<Giving>) -> MutexGuard<'_, Giving> {
    supply.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The next chunk of a feed; `None` behind the last, and when nobody wants it any more.
fn wait(receiver: &FeedReceiver, status: &Status) -> Result<Option<Chunk>, FrameError> {
    status.set_waiting(true);
    let mut fed = receiver.receive(HEARTBEAT);
    while matches!(fed, Fed::Waiting) && !status.is_stopping() {
        fed = receiver.receive(HEARTBEAT);
    }
    status.set_waiting(false);
    match fed {
        Fed::Chunk(chunk) => Ok(Some(gathered(chunk, receiver))),
        Fed::Aborted if !status.is_stopping() => Err(FrameError::UploadAborted),
        Fed::End | Fed::Aborted | Fed::Waiting => Ok(None),
    }
}

/// A chunk with what comes within a moment behind it, while that is little.
fn gathered(chunk: Chunk, receiver: &FeedReceiver) -> Chunk {
    if (*chunk).as_ref().len() >= WORTH_A_BUFFER {
        return chunk;
    }
    let until = Instant::now() + HEARTBEAT;
    let mut bytes = (*chunk).as_ref().to_vec();
    while bytes.len() < WORTH_A_BUFFER {
        // An end is found again by whoever asks next.
        let Fed::Chunk(more) = receiver.receive(until.saturating_duration_since(Instant::now()))
        else {
            break;
        };
        bytes.extend_from_slice((*more).as_ref());
    }
    Box::new(bytes)
}

fn unreadable(source: io::Error) -> FrameError {
    FrameError::Io { doing: "reading the video", source }
}

/// Up to `wanted` bytes from where the file is at; fewer at its end only.
fn read(file: &mut File, wanted: u32) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(u64::from(wanted)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The same with what the index does not tell.
fn read_changed(file: &mut File, wanted: u32, index: Option<&Index>) -> io::Result<Vec<u8>> {
    let start = file.stream_position()?;
    let mut bytes = read(file, wanted)?;
    if let Some(index) = index {
        index.apply(&mut bytes, start);
    }
    Ok(bytes)
}

/// A chunk as GStreamer takes it, uncopied.
struct Bytes(Chunk);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Instant};

    use super::{HEARTBEAT, Status, WORTH_A_BUFFER, wait};
    use crate::{Chunk, feed};

    #[test]
    fn bytes_that_come_one_by_one_are_gathered_into_few_buffers() {
        const BYTES: usize = 100_000;
        let (mut sender, receiver) = feed(1 << 20);
        let started = Instant::now();
        let sending = thread::spawn(move || {
            for at in 0..BYTES {
                sender.send_blocking(Box::new([at.to_le_bytes()[0]])).unwrap();
            }
            sender.finish();
        });
        let status = Status::new(0);
        let mut chunks: Vec<Chunk> = Vec::new();
        while let Some(chunk) = wait(&receiver, &status).unwrap() {
            chunks.push(chunk);
        }
        sending.join().unwrap();
        let beats = started.elapsed().as_millis() / HEARTBEAT.as_millis();
        let most = BYTES / WORTH_A_BUFFER + usize::try_from(beats).unwrap() + 1;
        assert!(chunks.len() <= most, "{} buffers, not {most}", chunks.len());
        let bytes: Vec<&[u8]> = chunks.iter().map(|chunk| (**chunk).as_ref()).collect();
        let sent: Vec<u8> = (0..BYTES).map(|at| at.to_le_bytes()[0]).collect();
        assert_eq!(bytes.concat(), sent);
    }
}
