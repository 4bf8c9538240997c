//! What can go wrong between encoded media and pixels.

use std::{error::Error, path::PathBuf, time::Duration};

use detections_types::{ErrorKind, Interrupt};

use crate::StillFormat;

/// Why there are no pixels.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// There are no bytes at all.
    #[error("the picture is empty")]
    Empty,
    /// The first bytes are those of no supported format.
    #[error("the bytes are no JPEG, PNG, WebP, GIF, TIFF or BMP picture")]
    UnknownFormat,
    /// The format is known, but not this variant of it.
    #[error("this variant of {format} is not supported")]
    Unsupported {
        /// Which format.
        format: StillFormat,
        /// What the decoder said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The picture ends before its last pixel.
    #[error("the {format} picture is truncated")]
    Truncated {
        /// Which format.
        format: StillFormat,
    },
    /// The picture is damaged.
    #[error("the {format} picture cannot be decoded")]
    Undecodable {
        /// Which format.
        format: StillFormat,
        /// What the decoder said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The header states a width or height of zero.
    #[error("the {format} picture has no pixels: {width}x{height}")]
    NoPixels {
        /// Which format.
        format: StillFormat,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// A side is longer than allowed.
    #[error("a picture of {width}x{height} pixels exceeds {max_width}x{max_height}")]
    Sides {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The widest allowed.
        max_width: u32,
        /// The highest allowed.
        max_height: u32,
    },
    /// The picture has more pixels than allowed.
    #[error("a picture of {width}x{height} pixels has more than {max_pixels} pixels")]
    Pixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The most allowed.
        max_pixels: u64,
    },
    /// Decoding would need more memory than allowed.
    #[error("decoding the {format} picture needs {needed} bytes of memory, more than {limit}")]
    Memory {
        /// Which format.
        format: StillFormat,
        /// Estimated bytes, the pixels included.
        needed: u64,
        /// The most allowed.
        limit: u64,
    },
    /// The decoder met its memory limit, of which the header did not tell.
    #[error("decoding the {format} picture needs more memory than is allowed")]
    DecoderMemory {
        /// Which format.
        format: StillFormat,
        /// What the decoder said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The decoder itself is at fault.
    #[error("the decoder of {format} pictures panicked")]
    DecoderPanicked {
        /// Which format.
        format: StillFormat,
    },
    /// The upload ended before its last byte.
    #[error("the upload ended before its last byte")]
    UploadAborted,
    /// The bytes are those of no supported container or stream.
    #[error("the bytes are no video of a supported kind")]
    UnknownVideo,
    /// The video has no byte.
    #[error("the video is empty")]
    EmptyVideo,
    /// The container was read, but there is no picture stream in it.
    #[error("the {container} file has no video stream")]
    NoVideoStream {
        /// Which container.
        container: String,
    },
    /// The video ended without any frame.
    #[error("the video has no frame that can be decoded")]
    NoFrames,
    /// A plugin of GStreamer is not installed.
    #[error("nothing is installed that {task} {media}{}", in_package(*.package))]
    MissingPlugin {
        /// What it would do: `decodes`, `splits`, …
        task: &'static str,
        /// What it would do it with, as GStreamer writes it.
        media: String,
        /// The Debian package that brings it, where known.
        package: Option<&'static str>,
    },
    /// A frame has more pixels than allowed.
    #[error("a frame of {width}x{height} pixels has more than {max_pixels} pixels")]
    FramePixels {
        /// Width in pixels, upright and square.
        width: u32,
        /// Height in pixels, upright and square.
        height: u32,
        /// The most allowed.
        max_pixels: u64,
    },
    /// The fewest frames that decoding needs at once take more memory than allowed.
    #[error(
        "decoding frames of {width}x{height} pixels needs {needed} bytes of memory, more than {limit}"
    )]
    FrameMemory {
        /// Width in pixels, upright and square.
        width: u32,
        /// Height in pixels, upright and square.
        height: u32,
        /// Bytes of the fewest frames.
        needed: u64,
        /// The most allowed.
        limit: u64,
    },
    /// So many bytes hold no whole picture, and keeping more of them would need too much memory.
    #[error("more than {max_bytes} bytes of the video hold no whole picture")]
    NoPictureWithin {
        /// The most bytes that are taken without one.
        max_bytes: u64,
    },
    /// The index of the video comes last, and what is in front of it is too long to be kept.
    #[error("a video whose index comes last has more than {max_bytes} bytes")]
    SpoolFull {
        /// The most bytes that are kept.
        max_bytes: u64,
    },
    /// Some of the video is damaged; decoding goes on behind it.
    #[error("a part of the video is damaged: {message}")]
    Corrupt {
        /// What the decoder said.
        message: String,
        /// When the damaged part is shown, as far as it is known.
        pts: Option<Duration>,
    },
    /// The video is cut short; all of its frames that came were given.
    #[error("the video ends {missing} bytes before the end that its container states")]
    CutShort {
        /// Bytes that did not come, at least.
        missing: u64,
    },
    /// The video cannot be decoded any further.
    #[error("the video cannot be decoded: {message}")]
    UndecodableVideo {
        /// What the decoder said.
        message: String,
    },
    /// The decoder has bytes, but neither takes more nor gives a frame.
    #[error("the decoder made no progress for {} ms", .after.as_millis())]
    Stalled {
        /// How long it was waited for.
        after: Duration,
    },
    /// Nobody waits for the frames any more.
    #[error("decoding was stopped: {}", interrupted(*.0))]
    Interrupted(Interrupt),
    /// Reading or writing a file failed.
    #[error("{doing}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// A video cannot be written to its file.
    #[error("{} cannot be written", .path.display())]
    WriteVideo {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// GStreamer itself does not work.
    #[error("GStreamer failed: {message}")]
    GStreamer {
        /// What it said.
        message: String,
    },
    /// Pixels cannot be encoded.
    #[error("the picture cannot be encoded")]
    Encode(#[source] Box<dyn Error + Send + Sync>),
}

impl FrameError {
    /// Whether the source gives no further frame.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        !matches!(self, Self::Corrupt { .. } | Self::CutShort { .. })
    }

    /// When the damaged part of a video is shown, where that is known.
    #[must_use]
    pub const fn damaged_at(&self) -> Option<Duration> {
        if let Self::Corrupt { pts, .. } = self { *pts } else { None }
    }

    /// What kind of failure this is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Empty
            | Self::Truncated { .. }
            | Self::Undecodable { .. }
            | Self::NoPixels { .. }
            | Self::EmptyVideo
            | Self::NoVideoStream { .. }
            | Self::NoFrames
            | Self::UploadAborted
            | Self::Corrupt { .. }
            | Self::CutShort { .. }
            | Self::UndecodableVideo { .. }
            | Self::Stalled { .. } => ErrorKind::InvalidInput,
            Self::UnknownFormat
            | Self::Unsupported { .. }
            | Self::UnknownVideo
            | Self::MissingPlugin { .. } => ErrorKind::Unsupported,
            Self::Interrupted(Interrupt::Cancelled) => ErrorKind::Cancelled,
            Self::Interrupted(Interrupt::TimedOut) => ErrorKind::TimedOut,
            Self::Sides { .. }
            | Self::FramePixels { .. }
            | Self::FrameMemory { .. }
            | Self::NoPictureWithin { .. }
            | Self::SpoolFull { .. }
            | Self::Pixels { .. }
            | Self::Memory { .. }
            | Self::DecoderMemory { .. } => ErrorKind::TooLarge,
            Self::DecoderPanicked { .. }
            | Self::Encode(_)
            | Self::WriteVideo { .. }
            | Self::Io { .. }
            | Self::GStreamer { .. } => ErrorKind::Internal,
        }
    }
}

fn in_package(package: Option<&str>) -> String {
    package.map_or_else(String::new, |package| format!("; Debian has it in {package}"))
}

const fn interrupted(interrupt: Interrupt) -> &'static str {
    match interrupt {
        Interrupt::Cancelled => "cancelled",
        Interrupt::TimedOut => "the deadline passed",
    }
}
