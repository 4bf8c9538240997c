//! From a picture's pixels to the model's input: what is done to them, and how boxes find back.

mod geometry;
mod letterbox;
mod tiles;

use std::fmt;

pub(crate) use self::tiles::Plan;
pub use self::{geometry::Letterbox, letterbox::Letterboxer};

/// The order of the colour planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelOrder {
    /// Red first.
    Rgb,
    /// Blue first, as OpenCV reads pictures.
    Bgr,
}

/// The numbers that stand for black to white.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelScale {
    /// 0 to 1.
    Unit,
    /// 0 to 255.
    Bytes,
    /// 0 to 1 less ImageNet's mean, over its standard deviation, for each colour.
    ImageNet,
}

impl PixelScale {
    /// What a byte is multiplied with.
    pub(crate) const fn factor(self) -> f32 {
        match self {
            Self::Unit | Self::ImageNet => 1.0 / 255.0,
            Self::Bytes => 1.0,
        }
    }

    /// What is taken off red, green and blue afterwards, and what the rest is divided by: torchvision's
    /// <https://pytorch.org/vision/stable/models.html>.
    pub(crate) const fn normal(self) -> Option<[[f32; 2]; 3]> {
        match self {
            Self::Unit | Self::Bytes => None,
            Self::ImageNet => Some([[0.485, 0.229], [0.456, 0.224], [0.406, 0.225]]),
        }
    }
}

/// Where the picture lies within the model's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Placement {
    /// In the middle; sides are rounded, as Ultralytics does.
    Centre,
    /// In the top-left corner; sides are rounded down, as YOLOX does.
    TopLeft,
    /// Everywhere: its proportions give way, as the DETR families do.
    Stretch,
}

/// What is done to a picture's pixels before a model sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Preprocess {
    /// Order of the colour planes.
    pub order: ChannelOrder,
    /// Numbers of black and white.
    pub scale: PixelScale,
    /// Where the picture lies.
    pub placement: Placement,
    /// The byte around the picture, in all planes.
    pub pad: u8,
}

impl Preprocess {
    /// The grey with which the YOLO families fill the space around a picture.
    pub const GREY: u8 = 114;
}

impl fmt::Display for Preprocess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = match self.order {
            ChannelOrder::Rgb => "RGB",
            ChannelOrder::Bgr => "BGR",
        };
        let scale = match self.scale {
            PixelScale::Unit => "0..1",
            PixelScale::Bytes => "0..255",
            PixelScale::ImageNet => "0..1 less ImageNet's mean over its deviation",
        };
        let placement = match self.placement {
            Placement::Centre => "centred letterbox",
            Placement::TopLeft => "top-left letterbox",
            Placement::Stretch => "stretched",
        };
        write!(f, "{order} {scale}, {placement}")
    }
}
