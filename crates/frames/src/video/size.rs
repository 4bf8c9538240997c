//! How large pictures are, before they are decoded.

use gstreamer::{self as gst, prelude::*};

use super::kinds;

/// What every keyframe of VP8 has behind its tag (RFC 6386, section 9.1).
const VP8_START: [u8; 3] = [0x9d, 0x01, 0x2a];

/// Width and height that are stated, with square pixels: either of them is stretched.
pub(super) fn stated(caps: &gst::StructureRef) -> Option<(u32, u32)> {
    let side = |name| caps.get::<i32>(name).ok().and_then(|side| u32::try_from(side).ok());
    let (width, height) = (side("width")?, side("height")?);
    let Ok(ratio) = caps.get::<gst::Fraction>("pixel-aspect-ratio") else {
        return Some((width, height));
    };
    let (numer, denom) = (ratio.numer().unsigned_abs().max(1), ratio.denom().unsigned_abs().max(1));
    let stretched = |side: u32, by: u32, of: u32| {
        u32::try_from(u64::from(side) * u64::from(by) / u64::from(of)).unwrap_or(u32::MAX)
    };
    Some(if numer > denom {
        (stretched(width, numer, denom), height)
    } else {
        (width, stretched(height, denom, numer))
    })
}

/// What an encoded picture says of its own size, where no parser has compared it with what its container states.
pub(super) fn of_picture(pad: &gst::Pad, buffer: &gst::BufferRef) -> Option<(u32, u32)> {
    let caps = pad.current_caps()?;
    if kinds::codec(caps.structure(0)?) != Some("vp8") {
        return None;
    }
    let mut first = [0; 10];
    let read = buffer.copy_to_slice(0, &mut first);
    read.ok().and_then(|()| of_vp8(first))
}

/// The size in the first bytes of a keyframe (RFC 6386, section 9.1): 14 bits for each side, below two of scale.
fn of_vp8(first: [u8; 10]) -> Option<(u32, u32)> {
    let [tag, _, _, a, b, c, sides @ ..] = first;
    let is_key = tag & 1 == 0 && [a, b, c] == VP8_START;
    let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    is_key.then(|| (side(sides[0], sides[1]), side(sides[2], sides[3])))
}

#[cfg(test)]
mod tests {
    use super::of_vp8;

    #[test]
    fn keyframes_of_vp8_tell_their_size_and_others_do_not() {
        let key = [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x3e, 0x40, 0x41];
        assert_eq!(of_vp8(key), Some((16_000, 320)), "the two bits of scale do not count");
        assert_eq!(of_vp8([0x11, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x3e, 0x40, 0x41]), None);
        assert_eq!(of_vp8([0; 10]), None);
    }
}
