//! The kinds of media that can be told apart by their first bytes.

/// What some media is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// A still picture, or a file whose first picture is taken.
    Image(ImageKind),
    /// A film: a container, or a bare video stream.
    Video(VideoKind),
}

impl MediaKind {
    /// The media type, as in a `Content-Type` header.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Image(kind) => kind.mime(),
            Self::Video(kind) => kind.mime(),
        }
    }

    /// Whether it may hold a film that can be decoded: JPEGs one behind the other are Motion JPEG.
    #[must_use]
    pub const fn may_be_video(self) -> bool {
        match self {
            Self::Video(_) => true,
            Self::Image(kind) => matches!(kind, ImageKind::Jpeg),
        }
    }
}

/// A format of still pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageKind {
    /// JPEG.
    Jpeg,
    /// Portable network graphics.
    Png,
    /// WebP.
    WebP,
    /// Graphics interchange format.
    Gif,
    /// Tagged image file format, either byte order.
    Tiff,
    /// Windows bitmap.
    Bmp,
}

impl ImageKind {
    /// The media type, as in a `Content-Type` header.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
            Self::Tiff => "image/tiff",
            Self::Bmp => "image/bmp",
        }
    }
}

/// A video container, or a bare video stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VideoKind {
    /// MPEG-4 part 14 and its kin on the ISO base media file format.
    Mp4,
    /// QuickTime.
    QuickTime,
    /// Matroska.
    Matroska,
    /// WebM.
    WebM,
    /// Audio video interleave.
    Avi,
    /// MPEG transport stream, packets of 188 or 192 bytes.
    MpegTs,
    /// MPEG program stream.
    MpegPs,
    /// A bare H.264 stream with start codes.
    H264,
    /// A bare H.265 stream with start codes.
    H265,
}

impl VideoKind {
    /// The media type, as in a `Content-Type` header.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Mp4 => "video/mp4",
            Self::QuickTime => "video/quicktime",
            Self::Matroska => "video/x-matroska",
            Self::WebM => "video/webm",
            Self::Avi => "video/x-msvideo",
            Self::MpegTs => "video/mp2t",
            Self::MpegPs => "video/mpeg",
            Self::H264 => "video/h264",
            Self::H265 => "video/h265",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ImageKind, MediaKind, VideoKind};

    #[test]
    fn films_and_pictures_in_a_row_may_be_video() {
        let image = |kind| MediaKind::Image(kind).may_be_video();
        assert!(MediaKind::Video(VideoKind::Mp4).may_be_video());
        assert!(image(ImageKind::Jpeg) && !image(ImageKind::Gif));
        assert!(!image(ImageKind::Png) && !image(ImageKind::Tiff));
    }
}
