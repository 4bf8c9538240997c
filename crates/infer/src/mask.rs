//! The pixels of an object, from what a segmenting model tells of it: coefficients, by which prototypes that all
//! objects share are weighed.
//!
//! Bolya et al., "YOLACT", arXiv 1904.02689; <https://github.com/ultralytics/ultralytics>, `process_mask_native`: the
//! weighed prototypes are scaled to the picture and cut by the object's box, and what is above 0 belongs to it.

use detections_types::{Rect, Region, Source};

use crate::{
    Letterbox,
    numeric::{float, whole},
};

/// The pixels of an object in a picture, as run lengths.
///
/// Pixels are counted down the columns, the leftmost first, and lengths are in turn those of runs outside and inside the
/// object: the uncompressed form of COCO, <https://cocodataset.org/#format-data>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// Rows of the picture.
    pub height: usize,
    /// Columns of the picture.
    pub width: usize,
    /// Lengths of runs, the first outside; together `height * width`.
    pub counts: Vec<u32>,
}

impl Mask {
    /// The same pixels in a `whole` picture, of which this one is `part`.
    pub(crate) fn within(&self, part: Region, whole: Region) -> Self {
        let [x, y, width, height] =
            [part.x, part.y, whole.width, whole.height].map(|pixels| pixels as usize);
        let below = height.saturating_sub(y + self.height);
        let behind = width.saturating_sub(x + self.width);
        let mut runs = Runs::default();
        runs.push(Side::Outside, x * height);
        let (mut row, mut side) = (0, Side::Outside);
        for count in &self.counts {
            let mut left = *count as usize;
            while left > 0 {
                if row == 0 {
                    runs.push(Side::Outside, y);
                }
                let len = left.min(self.height - row);
                runs.push(side, len);
                (row, left) = (row + len, left - len);
                if row == self.height {
                    runs.push(Side::Outside, below);
                    row = 0;
                }
            }
            side = side.other();
        }
        runs.push(Side::Outside, behind * height);
        Self { height, width, counts: runs.0 }
    }
}

/// Prototypes over the model's input, `[planes, height, width]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prototypes<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Prototypes for a pixel of the input, along a row and down a column.
    pub(crate) scale: [f32; 2],
}

impl Prototypes<'_> {
    /// The object's pixels within its box, which costs its columns times the prototypes' rows.
    pub(crate) fn mask(
        &self,
        coefficients: &[f32],
        letterbox: &Letterbox,
        rect: &Rect<Source>,
    ) -> Mask {
        let (height, width) = (letterbox.source_height, letterbox.source_width);
        let columns = pixels(rect.x0, rect.x1, width);
        let rows = pixels(rect.y0, rect.y1, height);
        let mut runs = Runs::default();
        if self.height == 0 || self.width == 0 || columns.is_empty() || rows.is_empty() {
            runs.push(Side::Outside, height * width);
            return Mask { height, width, counts: runs.0 };
        }
        let along = |x: usize| {
            let x = (float(x) + 0.5) / letterbox.scale_x + float(letterbox.left);
            (x * self.scale[0] - 0.5).clamp(0.0, float(self.width - 1))
        };
        let down = |y: usize| {
            let y = (float(y) + 0.5) / letterbox.scale_y + float(letterbox.top);
            (y * self.scale[1] - 0.5).clamp(0.0, float(self.height - 1))
        };
        let field = self.field(coefficients);
        runs.push(Side::Outside, columns.start * height);
        let mut knots = vec![0.0; self.height];
        for x in columns.clone() {
            self.knots(&field, along(x), &mut knots);
            runs.push(Side::Outside, rows.start);
            column(&knots, rows.clone(), down, &mut runs);
            runs.push(Side::Outside, height - rows.end);
        }
        runs.push(Side::Outside, (width - columns.end) * height);
        Mask { height, width, counts: runs.0 }
    }

    /// The weighed sum of all planes.
    fn field(&self, coefficients: &[f32]) -> Vec<f32> {
        let plane = self.height * self.width;
        let mut field = vec![0.0; plane];
        for (weight, values) in coefficients.iter().zip(self.data.chunks_exact(plane)) {
            for (sum, value) in field.iter_mut().zip(values) {
                *sum += weight * value;
            }
        }
        field
    }

    /// The field down the column at `x`, between two columns of the prototypes.
    fn knots(&self, field: &[f32], x: f32, knots: &mut [f32]) {
        let left = whole(f64::from(x)).min(self.width - 1);
        let right = (left + 1).min(self.width - 1);
        let share = x - float(left);
        for (knot, row) in knots.iter_mut().zip(field.chunks_exact(self.width)) {
            *knot = row[left] + (row[right] - row[left]) * share;
        }
    }
}

/// The pixels whose places are within `start..end`, as the reference code cuts.
fn pixels(start: f32, end: f32, length: usize) -> std::ops::Range<usize> {
    let place = |edge: f32| whole(f64::from(edge.max(0.0).ceil())).min(length);
    place(start)..place(end).max(place(start))
}

/// Appends the runs of one column. Between two rows of the prototypes the field is a straight line, so it crosses 0 at
/// most once there, and the place is found by halving.
fn column(
    knots: &[f32],
    rows: std::ops::Range<usize>,
    down: impl Fn(usize) -> f32,
    runs: &mut Runs,
) {
    let knot_of = |y: usize| whole(f64::from(down(y))).min(knots.len() - 1);
    let side = |y: usize| {
        let (y, above) = (down(y), knot_of(y));
        let below = (above + 1).min(knots.len() - 1);
        let value = knots[above] + (knots[below] - knots[above]) * (y - float(above));
        if value > 0.0 { Side::Inside } else { Side::Outside }
    };
    let mut start = rows.start;
    while start < rows.end {
        let knot = knot_of(start);
        let end = first(start..rows.end, |y| knot_of(y) > knot);
        let turn = first(start..end, |y| side(y) != side(start));
        runs.push(side(start), turn - start);
        if turn < end {
            runs.push(side(turn), end - turn);
        }
        start = end;
    }
}

/// The first of `range` that `is` holds for, which then holds for all behind it; its end where it holds for none.
fn first(range: std::ops::Range<usize>, is: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if is(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// Whether a run belongs to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Outside,
    Inside,
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::Outside => Self::Inside,
            Self::Inside => Self::Outside,
        }
    }
}

/// Lengths in turn, the first outside.
#[derive(Debug, Default)]
struct Runs(Vec<u32>);

impl Runs {
    fn push(&mut self, side: Side, length: usize) {
        if length == 0 {
            return;
        }
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let last = if self.0.len() % 2 == 1 { Side::Outside } else { Side::Inside };
        match self.0.last_mut() {
            Some(run) if last == side => *run = run.saturating_add(length),
            None if side == Side::Inside => self.0.extend([0, length]),
            Some(_) | None => self.0.push(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use detections_types::{Rect, Region};

    use super::{Mask, Prototypes};
    use crate::{InputShape, Letterbox, Placement};

    const INPUT: InputShape = InputShape { max_batch: 1, height: 8, width: 8 };

    /// Every pixel of a mask, row by row.
    fn drawn(mask: &Mask) -> Vec<String> {
        let mut pixels = vec![vec!['.'; mask.width]; mask.height];
        let mut place = 0;
        for (index, count) in mask.counts.iter().enumerate() {
            for at in place..place + *count as usize {
                pixels[at % mask.height][at / mask.height] = if index % 2 == 1 { '#' } else { '.' };
            }
            place += *count as usize;
        }
        assert_eq!(place, mask.height * mask.width);
        pixels.into_iter().map(|row| row.into_iter().collect()).collect()
    }

    #[test]
    fn a_part_of_a_picture_keeps_its_pixels_where_it_lies() {
        // Two columns of three rows: the first from its second row on, the second whole.
        let part = Mask { height: 3, width: 2, counts: vec![1, 5] };
        assert_eq!(drawn(&part), [".#", "##", "##"]);
        let region = Region { x: 1, y: 2, width: 2, height: 3 };
        let whole = part.within(region, Region { x: 0, y: 0, width: 4, height: 6 });
        assert_eq!(drawn(&whole), ["....", "....", "..#.", ".##.", ".##.", "...."]);
        assert_eq!(
            part.within(Region { x: 0, y: 0, ..region }, Region { x: 0, y: 0, ..region }),
            part
        );
    }

    /// Two planes of 4x4: one is 1 in the left half and -1 in the right, the other is -1 in the uppermost row.
    fn prototypes() -> Vec<f32> {
        let left = [1.0, 1.0, -1.0, -1.0].repeat(4);
        let top = [[-1.0; 4], [0.0; 4], [0.0; 4], [0.0; 4]].concat();
        [left, top].concat()
    }

    fn mask(data: &[f32], coefficients: &[f32], rect: [f32; 4]) -> Mask {
        let letterbox = Letterbox::fit(8, 8, INPUT, Placement::Centre);
        let prototypes = Prototypes { data, height: 4, width: 4, scale: [0.5, 0.5] };
        let [x0, y0, x1, y1] = rect;
        prototypes.mask(coefficients, &letterbox, &Rect::from_corners(x0, y0, x1, y1))
    }

    #[test]
    fn planes_are_weighed_scaled_and_cut_by_the_box() {
        let data = prototypes();
        let whole = drawn(&mask(&data, &[1.0, 0.0], [0.0, 0.0, 8.0, 8.0]));
        assert!(whole.iter().all(|row| row == "####...."), "{whole:?}");
        let cut = mask(&data, &[1.0, 0.0], [1.0, 2.0, 7.0, 5.0]);
        let expected = ["........", "........", ".###....", ".###....", ".###...."];
        assert_eq!(drawn(&cut)[..5], expected);
        assert_eq!(cut.counts, [10, 3, 5, 3, 5, 3, 35]);
        // The second plane takes away the uppermost row, down to where it fades: in the third row of pixels, a quarter
        // of it is left, and where the first plane fades to a half it takes just that away.
        let lower = drawn(&mask(&data, &[1.0, 2.0], [0.0, 0.0, 8.0, 8.0]));
        assert_eq!(lower[..4], ["........", "........", "###.....", "####...."]);
    }

    #[test]
    fn nothing_above_zero_is_an_empty_mask_and_everything_begins_with_no_run_outside() {
        let data = prototypes();
        assert_eq!(mask(&data, &[0.0, 1.0], [0.0, 0.0, 8.0, 8.0]).counts, [64]);
        assert_eq!(mask(&[1.0; 32], &[1.0, 1.0], [0.0, 0.0, 8.0, 8.0]).counts, [0, 64]);
        assert_eq!(mask(&data, &[1.0, 0.0], [3.0, 3.0, 3.0, 3.0]).counts, [64]);
        assert_eq!(mask(&data, &[f32::NAN, 0.0], [0.0, 0.0, 8.0, 8.0]).counts, [64]);
    }
}
