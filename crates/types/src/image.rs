//! Pixels of one picture, owned and borrowed, with their layout in memory.

use crate::ErrorKind;

/// How the bytes of an image stand for colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PixelFormat {
    /// Interleaved 8-bit red, green, blue; sRGB as stored, full range.
    Rgb8,
}

impl PixelFormat {
    /// Bytes of one pixel in a row.
    #[must_use]
    pub const fn bytes_per_pixel(self) -> usize {
        match self {
            Self::Rgb8 => 3,
        }
    }
}

/// Why pixels were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// Width or height is zero.
    #[error("an image of {width}x{height} pixels has no pixels")]
    Empty {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The rows do not fit the stride, or the buffer does not hold all rows.
    #[error("{bytes} bytes with a stride of {stride} do not hold {width}x{height} pixels")]
    BufferMismatch {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Bytes from one row's start to the next.
        stride: usize,
        /// Length of the buffer.
        bytes: usize,
    },
}

impl ImageError {
    /// What kind of failure this is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Empty { .. } | Self::BufferMismatch { .. } => ErrorKind::InvalidInput,
        }
    }
}

/// A picture that owns its pixels.
///
/// ```
/// use detections_types::Image;
///
/// let grey = Image::rgb8(4, 2, vec![114; 4 * 2 * 3]).unwrap();
/// assert_eq!(grey.view().row(1).len(), 12);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    width: u32,
    height: u32,
    format: PixelFormat,
    stride: usize,
    data: Vec<u8>,
}

impl Image {
    /// An RGB picture whose rows follow each other without padding.
    ///
    /// # Errors
    /// [`ImageError`] when a side is zero or `data` is not exactly `width * height * 3` bytes long.
    pub fn rgb8(width: u32, height: u32, data: Vec<u8>) -> Result<Self, ImageError> {
        let stride = width as usize * PixelFormat::Rgb8.bytes_per_pixel();
        ImageView::new(width, height, PixelFormat::Rgb8, stride, &data)?;
        if data.len() != stride * height as usize {
            return Err(ImageError::BufferMismatch { width, height, stride, bytes: data.len() });
        }
        Ok(Self { width, height, format: PixelFormat::Rgb8, stride, data })
    }

    /// Width in pixels.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// A borrowed view of all pixels.
    #[must_use]
    pub fn view(&self) -> ImageView<'_> {
        let Self { width, height, format, stride, ref data } = *self;
        ImageView { width, height, format, stride, data }
    }

    /// The bytes, row after row, to draw on.
    #[must_use]
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// The bytes, row after row.
    #[must_use]
    pub fn into_data(self) -> Vec<u8> {
        self.data
    }
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({}x{} {:?})", self.width, self.height, self.format)
    }
}

/// A picture whose pixels somebody else owns.
#[derive(Clone, Copy)]
pub struct ImageView<'a> {
    width: u32,
    height: u32,
    format: PixelFormat,
    stride: usize,
    data: &'a [u8],
}

impl<'a> ImageView<'a> {
    /// A view of `data`, whose rows start every `stride` bytes.
    ///
    /// # Errors
    /// [`ImageError`] when a side is zero or the rows do not fit into `data`.
    pub fn new(
        width: u32,
        height: u32,
        format: PixelFormat,
        stride: usize,
        data: &'a [u8],
    ) -> Result<Self, ImageError> {
        if width == 0 || height == 0 {
            return Err(ImageError::Empty { width, height });
        }
        let row = width as usize * format.bytes_per_pixel();
        let needed = stride.checked_mul(height as usize - 1).and_then(|n| n.checked_add(row));
        if stride < row || needed.is_none_or(|needed| data.len() < needed) {
            return Err(ImageError::BufferMismatch { width, height, stride, bytes: data.len() });
        }
        Ok(Self { width, height, format, stride, data })
    }

    /// Width in pixels.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Layout of the bytes.
    #[must_use]
    pub const fn format(&self) -> PixelFormat {
        self.format
    }

    /// All rows at once, where no padding is between them.
    #[must_use]
    pub fn contiguous(&self) -> Option<&'a [u8]> {
        let row = self.width as usize * self.format.bytes_per_pixel();
        (self.stride == row).then(|| &self.data[..row * self.height as usize])
    }

    /// The bytes of row `y`, without the padding behind it.
    ///
    /// # Panics
    /// When `y` is not below the height.
    #[must_use]
    pub fn row(&self, y: u32) -> &'a [u8] {
        let start = y as usize * self.stride;
        &self.data[start..start + self.width as usize * self.format.bytes_per_pixel()]
    }
}

impl std::fmt::Debug for ImageView<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ImageView({}x{} {:?})", self.width, self.height, self.format)
    }
}

#[cfg(test)]
mod tests {
    use super::{Image, ImageError, ImageView, PixelFormat};

    #[test]
    fn a_buffer_of_the_wrong_size_is_refused() {
        assert!(matches!(Image::rgb8(2, 2, vec![0; 11]), Err(ImageError::BufferMismatch { .. })));
        assert!(matches!(Image::rgb8(2, 2, vec![0; 13]), Err(ImageError::BufferMismatch { .. })));
        assert!(matches!(Image::rgb8(0, 2, vec![]), Err(ImageError::Empty { .. })));
    }

    #[test]
    fn a_view_skips_the_padding_behind_each_row() {
        let data: Vec<u8> = (0..16).collect();
        let view = ImageView::new(2, 2, PixelFormat::Rgb8, 8, &data).unwrap();
        assert_eq!(view.row(1), [8, 9, 10, 11, 12, 13]);
        assert_eq!(view.contiguous(), None);
        let tight = ImageView::new(2, 2, PixelFormat::Rgb8, 6, &data).unwrap();
        assert_eq!(tight.contiguous(), Some(&data[..12]));
    }

    #[test]
    fn the_last_row_needs_no_padding() {
        assert!(ImageView::new(2, 2, PixelFormat::Rgb8, 8, &[0; 14]).is_ok());
        assert!(ImageView::new(2, 2, PixelFormat::Rgb8, 8, &[0; 13]).is_err());
        assert!(ImageView::new(2, 2, PixelFormat::Rgb8, 5, &[0; 99]).is_err());
    }

    #[test]
    fn absurd_sizes_do_not_overflow() {
        assert!(ImageView::new(1, u32::MAX, PixelFormat::Rgb8, usize::MAX, &[0; 9]).is_err());
    }
}
