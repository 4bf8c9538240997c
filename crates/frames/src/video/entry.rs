//! What is noted of every encoded picture on its way into the decoder.

use std::sync::Arc;

use gstreamer::{self as gst, prelude::*};

use super::{kinds, losses::Encoded, status::Status, temporal};

/// MPEG-4 pictures up to so many bytes may stand for one that was packed with another, and give no frame
/// (`MAX_NVOP_SIZE` in libavcodec).
const EMPTY_PICTURE: usize = 19;

/// Numbers the keyframes that come to the `pad` of a decoder, and lets nothing else pass.
pub(super) fn leave_out(pad: &gst::Pad, status: &Arc<Status>) {
    let pictures = Arc::clone(status);
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let Some(buffer) = info.buffer_mut() else { return gst::PadProbeReturn::Ok };
        let is_hidden = shown(pad, buffer) == Shown::Never;
        if is_key(pad, buffer) {
            state_time(buffer);
            if is_hidden {
                pictures.hide_picture();
            } else {
                pictures.note_picture(buffer.pts());
            }
            return gst::PadProbeReturn::Ok;
        }
        if !is_hidden {
            pictures.skip_picture(buffer.pts());
        }
        gst::PadProbeReturn::Handled
    });
    let status = Arc::clone(status);
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if info.event().is_some_and(|event| event.type_() == gst::EventType::Eos) {
            status.last_picture_came();
        }
        gst::PadProbeReturn::Ok
    });
}

/// Lets the `pad` of a decoder give no frame of a picture that begins before what is shown: it would be given a time
/// within that, since it lasts so long.
pub(super) fn cut_off(pad: &gst::Pad) {
    pad.add_probe(gst::PadProbeType::BUFFER, |pad, info| {
        if let Some(buffer) = info.buffer_mut()
            && is_outside(pad, buffer)
        {
            buffer.make_mut().set_duration(gst::ClockTime::from_nseconds(1));
        }
        gst::PadProbeReturn::Ok
    });
}

/// Notes every picture that comes to `pad`, since a frame is to come of it.
pub(super) fn await_frames(pad: &gst::Pad, status: &Arc<Status>) {
    let status = Arc::clone(status);
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        if let Some(buffer) = info.buffer() {
            let is_due = shown(pad, buffer) == Shown::Surely;
            let is_key = is_key(pad, buffer);
            status.enter_picture(Encoded { pts: buffer.pts(), is_key, is_due });
        }
        gst::PadProbeReturn::Ok
    });
}

/// Awaits no frame of any picture where the `pad` of a decoder is told of interlaced video: two pictures may be
/// the halves of one frame.
pub(super) fn mind_halves(pad: &gst::Pad, status: &Arc<Status>) {
    let status = Arc::clone(status);
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::EventView::Caps(event)) = info.event().map(|event| event.view())
            && event.caps().structure(0).is_some_and(is_interlaced)
        {
            status.await_nothing();
        }
        gst::PadProbeReturn::Ok
    });
}

/// Gives a keyframe without a time that of its decoding, as AVI has no other: a decoder that does not see the
/// pictures before it would take it for the next one.
fn state_time(buffer: &mut gst::Buffer) {
    if buffer.pts().is_none() {
        let time = buffer.dts();
        buffer.make_mut().set_pts(time);
    }
}

/// Whether a picture is decoded without others.
fn is_key(pad: &gst::Pad, buffer: &gst::BufferRef) -> bool {
    let is_told = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
    let places = || pad.current_caps().is_some_and(|caps| kinds::tells_places(&caps));
    let needs_others = || buffer.map_readable().is_ok_and(|bytes| temporal::needs_others(&bytes));
    is_told && !(places() && needs_others())
}

/// Whether a frame comes of an encoded picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Surely,
    Perhaps,
    Never,
}

fn shown(pad: &gst::Pad, buffer: &gst::BufferRef) -> Shown {
    if is_outside(pad, buffer) || buffer.flags().contains(gst::BufferFlags::DECODE_ONLY) {
        return Shown::Never;
    }
    let caps = pad.current_caps();
    let Some(structure) = caps.as_ref().and_then(|caps| caps.structure(0)) else {
        return Shown::Perhaps;
    };
    buffer.map_readable().map_or(Shown::Perhaps, |bytes| shown_by(kinds::codec(structure), &bytes))
}

fn is_interlaced(structure: &gst::StructureRef) -> bool {
    structure.get::<&str>("interlace-mode").is_ok_and(|mode| mode != "progressive")
}

/// Whether a picture lies before or behind the part of the stream that is shown.
fn is_outside(pad: &gst::Pad, buffer: &gst::BufferRef) -> bool {
    let event = pad.sticky_event::<gst::event::Segment>(0);
    let segment = event.as_ref().and_then(|event| event.segment().downcast_ref::<gst::ClockTime>());
    let Some((pts, segment)) = buffer.pts().zip(segment) else { return false };
    segment.start().is_some_and(|start| pts < start)
        || segment.stop().is_some_and(|stop| pts >= stop)
}

/// What a picture's own first bits say.
fn shown_by(codec: Option<&str>, bytes: &[u8]) -> Shown {
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return Shown::Never };
    let is_shown = match codec {
        // `show_frame` (RFC 6386, section 9.1).
        Some("vp8") => first & 0x10 != 0,
        // A superframe ends in its index, and its last picture is shown (VP9 bitstream, annex B).
        Some("vp9") if last & 0xe0 == 0xc0 => true,
        Some("vp9") => shown_vp9(first),
        Some("mpeg4") if bytes.len() <= EMPTY_PICTURE => return Shown::Perhaps,
        _ => true,
    };
    if is_shown { Shown::Surely } else { Shown::Never }
}

/// `show_existing_frame` or `show_frame` (VP9 bitstream, section 6.2), of which profile 3 has one bit more before.
const fn shown_vp9(first: u8) -> bool {
    let is_profile_3 = first & 0x30 == 0x30;
    let bits = if is_profile_3 { first << 1 } else { first };
    bits & 0x08 != 0 || bits & 0x02 != 0
}

#[cfg(test)]
mod tests {
    use super::{Shown, shown_by};

    #[test]
    fn pictures_that_others_refer_to_only_are_told_by_their_first_bits() {
        let cases: [(&str, &[u8], Shown); 10] = [
            ("vp8", &[0x10, 0, 0], Shown::Surely),
            ("vp8", &[0x01, 0, 0], Shown::Never),
            ("vp9", &[0x82, 0x49], Shown::Surely),
            ("vp9", &[0x84, 0x49], Shown::Never),
            ("vp9", &[0x88, 0x00], Shown::Surely),
            ("vp9", &[0x84, 0x49, 0xc1], Shown::Surely),
            ("vp9", &[0xb1, 0x49], Shown::Surely),
            ("mpeg4", &[0, 0, 1, 0xb6, 0x50], Shown::Perhaps),
            ("h264", &[0, 0, 0, 1], Shown::Surely),
            ("h264", &[], Shown::Never),
        ];
        for (codec, bytes, expected) in cases {
            assert_eq!(shown_by(Some(codec), bytes), expected, "{codec} {bytes:?}");
        }
    }
}
