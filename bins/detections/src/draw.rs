//! Draws what was found onto a picture: a box in the class's colour and a filled tag that names it, in a
//! video with its track. Sizes follow the picture, and nothing is ever drawn outside it.

mod canvas;
mod label;
mod style;

use detections_pipeline::{MappedDetection, TrackedDetection};
use detections_track::TrackId;
use detections_types::Image;

use self::{
    canvas::{Area, Canvas, Rgb},
    label::Label,
    style::Style,
};

/// Draws a box and a label for each detection, the surest on top.
///
/// Detections are taken in report order: the first is the surest. A box that lies partly outside the
/// picture is closed at its edge; one without a pixel inside is left out.
pub fn draw(image: &mut Image, detections: &[MappedDetection]) {
    draw_marks(image, detections.iter().map(|found| Mark { found, track: None }));
}

/// Like [`draw`], and the label says which track an object is.
pub fn draw_tracked(image: &mut Image, detections: &[TrackedDetection]) {
    let mark = |tracked| {
        let &TrackedDetection { detection: ref found, track } = tracked;
        Mark { found, track }
    };
    draw_marks(image, detections.iter().map(mark));
}

/// One object that is drawn.
#[derive(Debug, Clone, Copy)]
struct Mark<'a> {
    found: &'a MappedDetection,
    track: Option<TrackId>,
}

fn draw_marks<'a>(image: &mut Image, marks: impl DoubleEndedIterator<Item = Mark<'a>>) {
    let style = Style::for_picture(image.width(), image.height());
    let mut canvas = Canvas::new(image);
    let marks: Vec<(Mark<'_>, Area)> = marks
        .rev()
        .filter_map(|mark| canvas.area(&mark.found.rect).map(|area| (mark, area)))
        .collect();
    for &(mark, area) in &marks {
        outline(&mut canvas, area, style.line, mark.color());
    }
    for &(mark, area) in &marks {
        let text = label::text(&mark, canvas.columns_for(&style));
        if let Some(label) = Label::place(&text, area, canvas.whole(), &style) {
            label.draw(&mut canvas, mark.color());
        }
    }
}

impl Mark<'_> {
    const fn color(&self) -> Rgb {
        self.found.color.0
    }
}

/// Draws the four sides of `area`, `line` pixels wide, inside it.
fn outline(canvas: &mut Canvas<'_>, area: Area, line: u32, color: Rgb) {
    let Area { x0, y0, x1, y1 } = area;
    let (across, down) = (line.min(x1 - x0), line.min(y1 - y0));
    canvas.fill(Area { y1: y0 + down, ..area }, color);
    canvas.fill(Area { y0: y1 - down, ..area }, color);
    canvas.fill(Area { x1: x0 + across, ..area }, color);
    canvas.fill(Area { x0: x1 - across, ..area }, color);
}

#[cfg(test)]
mod tests;
