//! How bytes stand for colours, and where the planes of a picture lie.

/// How the bytes of an image stand for colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PixelFormat {
    /// Interleaved 8-bit red, green, blue; sRGB as stored, full range.
    Rgb8,
    /// Three planes of 8 bits: luma, and blue and red difference at half the width and height, rounded up.
    I420(YuvColor),
    /// Two planes of 8 bits: luma, and interleaved blue and red difference at half the width and height,
    /// rounded up.
    Nv12(YuvColor),
}

impl PixelFormat {
    /// The most planes that any format has.
    pub const MAX_PLANES: usize = 3;

    /// How many planes there are.
    #[must_use]
    pub const fn planes(self) -> usize {
        match self {
            Self::Rgb8 => 1,
            Self::I420(_) => 3,
            Self::Nv12(_) => 2,
        }
    }

    /// Whether no colour sample begins in front of the pixel at `x`, `y` and covers it too.
    pub(super) const fn begins_sample(self, x: u32, y: u32) -> bool {
        match self {
            Self::Rgb8 => true,
            Self::I420(_) | Self::Nv12(_) => x.is_multiple_of(2) && y.is_multiple_of(2),
        }
    }

    /// Bytes in a row of `plane` and its rows, without padding, of a picture of `width` x `height` pixels.
    #[must_use]
    pub const fn plane_size(self, plane: usize, width: u32, height: u32) -> (usize, usize) {
        let (width, height) = (width as usize, height as usize);
        let half = (width.div_ceil(2), height.div_ceil(2));
        match (self, plane) {
            (Self::Rgb8, _) => (width * 3, height),
            (Self::I420(_) | Self::Nv12(_), 0) => (width, height),
            (Self::I420(_), _) => half,
            (Self::Nv12(_), _) => (half.0 * 2, half.1),
        }
    }
}

/// How luma and colour differences become red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct YuvColor {
    /// The weights of red, green and blue in luma.
    pub matrix: YuvMatrix,
    /// Which bytes are black and white.
    pub range: YuvRange,
}

/// The weights of red and blue in luma, and so of all conversions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum YuvMatrix {
    /// ITU-R BT.601: standard definition, and what JPEG uses.
    #[default]
    Bt601,
    /// ITU-R BT.709: high definition.
    Bt709,
    /// ITU-R BT.2020 with non-constant luminance: ultra high definition.
    Bt2020,
}

impl YuvMatrix {
    /// The weights of red and of blue in luma, Kr and Kb; green has the rest.
    #[must_use]
    pub const fn weights(self) -> (f64, f64) {
        match self {
            Self::Bt601 => (0.299, 0.114),
            Self::Bt709 => (0.2126, 0.0722),
            Self::Bt2020 => (0.2627, 0.0593),
        }
    }
}

/// Which bytes are black and white.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum YuvRange {
    /// Luma 16..=235, differences 16..=240: what nearly all video has.
    #[default]
    Limited,
    /// 0..=255.
    Full,
}

/// Where a plane lies within a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PlaneLayout {
    /// Bytes in front of its first row.
    pub offset: usize,
    /// Bytes from one row's start to the next.
    pub stride: usize,
}

impl PlaneLayout {
    /// The layouts of a format with one plane.
    pub(super) const fn single(stride: usize) -> [Self; PixelFormat::MAX_PLANES] {
        let unused = Self { offset: 0, stride: 0 };
        [Self { offset: 0, stride }, unused, unused]
    }
}
