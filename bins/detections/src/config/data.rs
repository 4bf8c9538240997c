//! Where the program keeps what outlives it.

use std::path::PathBuf;

use super::reader::Reader;

/// Where the program keeps what outlives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataConfig {
    /// The folder; it is made when something is kept.
    pub dir: PathBuf,
}

impl DataConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self { dir: reader.path("data.dir").unwrap_or_else(|| "detections-data".into()) }
    }
}
