//! The containers and streams that are taken, and the words for them and their codecs.

use gstreamer as gst;

use super::index::Stated;

/// A chunk of an AVI file that holds nothing and is skipped.
const EMPTY_CHUNK: [u8; 8] = *b"JUNK\0\0\0\0";

/// What a video's first bytes say it is.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    /// As GStreamer writes it.
    pub(super) caps: gst::Caps,
    /// The container, or the codec of a bare stream, in one word.
    pub(super) word: &'static str,
    pub(super) layout: Layout,
    /// What is given in front of the first byte, for the sake of an element.
    pub(super) lead: Vec<u8>,
    /// What an index in front says of it.
    pub(super) stated: Option<Stated>,
}

impl Kind {
    /// What is given behind the last byte, for the sake of an element.
    pub(super) fn trailer(&self) -> &'static [[u8; 8]] {
        match self.word {
            // Empty chunks: the splitter takes each part of the header, and what came with it, only
            // when more comes.
            "avi" => &[EMPTY_CHUNK; 3],
            _ => &[],
        }
    }
}

/// How encoded pictures lie in the bytes, and what their times count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// A container with an index in front of or behind what it is needed for.
    Indexed,
    /// A container that is read from its start to its end.
    Streamed,
    /// A container whose clock runs on from anywhere.
    Broadcast,
    /// Nothing but encoded pictures, without times.
    Bare,
}

/// Only these: an element that a client's bytes choose might otherwise fetch what they name from elsewhere.
pub(super) fn kind(caps: &gst::Caps) -> Option<Kind> {
    let structure = caps.structure(0)?;
    let (word, layout) = match structure.name().as_str() {
        "video/quicktime" | "video/mj2" | "application/x-3gp" | "audio/x-m4a" => {
            ("quicktime", Layout::Indexed)
        }
        "video/x-matroska" | "audio/x-matroska" => ("matroska", Layout::Streamed),
        "video/webm" | "audio/webm" => ("webm", Layout::Streamed),
        "video/x-msvideo" => ("avi", Layout::Streamed),
        "video/mpegts" => ("mpegts", Layout::Broadcast),
        "video/mpeg" if structure.get("systemstream") == Ok(true) => ("mpegps", Layout::Broadcast),
        _ => (codec(structure)?, Layout::Bare),
    };
    let bare = layout == Layout::Bare;
    let taken = !bare || matches!(word, "h264" | "h265" | "mjpeg" | "mpeg1" | "mpeg2" | "mpeg4");
    taken.then(|| Kind { caps: caps.clone(), word, layout, lead: Vec::new(), stated: None })
}

/// The codec of encoded pictures in one word; `None` where they are none.
pub(super) fn codec(structure: &gst::StructureRef) -> Option<&'static str> {
    let version = structure.get("mpegversion").unwrap_or(0);
    Some(match structure.name().as_str() {
        "video/x-h264" => "h264",
        "video/x-h265" => "h265",
        "video/x-vp8" => "vp8",
        "video/x-vp9" => "vp9",
        "video/x-av1" => "av1",
        "image/jpeg" => "mjpeg",
        "image/png" => "png",
        "video/x-raw" => "raw",
        "video/mpeg" => match version {
            1 => "mpeg1",
            2 => "mpeg2",
            4 => "mpeg4",
            _ => "mpeg",
        },
        "video/x-divx" | "video/x-xvid" => "mpeg4",
        name if name.starts_with("video/") => "other",
        _ => return None,
    })
}

/// Whether the codec's pictures tell their place among those that are shown.
pub(super) fn tells_places(caps: &gst::Caps) -> bool {
    matches!(caps.structure(0).and_then(codec), Some("mpeg1" | "mpeg2"))
}

/// The Debian package with a software decoder of a codec.
pub(super) fn package(codec: &str) -> Option<&'static str> {
    match codec {
        "vp8" | "vp9" | "png" => Some("gstreamer1.0-plugins-good"),
        "av1" => Some("gstreamer1.0-plugins-bad"),
        "raw" => Some("gstreamer1.0-plugins-base"),
        _ => Some("gstreamer1.0-libav"),
    }
}
