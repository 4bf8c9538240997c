//! Pixels that are borrowed.

use super::{ImageError, PixelFormat, PlaneLayout, Region};

/// A picture whose pixels somebody else owns.
#[derive(Clone, Copy)]
pub struct ImageView<'a> {
    width: u32,
    height: u32,
    format: PixelFormat,
    planes: [Plane<'a>; PixelFormat::MAX_PLANES],
}

#[derive(Clone, Copy)]
struct Plane<'a> {
    data: &'a [u8],
    stride: usize,
    row_len: usize,
}

const NO_PLANE: Plane<'static> = Plane { data: &[], stride: 0, row_len: 0 };

impl<'a> ImageView<'a> {
    /// A view of `data`, the one plane of `format`, whose rows start every `stride` bytes.
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
        Self::planar(width, height, format, &PlaneLayout::single(stride), data)
    }

    /// A view of `data`, in which the planes of `format` lie as `layouts` says.
    ///
    /// # Errors
    /// [`ImageError`] when a side is zero or the rows of a plane do not fit into `data`.
    pub fn planar(
        width: u32,
        height: u32,
        format: PixelFormat,
        layouts: &[PlaneLayout; PixelFormat::MAX_PLANES],
        data: &'a [u8],
    ) -> Result<Self, ImageError> {
        if width == 0 || height == 0 {
            return Err(ImageError::Empty { width, height });
        }
        for (plane, layout) in layouts.iter().enumerate().take(format.planes()) {
            let (row, rows) = format.plane_size(plane, width, height);
            let needed = layout
                .stride
                .checked_mul(rows - 1)
                .and_then(|bytes| bytes.checked_add(row)?.checked_add(layout.offset));
            if layout.stride < row || needed.is_none_or(|needed| data.len() < needed) {
                let (stride, bytes) = (layout.stride, data.len());
                return Err(ImageError::BufferMismatch { width, height, stride, bytes });
            }
        }
        Ok(Self::of_checked(width, height, format, layouts, data))
    }

    /// A view of what [`planar`](Self::planar) has checked before.
    pub(super) fn of_checked(
        width: u32,
        height: u32,
        format: PixelFormat,
        layouts: &[PlaneLayout; PixelFormat::MAX_PLANES],
        data: &'a [u8],
    ) -> Self {
        let mut planes = [NO_PLANE; PixelFormat::MAX_PLANES];
        for (index, plane) in planes.iter_mut().enumerate().take(format.planes()) {
            let PlaneLayout { offset, stride } = layouts[index];
            let (row_len, _) = format.plane_size(index, width, height);
            *plane = Plane { data: &data[offset..], stride, row_len };
        }
        Self { width, height, format, planes }
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

    /// The pixels of `region` alone.
    ///
    /// # Errors
    /// [`ImageError::Empty`] when a side of `region` is zero, [`ImageError::Region`] when it reaches beyond the
    /// picture, or begins within a colour sample where colour has half the resolution.
    pub fn region(&self, region: Region) -> Result<Self, ImageError> {
        let Region { x, y, width, height } = region;
        if width == 0 || height == 0 {
            return Err(ImageError::Empty { width, height });
        }
        let ends = (x.checked_add(width), y.checked_add(height));
        let is_inside =
            ends.0.is_some_and(|x| x <= self.width) && ends.1.is_some_and(|y| y <= self.height);
        if !is_inside || !self.format.begins_sample(x, y) {
            return Err(ImageError::Region { region, width: self.width, height: self.height });
        }
        let mut part = Self { width, height, ..*self };
        for (index, plane) in part.planes.iter_mut().enumerate().take(self.format.planes()) {
            // What lies in front of the region, as a picture, is as long as the way to it.
            let (before, _) = self.format.plane_size(index, x, 1);
            let (_, above) = self.format.plane_size(index, 1, y);
            plane.data = &plane.data[above * plane.stride + before..];
            (plane.row_len, _) = self.format.plane_size(index, width, height);
        }
        Ok(part)
    }

    /// All rows at once, where there is one plane and no padding between its rows.
    #[must_use]
    pub fn contiguous(&self) -> Option<&'a [u8]> {
        let Plane { data, stride, row_len } = self.planes[0];
        let tight = self.format.planes() == 1 && stride == row_len;
        tight.then(|| &data[..row_len * self.height as usize])
    }

    /// The bytes of row `y` of the first plane, without the padding behind it.
    ///
    /// # Panics
    /// When `y` is not below the height.
    #[must_use]
    pub fn row(&self, y: u32) -> &'a [u8] {
        self.plane_row(0, y)
    }

    /// The bytes of row `y` of `plane`, without the padding behind it.
    ///
    /// # Panics
    /// When the format has no such plane, or the plane no such row.
    #[must_use]
    pub fn plane_row(&self, plane: usize, y: u32) -> &'a [u8] {
        let Plane { data, stride, row_len } = self.planes[plane];
        let start = y as usize * stride;
        &data[start..start + row_len]
    }
}

impl PartialEq for ImageView<'_> {
    fn eq(&self, other: &Self) -> bool {
        let key = |view: &Self| (view.width, view.height, view.format);
        key(self) == key(other)
            && (0..self.format.planes()).all(|plane| {
                let (_, rows) = self.format.plane_size(plane, 1, self.height);
                (0..u32::try_from(rows).unwrap_or(0))
                    .all(|y| self.plane_row(plane, y) == other.plane_row(plane, y))
            })
    }
}

impl Eq for ImageView<'_> {}

impl std::fmt::Debug for ImageView<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ImageView({}x{} {:?})", self.width, self.height, self.format)
    }
}
