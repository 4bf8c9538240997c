//! The settings of videos and of the jobs that search them.

use std::{path::PathBuf, time::Duration};

use super::reader::{Reader, number};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

/// Videos, their admission and what is kept of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoConfig {
    /// Largest video.
    pub max_body_bytes: u64,
    /// Most videos in work.
    pub max_in_flight: usize,
    /// After how long a video is given up; also the most that a request may ask for.
    pub timeout: Duration,
    /// After how long without progress a decoder counts as stalled.
    pub stall_timeout: Duration,
    /// Encoded bytes that may wait for the decoder.
    pub feed_bytes: usize,
    /// Most bytes on disk of a video whose index comes last.
    pub spool_bytes: u64,
    /// Where spools lie; `None` is the system's folder for temporary files.
    pub spool_dir: Option<PathBuf>,
    /// Bytes of events that may wait for their reader in memory.
    pub event_memory_bytes: usize,
    /// Bytes of events that may wait for their reader on disk.
    pub event_spool_bytes: u64,
}

/// Jobs that can be asked for by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobsConfig {
    /// Most jobs, those that have ended included.
    pub max: usize,
    /// How long a job is kept after its end.
    pub ttl: Duration,
}

impl VideoConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let bytes =
            |reader: &mut Reader, key: &str, default| reader.get(key, default, number(0..=TIB));
        Self {
            max_body_bytes: reader.get("video.max_body_bytes", 8 * GIB, number(1..=TIB)),
            max_in_flight: reader.get("video.max_in_flight", 4, number(1..=1024)),
            timeout: reader.millis("video.timeout_ms", 3_600_000),
            stall_timeout: reader.millis("video.stall_timeout_ms", 10_000),
            feed_bytes: memory(reader, "video.feed_bytes", 64 * KIB),
            spool_bytes: bytes(reader, "video.spool_bytes", 2 * GIB),
            spool_dir: reader.path("video.spool_dir"),
            event_memory_bytes: memory(reader, "video.event_memory_bytes", 0),
            event_spool_bytes: bytes(reader, "video.event_spool_bytes", 256 * MIB),
        }
    }
}

impl JobsConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            max: reader.get("jobs.max", 64, number(1..=65_536)),
            ttl: reader.millis("jobs.ttl_ms", 600_000),
        }
    }
}

/// A number of bytes in memory, 1 MiB where nothing is set.
fn memory(reader: &mut Reader, key: &str, least: u64) -> usize {
    usize::try_from(reader.get(key, MIB, number(least..=GIB))).unwrap_or(usize::MAX)
}
