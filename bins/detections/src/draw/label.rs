//! The tag of a box: which words fit, where they go, and black or white letters by contrast.

use noto_sans_mono_bitmap::{RasterizedChar, get_raster};

use super::{
    Mark,
    canvas::{Area, Canvas, Rgb},
    style::{Style, WEIGHT},
};

const BLACK: Rgb = [0; 3];
const WHITE: Rgb = [255; 3];

/// Words that have found their place on the picture.
#[derive(Debug)]
pub(super) struct Label<'a> {
    text: &'a str,
    tag: Area,
    style: &'a Style,
}

/// "name 0.91", or "name #12 0.91" of a track, in at most `columns` characters: the name is cut first, then
/// left out, then the track; empty when not even the number fits.
pub(super) fn text(mark: &Mark<'_>, columns: usize) -> String {
    let score = format!("{:.2}", mark.found.score.get());
    let tracked = mark.track.map(|track| format!("#{track} {score}"));
    let number = tracked.filter(|number| number.len() <= columns).unwrap_or(score);
    let Some(room) = columns.checked_sub(number.len()) else {
        return String::new();
    };
    let name: String = mark.found.class.chars().take(room.saturating_sub(1)).collect();
    if name.is_empty() { number } else { format!("{name} {number}") }
}

impl<'a> Label<'a> {
    /// Puts the tag above `target`, or inside at its top where there is no room above; always inside
    /// `picture`. `None` when the words are empty or the picture is lower than a line of text.
    pub(super) fn place(
        text: &'a str,
        target: Area,
        picture: Area,
        style: &'a Style,
    ) -> Option<Self> {
        let letters = u32::try_from(text.chars().count()).ok().filter(|&letters| letters > 0)?;
        let width = letters * style.glyph_width() + 2 * style.padding;
        let height = style.glyph_height() + 2 * style.padding;
        let x0 = target.x0.min(picture.x1.checked_sub(width)?);
        let lowest = picture.y1.checked_sub(height)?;
        let y0 = target.y0.checked_sub(height).unwrap_or(target.y0).min(lowest);
        Some(Self { text, tag: Area { x0, y0, x1: x0 + width, y1: y0 + height }, style })
    }

    /// Fills the tag with `color` and writes on it.
    pub(super) fn draw(&self, canvas: &mut Canvas<'_>, color: Rgb) {
        canvas.fill(self.tag, color);
        let ink = ink_on(color);
        let mut x = self.tag.x0 + self.style.padding;
        for letter in self.text.chars() {
            if let Some(glyph) = glyph(letter, self.style) {
                self.draw_glyph(canvas, &glyph, x, ink);
            }
            x += self.style.glyph_width();
        }
    }

    fn draw_glyph(&self, canvas: &mut Canvas<'_>, glyph: &RasterizedChar, x0: u32, ink: Rgb) {
        let scale = self.style.scale;
        let y0 = self.tag.y0 + self.style.padding;
        for (y, row) in (0..).step_by(scale as usize).zip(glyph.rows()) {
            for (x, &coverage) in (0..).step_by(scale as usize).zip(row) {
                for (dx, dy) in (0..scale).flat_map(|dy| (0..scale).map(move |dx| (dx, dy))) {
                    canvas.blend(x0 + x + dx, y0 + y + dy, ink, coverage);
                }
            }
        }
    }
}

/// The letter's picture; the replacement character stands for those the font does not have.
fn glyph(letter: char, style: &Style) -> Option<RasterizedChar> {
    let raster = |letter| get_raster(letter, WEIGHT, style.raster);
    raster(letter).or_else(|| raster(char::REPLACEMENT_CHARACTER))
}

/// Black or white, whichever has the higher WCAG 2.2 contrast ratio on `color`.
fn ink_on(color: Rgb) -> Rgb {
    // (L + 0.05) / 0.05 > 1.05 / (L + 0.05), solved for the luminance L.
    if luminance(color) > 0.179 { BLACK } else { WHITE }
}

/// Relative luminance of an sRGB colour, 0..=1, as WCAG 2.2 defines it.
fn luminance([red, green, blue]: Rgb) -> f32 {
    let linear = |channel: u8| {
        let value = f32::from(channel) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use detections_classes::Color;
    use detections_pipeline::MappedDetection;
    use detections_track::{TrackId, Tracker, TrackerOptions};
    use detections_types::{ClassIndex, Detection, Rect, Score};

    use super::{Area, BLACK, Label, Mark, Style, WHITE, glyph, ink_on, text};

    fn found(name: &str, score: f32) -> MappedDetection {
        MappedDetection {
            class_id: 0,
            class: Arc::from(name),
            color: Color(BLACK),
            score: Score::new(score).unwrap(),
            rect: Rect::from_corners(0.0, 0.0, 1.0, 1.0),
            detail: None,
        }
    }

    /// The twelfth of twelve tracks; only a tracker gives ids.
    fn twelfth() -> Option<TrackId> {
        let apart = |n: u16| f32::from(n) * 20.0;
        let found = |n| Detection {
            rect: Rect::from_corners(apart(n), 0.0, apart(n) + 9.0, 9.0),
            score: Score::new(0.9).unwrap(),
            class: ClassIndex(0),
        };
        let frame: Vec<_> = (0..12).map(found).collect();
        let mut tracker = Tracker::new(TrackerOptions::default());
        let ids = (0..3).map(|n| tracker.update(Duration::from_millis(n * 40), &frame));
        ids.last()?.into_iter().flatten().max()
    }

    #[test]
    fn names_are_cut_before_the_number_is() {
        let cases = [
            (20, "aircraft 0.91"),
            (13, "aircraft 0.91"),
            (12, "aircraf 0.91"),
            (6, "a 0.91"),
            (5, "0.91"),
            (4, "0.91"),
            (3, ""),
            (0, ""),
        ];
        let aircraft = found("aircraft", 0.914);
        for (columns, expected) in cases {
            assert_eq!(
                text(&Mark { found: &aircraft, track: None }, columns),
                expected,
                "{columns}"
            );
        }
        let carrier = found("Flugzeugträger", 1.0);
        assert_eq!(text(&Mark { found: &carrier, track: None }, 8), "Flu 1.00");
    }

    #[test]
    fn a_track_is_told_as_long_as_there_is_room() {
        let cases =
            [(20, "car #12 0.91"), (11, "ca #12 0.91"), (8, "#12 0.91"), (7, "ca 0.91"), (3, "")];
        let car = found("car", 0.914);
        for (columns, expected) in cases {
            assert_eq!(
                text(&Mark { found: &car, track: twelfth() }, columns),
                expected,
                "{columns}"
            );
        }
    }

    #[test]
    fn the_tag_stays_inside_the_picture() {
        let style = Style::for_picture(100, 100);
        let picture = Area { x0: 0, y0: 0, x1: 100, y1: 100 };
        let at = |x0, y0| Area { x0, y0, x1: x0 + 5, y1: y0 + 5 };
        // Two letters: 20 pixels high with the padding.
        let width = 2 * style.glyph_width() + 4;
        let cases = [
            (at(30, 50), (30, 30)), // above
            (at(30, 20), (30, 0)),  // just above
            (at(30, 19), (30, 19)), // no room: inside
            (at(95, 50), (100 - width, 30)),
            (at(0, 0), (0, 0)),
        ];
        for (target, expected) in cases {
            let label = Label::place("ab", target, picture, &style).unwrap();
            assert_eq!((label.tag.x0, label.tag.y0), expected, "{target:?}");
            assert!(label.tag.x1 <= 100 && label.tag.y1 <= 100);
        }
        let flat = Area { y1: 19, ..picture };
        assert!(Label::place("ab", at(0, 0), flat, &style).is_none());
        assert!(Label::place("", at(0, 0), picture, &style).is_none());
    }

    #[test]
    fn a_tag_inside_a_low_picture_is_pushed_up() {
        let style = Style::for_picture(100, 30);
        let picture = Area { x0: 0, y0: 0, x1: 100, y1: 30 };
        let target = Area { x0: 0, y0: 18, x1: 9, y1: 29 };
        let label = Label::place("ab", target, picture, &style).unwrap();
        assert_eq!((label.tag.y0, label.tag.y1), (10, 30));
    }

    #[test]
    fn letters_contrast_with_the_tag() {
        let cases = [
            ([0, 0, 0], WHITE),
            ([255, 255, 255], BLACK),
            ([255, 255, 0], BLACK),
            ([0, 0, 255], WHITE),
            ([128, 0, 0], WHITE),
            ([0, 200, 0], BLACK),
        ];
        for (tag, ink) in cases {
            assert_eq!(ink_on(tag), ink, "{tag:?}");
        }
    }

    #[test]
    fn letters_that_the_font_lacks_are_replaced() {
        let style = Style::for_picture(640, 640);
        let replacement = glyph(char::REPLACEMENT_CHARACTER, &style);
        assert!(replacement.is_some());
        for letter in ['車', '\u{7}', '🚗', '\u{10FFFF}'] {
            assert_eq!(glyph(letter, &style), replacement, "{letter:?}");
        }
        assert_ne!(glyph('ü', &style), replacement);
        assert_ne!(glyph('ł', &style), replacement);
    }
}
