//! What can go wrong between encoded media and pixels.

use std::error::Error;

use detections_types::ErrorKind;

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
    /// Pixels cannot be encoded.
    #[error("the picture cannot be encoded")]
    Encode(#[source] Box<dyn Error + Send + Sync>),
}

impl FrameError {
    /// Whether the source gives no further frame.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        true
    }

    /// What kind of failure this is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Empty
            | Self::Truncated { .. }
            | Self::Undecodable { .. }
            | Self::NoPixels { .. }
            | Self::UploadAborted => ErrorKind::InvalidInput,
            Self::UnknownFormat | Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Sides { .. }
            | Self::Pixels { .. }
            | Self::Memory { .. }
            | Self::DecoderMemory { .. } => ErrorKind::TooLarge,
            Self::DecoderPanicked { .. } | Self::Encode(_) => ErrorKind::Internal,
        }
    }
}
