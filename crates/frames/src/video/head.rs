//! The first bytes of a video, which say what it is.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use detections_types::CancelToken;
use gstreamer::{self as gst, glib::translate::IntoGlib, prelude::TypeFindImpl};

use super::{
    HEARTBEAT,
    boxes::{self, Order},
    index::{self, Index},
    kinds::{self, Kind, Layout},
    program::{self, Map},
};
use crate::{Chunk, Fed, FeedReceiver, FrameError};

/// As many bytes are looked at before a guess has to do.
const ENOUGH: usize = 128 << 10;
/// Too few to guess from, unless there are no more.
const TOO_FEW: usize = 2 << 10;
/// More chunks than this are joined, because each of them costs more than its bytes.
const MOST_CHUNKS: usize = 128;
/// How sure a guess has to be while more bytes may come, of 100.
const SURE: i32 = 80;

/// The first chunks and what they are the beginning of.
pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) chunks: Vec<Chunk>,
    /// Whether decoding can begin before the last byte is there.
    pub(super) progressive: bool,
}

impl Head {
    /// Takes chunks from a feed until they can be told.
    pub(super) fn of_feed(
        receiver: &FeedReceiver,
        cancel: &CancelToken,
    ) -> Result<Self, FrameError> {
        let (mut chunks, mut bytes) = (Vec::new(), Vec::new());
        let mut wanted = TOO_FEW;
        loop {
            let next = next(receiver, cancel)?;
            let ended = next.is_none();
            if let Some(chunk) = next {
                let more = (*chunk).as_ref();
                bytes.extend_from_slice(&more[..more.len().min(ENOUGH - bytes.len())]);
                chunks.push(chunk);
            }
            if !ended && bytes.len() < wanted {
                continue;
            }
            let whole = ended.then_some(bytes.len());
            if let Some((kind, progressive)) = tell(&bytes, whole)? {
                if progressive && kind.layout == Layout::Indexed {
                    return Self::indexed(kind, chunks, receiver, cancel);
                }
                let many = chunks.len() > MOST_CHUNKS;
                let chunks = if many { joined(bytes, chunks) } else { chunks };
                return Ok(Self { kind, chunks, progressive });
            }
            wanted = (bytes.len() * 2).min(ENOUGH);
        }
    }

    /// With the whole index, which begins in the first chunks: without it there is nothing to be decoded anyway.
    fn indexed(
        kind: Kind,
        chunks: Vec<Chunk>,
        receiver: &FeedReceiver,
        cancel: &CancelToken,
    ) -> Result<Self, FrameError> {
        // One after the other into one place, for a chunk may be as small as a byte.
        let mut front = Vec::new();
        chunks.into_iter().for_each(|chunk| front.extend_from_slice((*chunk).as_ref()));
        let place = boxes::place(&front, b"moov").filter(|place| place.end <= index::MOST_BYTES);
        let wanted = place.and_then(|place| usize::try_from(place.end).ok()).unwrap_or(0);
        while front.len() < wanted
            && let Some(chunk) = next(receiver, cancel)?
        {
            front.extend_from_slice((*chunk).as_ref());
        }
        let index = Index::of(&front);
        index.iter().for_each(|index| index.apply(&mut front, 0));
        let kind = Kind { stated: index.map(|index| index.stated), ..kind };
        Ok(Self { kind, chunks: vec![Box::new(front)], progressive: true })
    }
}

/// `bytes`, which the first chunks hold, as one chunk, and what those hold behind them.
fn joined(bytes: Vec<u8>, chunks: Vec<Chunk>) -> Vec<Chunk> {
    let mut replaced = bytes.len();
    let mut joined: Vec<Chunk> = vec![Box::new(bytes)];
    for chunk in chunks {
        let len = (*chunk).as_ref().len();
        match (*chunk).as_ref().get(replaced..) {
            Some(_) if replaced == 0 => joined.push(chunk),
            Some(rest) if !rest.is_empty() => joined.push(Box::new(rest.to_vec())),
            _ => {}
        }
        replaced = replaced.saturating_sub(len);
    }
    joined
}

/// What a file is; it is at its start again.
pub(super) fn of_file(file: &mut File) -> Result<Kind, FrameError> {
    let read = |file: &mut File| -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(ENOUGH);
        file.take(ENOUGH as u64).read_to_end(&mut bytes)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(bytes)
    };
    let bytes =
        read(file).map_err(|source| FrameError::Io { doing: "reading the video", source })?;
    match tell(&bytes, Some(bytes.len()).filter(|len| *len < ENOUGH))? {
        Some((kind, _)) => Ok(kind),
        None => Err(FrameError::UnknownVideo),
    }
}

/// The next chunk, `None` behind the last.
pub(super) fn next(
    receiver: &FeedReceiver,
    cancel: &CancelToken,
) -> Result<Option<Chunk>, FrameError> {
    loop {
        cancel.check().map_err(FrameError::Interrupted)?;
        match receiver.receive(HEARTBEAT) {
            Fed::Chunk(chunk) => return Ok(Some(chunk)),
            Fed::End => return Ok(None),
            Fed::Aborted => return Err(FrameError::UploadAborted),
            Fed::Waiting => {}
        }
    }
}

/// What begins with `bytes`, which are `whole` where there are no more, and whether it can be decoded while it comes; `None` when that is not sure yet.
fn tell(bytes: &[u8], whole: Option<usize>) -> Result<Option<(Kind, bool)>, FrameError> {
    let last_chance = whole.is_some() || bytes.len() >= ENOUGH;
    if bytes.is_empty() {
        return Err(FrameError::EmptyVideo);
    }
    let guess = Guess::of(bytes, whole);
    let Some(kind) = guess.kind.filter(|_| last_chance || guess.sureness >= SURE) else {
        return if last_chance { Err(FrameError::UnknownVideo) } else { Ok(None) };
    };
    match kind.layout {
        Layout::Indexed => {}
        Layout::Broadcast if kind.word == "mpegps" => {
            return Ok(program(kind, bytes, last_chance).map(|kind| (kind, true)));
        }
        Layout::Streamed | Layout::Broadcast | Layout::Bare => return Ok(Some((kind, true))),
    }
    let order = boxes::order(bytes);
    let sure = last_chance || order != Order::Unknown;
    Ok(sure.then_some((kind, order == Order::IndexFirst)))
}

/// A program stream with the map that it may lack; `None` when no picture was seen yet.
fn program(kind: Kind, bytes: &[u8], last_chance: bool) -> Option<Kind> {
    match program::map(bytes) {
        Map::Missing(lead) => Some(Kind { lead, ..kind }),
        Map::Unknown if !last_chance => None,
        Map::Needless | Map::Unknown => Some(kind),
    }
}

/// The surest guess so far.
struct Guess<'a> {
    bytes: &'a [u8],
    /// The length of the video, where these are all of its bytes.
    whole: Option<usize>,
    sureness: i32,
    kind: Option<Kind>,
}

impl<'a> Guess<'a> {
    fn of(bytes: &'a [u8], whole: Option<usize>) -> Self {
        let mut guess = Self { bytes, whole, sureness: 0, kind: None };
        for factory in &gst::TypeFindFactory::factories() {
            factory.call_function(&mut guess);
        }
        guess
    }
}

impl TypeFindImpl for Guess<'_> {
    fn peek(&mut self, offset: i64, size: u32) -> Option<&[u8]> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        self.bytes.get(start..end)
    }

    fn length(&self) -> Option<u64> {
        self.whole.and_then(|len| u64::try_from(len).ok())
    }

    fn suggest(&mut self, probability: gst::TypeFindProbability, caps: &gst::Caps) {
        let sureness = probability.into_glib();
        if sureness > self.sureness {
            self.sureness = sureness;
            self.kind = kinds::kind(caps);
        }
    }
}
