//! A place on disk for a file whose index comes last.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    path::PathBuf,
};

use detections_types::CancelToken;

use super::head;
use crate::{Chunk, FeedReceiver, FrameError};

/// Where the bytes of a video wait that cannot be decoded before its last byte is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    /// The folder of the unnamed file; `None` is the system's own for such files.
    pub dir: Option<PathBuf>,
    /// The longest video that is kept.
    pub max_bytes: u64,
}

impl Default for Spool {
    /// Up to 4 GiB in the system's folder for temporary files.
    fn default() -> Self {
        Self { dir: None, max_bytes: 4 << 30 }
    }
}

impl Spool {
    /// Keeps the chunks and everything else that comes through the feed; the file is at its start again.
    pub(super) fn keep(
        &self,
        chunks: Vec<Chunk>,
        receiver: &FeedReceiver,
        cancel: &CancelToken,
    ) -> Result<(File, u64), FrameError> {
        let mut file = self.create().map_err(failed)?;
        let mut len = 0;
        for chunk in chunks {
            self.append(&mut file, &mut len, (*chunk).as_ref())?;
        }
        while let Some(chunk) = head::next(receiver, cancel)? {
            self.append(&mut file, &mut len, (*chunk).as_ref())?;
        }
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        Ok((file, len))
    }

    fn create(&self) -> io::Result<File> {
        self.dir.as_ref().map_or_else(tempfile::tempfile, tempfile::tempfile_in)
    }

    fn append(&self, file: &mut File, len: &mut u64, bytes: &[u8]) -> Result<(), FrameError> {
        *len = len.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if *len > self.max_bytes {
            return Err(FrameError::SpoolFull { max_bytes: self.max_bytes });
        }
        file.write_all(bytes).map_err(failed)
    }
}

fn failed(source: io::Error) -> FrameError {
    FrameError::Io { doing: "keeping the video on disk until its index comes", source }
}
