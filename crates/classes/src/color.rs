//! Colours of classes, given or taken from a fixed palette.

use std::fmt;

/// An sRGB colour: red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Color(pub [u8; 3]);

impl Color {
    /// Reads `#rrggbb` or `#rgb`, in upper or lower case.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?.bytes().map(digit).collect::<Option<Vec<u8>>>()?;
        match *digits {
            [r, g, b] => Some(Self([r * 17, g * 17, b * 17])),
            [r1, r0, g1, g0, b1, b0] => Some(Self([r1 * 16 + r0, g1 * 16 + g0, b1 * 16 + b0])),
            _ => None,
        }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

/// The colour of the class `id` when none is given: 20 well distinguishable colours, then again.
///
/// Sasha Trubetskoy, "List of 20 simple, distinct colors", 2017, without black and white.
#[must_use]
pub fn default_color(id: u32) -> Color {
    const PALETTE: [u32; 20] = [
        0xe6_194b, 0x3c_b44b, 0xff_e119, 0x43_63d8, 0xf5_8231, 0x91_1eb4, 0x42_d4f4, 0xf0_32e6,
        0xbf_ef45, 0xfa_bed4, 0x46_9990, 0xdc_beff, 0x9a_6324, 0xff_fac8, 0x80_0000, 0xaa_ffc3,
        0x80_8000, 0xff_d8b1, 0x00_0075, 0xa9_a9a9,
    ];
    let [_, r, g, b] = PALETTE[id as usize % PALETTE.len()].to_be_bytes();
    Color([r, g, b])
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Color, default_color};

    #[test]
    fn colours_read_in_both_forms() {
        assert_eq!(Color::parse("#e6194B"), Some(Color([0xe6, 0x19, 0x4b])));
        assert_eq!(Color::parse("#f0c"), Some(Color([0xff, 0x00, 0xcc])));
        for bad in ["", "#", "e6194b", "#e6194", "#e6194bff", "#gggggg", "red", "#é1234"] {
            assert_eq!(Color::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_palette_has_twenty_colours_and_starts_again() {
        let distinct: HashSet<Color> = (0..20).map(default_color).collect();
        assert_eq!(distinct.len(), 20);
        assert_eq!(default_color(0).to_string(), "#e6194b");
        assert_eq!(default_color(21), default_color(1));
        assert_eq!(default_color(u32::MAX), default_color(u32::MAX % 20));
    }
}
