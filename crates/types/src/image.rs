//! Pixels of one picture, owned, shared and borrowed, with their layout in memory.

mod format;
mod region;
mod view;

use std::sync::Arc;

pub use self::{
    format::{PixelFormat, PlaneLayout, YuvColor, YuvMatrix, YuvRange},
    region::Region,
    view::ImageView,
};
use crate::ErrorKind;

/// Bytes that somebody else made and that are shared as they are, a decoder's buffer for example.
pub type SharedBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

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
    /// A part reaches beyond the picture, or begins within a colour sample.
    #[error(
        "a picture of {width}x{height} pixels has no part {region} that begins with a colour sample"
    )]
    Region {
        /// The part.
        region: Region,
        /// Width of the picture in pixels.
        width: u32,
        /// Height of the picture in pixels.
        height: u32,
    },
}

impl ImageError {
    /// What kind of failure this is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Empty { .. } | Self::BufferMismatch { .. } | Self::Region { .. } => {
                ErrorKind::InvalidInput
            }
        }
    }
}

/// A picture that holds its pixels, alone or shared.
///
/// ```
/// use detections_types::Image;
///
/// let grey = Image::rgb8(4, 2, vec![114; 4 * 2 * 3]).unwrap();
/// assert_eq!(grey.view().row(1).len(), 12);
/// ```
#[derive(Clone)]
pub struct Image {
    width: u32,
    height: u32,
    format: PixelFormat,
    planes: [PlaneLayout; PixelFormat::MAX_PLANES],
    data: Pixels,
}

#[derive(Clone)]
enum Pixels {
    Owned(Vec<u8>),
    Shared(SharedBytes),
}

impl Pixels {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => (**bytes).as_ref(),
        }
    }
}

impl Image {
    /// An RGB picture whose rows follow each other without padding.
    ///
    /// # Errors
    /// [`ImageError`] when a side is zero or `data` is not exactly `width * height * 3` bytes long.
    pub fn rgb8(width: u32, height: u32, data: Vec<u8>) -> Result<Self, ImageError> {
        let stride = width as usize * 3;
        let planes = PlaneLayout::single(stride);
        ImageView::planar(width, height, PixelFormat::Rgb8, &planes, &data)?;
        if data.len() != stride * height as usize {
            return Err(ImageError::BufferMismatch { width, height, stride, bytes: data.len() });
        }
        let data = Pixels::Owned(data);
        Ok(Self { width, height, format: PixelFormat::Rgb8, planes, data })
    }

    /// A picture over bytes that are shared and not copied; `planes` says where each plane lies in them.
    ///
    /// # Errors
    /// [`ImageError`] when a side is zero or a plane does not fit into `data`.
    pub fn shared(
        width: u32,
        height: u32,
        format: PixelFormat,
        planes: [PlaneLayout; PixelFormat::MAX_PLANES],
        data: SharedBytes,
    ) -> Result<Self, ImageError> {
        ImageView::planar(width, height, format, &planes, (*data).as_ref())?;
        Ok(Self { width, height, format, planes, data: Pixels::Shared(data) })
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

    /// A borrowed view of all pixels.
    #[must_use]
    pub fn view(&self) -> ImageView<'_> {
        let Self { width, height, format, ref planes, ref data } = *self;
        ImageView::of_checked(width, height, format, planes, data.bytes())
    }

    /// The bytes of all planes, to draw on; shared bytes are copied first.
    #[must_use]
    pub fn data_mut(&mut self) -> &mut [u8] {
        if let Pixels::Shared(shared) = &self.data {
            self.data = Pixels::Owned((**shared).as_ref().to_vec());
        }
        match &mut self.data {
            Pixels::Owned(bytes) => bytes,
            // Made owned above.
            Pixels::Shared(_) => &mut [],
        }
    }

    /// The bytes of all planes; shared bytes are copied.
    #[must_use]
    pub fn into_data(self) -> Vec<u8> {
        match self.data {
            Pixels::Owned(bytes) => bytes,
            Pixels::Shared(bytes) => (*bytes).as_ref().to_vec(),
        }
    }
}

impl PartialEq for Image {
    /// Whether size, format and all pixels are equal, wherever they lie in memory.
    fn eq(&self, other: &Self) -> bool {
        self.view() == other.view()
    }
}

impl Eq for Image {}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({}x{} {:?})", self.width, self.height, self.format)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Image, ImageError, ImageView, PixelFormat, PlaneLayout, Region, YuvColor};

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

    fn i420(width: u32, height: u32, bytes: usize) -> Result<Image, ImageError> {
        let planes = [(0, 8), (32, 4), (40, 4)];
        let planes = planes.map(|(offset, stride)| PlaneLayout { offset, stride });
        let data: Vec<u8> = (0..bytes).map(|i| i.to_le_bytes()[0]).collect();
        Image::shared(width, height, PixelFormat::I420(YuvColor::default()), planes, Arc::new(data))
    }

    #[test]
    fn odd_sides_have_a_chroma_sample_for_the_last_pixel() {
        let image = i420(5, 3, 48).unwrap();
        assert_eq!(image.view().plane_row(0, 2), [16, 17, 18, 19, 20]);
        assert_eq!(image.view().plane_row(1, 1), [36, 37, 38]);
        assert_eq!(image.view().plane_row(2, 1), [44, 45, 46]);
        assert!(i420(5, 3, 46).is_err(), "the last chroma row is cut");
    }

    #[test]
    fn a_part_is_a_view_of_the_same_bytes() {
        let data: Vec<u8> = (0..4 * 3 * 3).collect();
        let image = Image::rgb8(4, 3, data).unwrap();
        let part = image.view().region(Region { x: 1, y: 1, width: 2, height: 2 }).unwrap();
        assert_eq!((part.width(), part.height(), part.contiguous()), (2, 2, None));
        assert_eq!(part.row(0), [15, 16, 17, 18, 19, 20]);
        assert_eq!(part.row(1), [27, 28, 29, 30, 31, 32]);
    }

    #[test]
    fn a_part_takes_its_colour_along() {
        let image = i420(5, 3, 48).unwrap();
        let part = image.view().region(Region { x: 2, y: 2, width: 3, height: 1 }).unwrap();
        assert_eq!(part.plane_row(0, 0), [18, 19, 20]);
        assert_eq!(part.plane_row(1, 0), [37, 38]);
        assert_eq!(part.plane_row(2, 0), [45, 46]);
    }

    #[test]
    fn parts_that_a_picture_has_not_are_refused() {
        let image = i420(5, 3, 48).unwrap();
        let part = |x, y, width, height| image.view().region(Region { x, y, width, height });
        for (x, y, width, height) in
            [(4, 0, 2, 1), (0, 2, 1, 2), (u32::MAX, 0, 2, 1), (1, 0, 2, 2), (0, 1, 2, 2)]
        {
            assert!(matches!(part(x, y, width, height), Err(ImageError::Region { .. })), "{x} {y}");
        }
        assert!(matches!(part(0, 0, 0, 1), Err(ImageError::Empty { .. })));
        assert!(part(4, 2, 1, 1).is_ok());
    }

    #[test]
    fn shared_pixels_are_copied_before_they_are_drawn_on() {
        let image = i420(5, 3, 48).unwrap();
        let mut drawn = image.clone();
        drawn.data_mut()[0] = 99;
        assert_eq!((image.view().row(0)[0], drawn.view().row(0)[0]), (0, 99));
        assert_ne!(image, drawn);
    }
}
