//! The kind of media by its first bytes; names and headers that a client sends are not believed.

mod annex_b;
mod ebml;
mod iso;
mod mpeg;

use crate::{ImageKind, MediaKind, VideoKind};

/// How many leading bytes suffice: [`sniff`] never looks behind them.
pub const SNIFF_LEN: usize = 4096;

/// What the media is that starts with `head`, or `None` for what is not supported.
///
/// Give it the first [`SNIFF_LEN`] bytes, or all when there are fewer.
///
/// ```
/// use detections_media::{ImageKind, MediaKind, sniff};
///
/// assert_eq!(sniff(b"GIF89a\x10\0\x10\0"), Some(MediaKind::Image(ImageKind::Gif)));
/// assert_eq!(sniff(b"<html>"), None);
/// ```
#[must_use]
pub fn sniff(head: &[u8]) -> Option<MediaKind> {
    let head = &head[..head.len().min(SNIFF_LEN)];
    image(head).map(MediaKind::Image).or_else(|| video(head).map(MediaKind::Video))
}

fn image(head: &[u8]) -> Option<ImageKind> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    if starts(b"\xff\xd8\xff") {
        Some(ImageKind::Jpeg)
    } else if starts(b"\x89PNG\r\n\x1a\n") {
        Some(ImageKind::Png)
    } else if riff_form(head) == Some(b"WEBP") {
        Some(ImageKind::WebP)
    } else if starts(b"GIF87a") || starts(b"GIF89a") {
        Some(ImageKind::Gif)
    } else if starts(b"II\x2a\0") || starts(b"MM\0\x2a") {
        Some(ImageKind::Tiff)
    } else {
        is_bmp(head).then_some(ImageKind::Bmp)
    }
}

fn video(head: &[u8]) -> Option<VideoKind> {
    iso::sniff(head)
        .or_else(|| ebml::sniff(head))
        .or_else(|| (riff_form(head) == Some(b"AVI ")).then_some(VideoKind::Avi))
        .or_else(|| mpeg::sniff(head))
        .or_else(|| annex_b::sniff(head))
}

/// The form type of a RIFF file.
fn riff_form(head: &[u8]) -> Option<&[u8; 4]> {
    head.strip_prefix(b"RIFF")?.get(4..8)?.try_into().ok()
}

/// Two letters alone would make many a text a bitmap, so the header's size is looked at too.
fn is_bmp(head: &[u8]) -> bool {
    const HEADER_SIZES: [u32; 7] = [12, 40, 52, 56, 64, 108, 124];
    let header = le_u32(head, 14).filter(|size| HEADER_SIZES.contains(size));
    head.starts_with(b"BM")
        && header.is_some_and(|size| le_u32(head, 10).is_some_and(|pixels| pixels >= 14 + size))
}

fn le_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::{SNIFF_LEN, sniff};

    fn check(head: &[u8], expected: &str) {
        let mime = sniff(head).map_or("none", crate::MediaKind::mime);
        assert_eq!(mime, expected, "{head:02x?}");
    }

    fn bmp(header_size: u32, pixels: u32) -> Vec<u8> {
        let mut head = b"BM".to_vec();
        head.extend([0; 8]);
        head.extend(pixels.to_le_bytes());
        head.extend(header_size.to_le_bytes());
        head
    }

    #[test]
    fn pictures() {
        check(b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg");
        check(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png");
        check(b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp");
        check(b"GIF87a", "image/gif");
        check(b"GIF89a", "image/gif");
        check(b"II\x2a\0\x08\0\0\0", "image/tiff");
        check(b"MM\0\x2a\0\0\0\x08", "image/tiff");
        check(&bmp(40, 54), "image/bmp");
    }

    #[test]
    fn what_only_looks_like_a_picture() {
        check(b"", "none");
        check(b"\xff\xd8", "none");
        check(b"GIF88a", "none");
        check(b"II\x2b\0", "none");
        check(b"RIFF\x10\0\0\0WAVEfmt ", "none");
        check(b"BM is how this sentence starts", "none");
        check(&bmp(40, 20), "none");
    }

    #[test]
    fn riff_video() {
        check(b"RIFF\x10\0\0\0AVI LIST", "video/x-msvideo");
    }

    #[test]
    fn nothing_behind_the_stated_length_is_looked_at() {
        let mut head = vec![0; SNIFF_LEN + 400];
        head[..4].copy_from_slice(b"\0\0\0\x01");
        head[SNIFF_LEN..SNIFF_LEN + 5].copy_from_slice(b"\0\0\x01\x67\x42");
        check(&head, "none");
    }
}
