//! A decoder's buffer as a picture, shared and not copied.

use std::sync::Arc;

use detections_types::{Image, PixelFormat, PlaneLayout, YuvColor, YuvMatrix, YuvRange};
use gstreamer as gst;
use gstreamer_video as gst_video;

use crate::FrameError;

/// The picture in `buffer`.
pub(super) fn picture(
    buffer: gst::Buffer,
    video: &gst_video::VideoInfo,
) -> Result<Image, FrameError> {
    let format = format(video)?;
    let (width, height) = (video.width(), video.height());
    let planes = planes(&buffer, video);
    let mapped = buffer
        .into_mapped_buffer_readable()
        .map_err(|_unmapped| undecodable("a frame's memory cannot be read"))?;
    Image::shared(width, height, format, planes, Arc::new(mapped))
        .map_err(|error| undecodable(&error.to_string()))
}

fn undecodable(message: &str) -> FrameError {
    FrameError::UndecodableVideo { message: message.to_owned() }
}

/// Where the planes lie: as this buffer says, or else as its format always has them.
fn planes(
    buffer: &gst::Buffer,
    video: &gst_video::VideoInfo,
) -> [PlaneLayout; PixelFormat::MAX_PLANES] {
    let meta = buffer.meta::<gst_video::VideoMeta>();
    let (offsets, strides) = meta
        .as_ref()
        .map_or((video.offset(), video.stride()), |meta| (meta.offset(), meta.stride()));
    let mut planes = [PlaneLayout::default(); PixelFormat::MAX_PLANES];
    for (plane, (&offset, &stride)) in planes.iter_mut().zip(offsets.iter().zip(strides)) {
        // A negative stride leaves no room for a row, which the picture refuses.
        *plane = PlaneLayout { offset, stride: usize::try_from(stride).unwrap_or(0) };
    }
    planes
}

fn format(video: &gst_video::VideoInfo) -> Result<PixelFormat, FrameError> {
    let color = color(&video.colorimetry());
    let format = video.format();
    if format == gst_video::VideoFormat::I420 {
        Ok(PixelFormat::I420(color))
    } else if format == gst_video::VideoFormat::Nv12 {
        Ok(PixelFormat::Nv12(color))
    } else {
        Err(undecodable(&format!("frames of format {format:?} were not asked for")))
    }
}

/// Matrices that are hardly ever used count as that of standard definition, whose weights are the nearest.
fn color(colorimetry: &gst_video::VideoColorimetry) -> YuvColor {
    let matrix = colorimetry.matrix();
    let matrix = if matrix == gst_video::VideoColorMatrix::Bt709 {
        YuvMatrix::Bt709
    } else if matrix == gst_video::VideoColorMatrix::Bt2020 {
        YuvMatrix::Bt2020
    } else {
        YuvMatrix::Bt601
    };
    let full = colorimetry.range() == gst_video::VideoColorRange::Range0_255;
    let range = if full { YuvRange::Full } else { YuvRange::Limited };
    YuvColor { matrix, range }
}
