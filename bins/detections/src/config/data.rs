//! Where the program keeps what survives its end.

use std::path::PathBuf;

use super::reader::Reader;

/// Where the program keeps what survives its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataConfig {
    /// The folder; it is made only when something needs it.
    pub dir: PathBuf,
}

impl DataConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self { dir: reader.path("data.dir").unwrap_or_else(|| "detections-data".into()) }
    }
}
