//! Which elements of those that are installed split, parse and decode a video.

use gstreamer::{self as gst, prelude::GstObjectExt as _, prelude::PluginFeatureExtManual as _};

use super::kinds;
use crate::FrameError;

/// An element that splits a container.
pub(super) fn demuxer(caps: &gst::Caps) -> Result<gst::Element, FrameError> {
    let found = best(gst::ElementFactoryType::DEMUXER, gst::Rank::MARGINAL, caps);
    make(found, "splits", caps, Some("gstreamer1.0-plugins-good"))
}

/// An element that cuts encoded pictures apart and reads their headers, where there is one.
pub(super) fn parser(caps: &gst::Caps) -> Result<Option<gst::Element>, FrameError> {
    // The parser of JPEG streams has no rank in some versions.
    let Some(found) = best(gst::ElementFactoryType::PARSER, gst::Rank::NONE, caps) else {
        return Ok(None);
    };
    make(Some(found), "parses", caps, None).map(Some)
}

/// A decoder that runs on the processor.
pub(super) fn decoder(caps: &gst::Caps) -> Result<gst::Element, FrameError> {
    let codec = caps.structure(0).and_then(kinds::codec);
    let found = best(gst::ElementFactoryType::DECODER, gst::Rank::MARGINAL, &bare(caps));
    make(found, "decodes", caps, codec.and_then(kinds::package))
}

/// What a parser does not change: without how the pictures are packed.
fn bare(caps: &gst::Caps) -> gst::Caps {
    const PACKING: [&str; 6] =
        ["stream-format", "alignment", "codec_data", "parsed", "framed", "streamheader"];
    let mut bare = caps.clone();
    for structure in bare.make_mut().iter_mut() {
        structure.remove_fields(PACKING);
        // Transparency is dropped, and elements that would decode it take nothing else.
        structure.set("codec-alpha", false);
    }
    bare
}

/// The element of the highest rank that takes `caps`; of several, the first by name.
fn best(
    kind: gst::ElementFactoryType,
    least: gst::Rank,
    caps: &gst::Caps,
) -> Option<gst::ElementFactory> {
    let takes = |factory: &gst::ElementFactory| {
        !factory.klass().contains("Hardware")
            && factory.static_pad_templates().iter().any(|template| {
                let own = template.caps();
                template.direction() == gst::PadDirection::Sink
                    && !own.is_any()
                    && own.can_intersect(caps)
            })
    };
    gst::ElementFactory::factories_with_type(kind, least)
        .into_iter()
        .filter(takes)
        .max_by(|a, b| a.rank().cmp(&b.rank()).then_with(|| b.name().cmp(&a.name())))
}

fn make(
    factory: Option<gst::ElementFactory>,
    task: &'static str,
    caps: &gst::Caps,
    package: Option<&'static str>,
) -> Result<gst::Element, FrameError> {
    let missing = || FrameError::MissingPlugin { task, media: describe(caps), package };
    let factory = factory.ok_or_else(missing)?;
    factory.create().build().map_err(|error| FrameError::GStreamer { message: error.to_string() })
}

/// The media type and what else is short enough to be read.
fn describe(caps: &gst::Caps) -> String {
    let Some(structure) = caps.structure(0) else { return String::from("nothing") };
    match structure.get::<&str>("profile") {
        Ok(profile) => format!("{} of profile {profile}", structure.name()),
        Err(_) => structure.name().to_string(),
    }
}
