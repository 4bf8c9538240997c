//! What a still picture may cost, checked against its header before anything is decoded.

use crate::{FrameError, StillFormat};

/// Limits of one still picture, its upright form included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StillLimits {
    /// The widest picture, in pixels as stored.
    pub max_width: u32,
    /// The highest picture, in pixels as stored.
    pub max_height: u32,
    /// The most pixels.
    pub max_pixels: u64,
    /// The most memory that decoding may take at once, in bytes: the pixels, the decoder's own
    /// buffers and, where the picture has to be turned, the second copy.
    pub max_memory_bytes: u64,
}

impl Default for StillLimits {
    /// Sides of 65,535, 100 million pixels, 1 GiB.
    fn default() -> Self {
        Self {
            max_width: 65_535,
            max_height: 65_535,
            max_pixels: 100_000_000,
            max_memory_bytes: 1 << 30,
        }
    }
}

impl StillLimits {
    /// Checks a picture's size.
    pub(crate) fn check_size(
        &self,
        format: StillFormat,
        width: u32,
        height: u32,
    ) -> Result<(), FrameError> {
        let &Self { max_width, max_height, max_pixels, .. } = self;
        if width == 0 || height == 0 {
            return Err(FrameError::NoPixels { format, width, height });
        }
        if width > max_width || height > max_height {
            return Err(FrameError::Sides { width, height, max_width, max_height });
        }
        if u64::from(width) * u64::from(height) > max_pixels {
            return Err(FrameError::Pixels { width, height, max_pixels });
        }
        Ok(())
    }

    /// Checks an estimate of the memory that decoding takes.
    pub(crate) const fn check_memory(
        &self,
        format: StillFormat,
        needed: u64,
    ) -> Result<(), FrameError> {
        let limit = self.max_memory_bytes;
        if needed > limit {
            return Err(FrameError::Memory { format, needed, limit });
        }
        Ok(())
    }
}
