//! Boxes of several tiles become the objects of one picture.
//!
//! Greedy, from the best box on, as in SAHI's post-processing <https://arxiv.org/abs/2202.06934>; but a box that its
//! tile cuts off comes after all whole ones, however sure the model is of it: where the overlap is as large as the
//! object, a neighbour shows the whole.

use std::{cmp::Ordering, collections::HashMap};

use detections_types::{Detection, Rect, Region, Source};

use crate::{Detail, Found, NmsMode, Overlap, TileMerge, Tiling};

/// How near a box comes to the edge of its tile where it is cut off: one part in so many of the tile's side.
const NEAR: f32 = 64.0;

/// Cells of the index along a picture's longer side, at most.
const CELLS: f32 = 128.0;

/// A box of one tile, in pixels of the picture.
#[derive(Debug, Clone, PartialEq)]
struct Shown {
    detection: Detection,
    detail: Option<Detail>,
    /// Whether its tile ends where the box ends, and the picture does not.
    is_cut: bool,
}

/// Collects what the tiles of a picture show.
#[derive(Debug)]
pub(crate) struct Merger {
    whole: Region,
    shown: Vec<Shown>,
}

impl Merger {
    /// For a picture that is `whole`.
    pub(crate) const fn new(whole: Region) -> Self {
        Self { whole, shown: Vec::new() }
    }

    /// Adds what was found in `tile`, in pixels of that tile.
    pub(crate) fn add(&mut self, tile: Region, found: Found) {
        let mut details = found.details.into_iter();
        for detection in found.detections {
            let is_cut = is_cut(&detection.rect, tile, self.whole);
            let detection = Detection { rect: moved(&detection.rect, tile), ..detection };
            let detail = details.next().map(|detail| detail.within(tile, self.whole));
            self.shown.push(Shown { detection, detail, is_cut });
        }
    }

    /// The best `most` objects, in the order of their report.
    pub(crate) fn merge(mut self, tiling: &Tiling, mode: NmsMode, most: usize) -> Found {
        self.shown.sort_by(order);
        let mut kept = Kept::new(self.whole);
        for shown in self.shown {
            let is_same = |other: &Shown| {
                (mode == NmsMode::Agnostic || other.detection.class == shown.detection.class)
                    && share(&other.detection.rect, &shown.detection.rect, tiling.measure)
                        >= tiling.threshold
            };
            match kept.first(&shown.detection.rect, is_same) {
                Some(place) => kept.grow(place, &shown, tiling.merge),
                None => kept.push(shown),
            }
        }
        kept.into_found(most)
    }
}

/// Objects so far, and where they lie.
struct Kept {
    objects: Vec<Shown>,
    /// What each has grown to; an object is compared as it was found, so that growing does not make it grow more.
    grown: Vec<Rect<Source>>,
    cell: f32,
    cells: HashMap<[i32; 2], Vec<usize>>,
}

impl Kept {
    fn new(whole: Region) -> Self {
        let [width, height] = size(whole);
        let cell = (width.max(height) / CELLS).max(1.0);
        Self { objects: Vec::new(), grown: Vec::new(), cell, cells: HashMap::new() }
    }

    /// The first object near `rect` that is the same.
    fn first(&self, rect: &Rect<Source>, is_same: impl Fn(&Shown) -> bool) -> Option<usize> {
        let near = self.covered(rect).filter_map(|cell| self.cells.get(&cell)).flatten();
        near.copied().filter(|place| self.objects.get(*place).is_some_and(&is_same)).min()
    }

    fn push(&mut self, shown: Shown) {
        let (rect, place) = (shown.detection.rect, self.objects.len());
        for cell in self.covered(&rect) {
            self.cells.entry(cell).or_default().push(place);
        }
        self.objects.push(shown);
        self.grown.push(rect);
    }

    /// An object of which more is told than its upright box does not grow: that would no longer belong to it.
    fn grow(&mut self, place: usize, other: &Shown, merge: TileMerge) {
        if merge == TileMerge::Nms || other.detail.is_some() {
            return;
        }
        if let Some(grown) = self.grown.get_mut(place) {
            *grown = covering(grown, &other.detection.rect);
        }
    }

    /// The cells that a box covers.
    fn covered(&self, rect: &Rect<Source>) -> impl Iterator<Item = [i32; 2]> + use<> {
        let at = |edge: f32| cell(edge, self.cell);
        let (columns, rows) = (at(rect.x0)..=at(rect.x1), at(rect.y0)..=at(rect.y1));
        columns.flat_map(move |column| rows.clone().map(move |row| [column, row]))
    }

    fn into_found(self, most: usize) -> Found {
        let mut objects: Vec<_> = self
            .objects
            .into_iter()
            .zip(self.grown)
            .map(|(shown, rect)| (Detection { rect, ..shown.detection }, shown.detail))
            .collect();
        objects.sort_by(|(a, _), (b, _)| a.report_order(b));
        objects.truncate(most);
        let (detections, details): (Vec<_>, Vec<_>) = objects.into_iter().unzip();
        Found { detections, details: details.into_iter().flatten().collect() }
    }
}

/// Whole boxes first, then the best; total, so that the order in which tiles answer does not matter.
fn order(a: &Shown, b: &Shown) -> Ordering {
    let ends = |shown: &Shown| [shown.detection.rect.x1, shown.detection.rect.y1];
    let by_ends = || {
        let mut pairs = ends(a).into_iter().zip(ends(b));
        pairs.find_map(|(a, b)| Some(a.total_cmp(&b)).filter(|order| order.is_ne()))
    };
    (a.is_cut.cmp(&b.is_cut))
        .then_with(|| a.detection.report_order(&b.detection))
        .then_with(|| by_ends().unwrap_or(Ordering::Equal))
}

/// Whether `rect`, in pixels of `tile`, ends where the tile ends and the picture goes on.
fn is_cut(rect: &Rect<Source>, tile: Region, whole: Region) -> bool {
    let [width, height] = size(tile);
    let (near_x, near_y) = ((width / NEAR).max(1.0), (height / NEAR).max(1.0));
    let goes_on_right = tile.x + tile.width < whole.x + whole.width;
    let goes_on_below = tile.y + tile.height < whole.y + whole.height;
    (tile.x > whole.x && rect.x0 < near_x)
        || (tile.y > whole.y && rect.y0 < near_y)
        || (goes_on_right && rect.x1 > width - near_x)
        || (goes_on_below && rect.y1 > height - near_y)
}

fn moved(rect: &Rect<Source>, tile: Region) -> Rect<Source> {
    let [x, y] = corner(tile);
    Rect::from_corners(rect.x0 + x, rect.y0 + y, rect.x1 + x, rect.y1 + y)
}

fn share(a: &Rect<Source>, b: &Rect<Source>, measure: Overlap) -> f32 {
    match measure {
        Overlap::OverUnion => a.iou(b),
        Overlap::OverSmaller => a.intersection_over_smaller(b),
    }
}

fn covering(a: &Rect<Source>, b: &Rect<Source>) -> Rect<Source> {
    Rect::from_corners(a.x0.min(b.x0), a.y0.min(b.y0), a.x1.max(b.x1), a.y1.max(b.y1))
}

#[expect(clippy::cast_precision_loss, reason = "sides of pictures are far below 2^24")]
const fn corner(region: Region) -> [f32; 2] {
    [region.x as f32, region.y as f32]
}

#[expect(clippy::cast_precision_loss, reason = "sides of pictures are far below 2^24")]
const fn size(region: Region) -> [f32; 2] {
    [region.width as f32, region.height as f32]
}

#[expect(clippy::cast_possible_truncation, reason = "float casts saturate and keep the order")]
fn cell(edge: f32, side: f32) -> i32 {
    (edge / side).floor() as i32
}

#[cfg(test)]
mod tests {
    use detections_types::{ClassIndex, Detection, Rect, Region, Score};

    use super::Merger;
    use crate::{Detail, Found, NmsMode, Overlap, TileMerge, TileSize, Tiling};

    const WHOLE: Region = Region { x: 0, y: 0, width: 1000, height: 400 };
    const LEFT: Region = Region { x: 0, y: 0, width: 600, height: 400 };
    const RIGHT: Region = Region { x: 400, y: 0, width: 600, height: 400 };

    fn found(boxes: &[([f32; 4], f32, u32)]) -> Found {
        let detection = |&([x0, y0, x1, y1], score, class): &([f32; 4], f32, u32)| Detection {
            rect: Rect::from_corners(x0, y0, x1, y1),
            score: Score::new(score).unwrap(),
            class: ClassIndex(class),
        };
        Found { detections: boxes.iter().map(detection).collect(), details: Vec::new() }
    }

    fn tiling() -> Tiling {
        Tiling::of(TileSize::Auto)
    }

    fn merged(parts: &[(Region, Found)], tiling: &Tiling, mode: NmsMode) -> Vec<[f32; 4]> {
        let mut merger = Merger::new(WHOLE);
        for (tile, found) in parts {
            merger.add(*tile, found.clone());
        }
        let found = merger.merge(tiling, mode, 100);
        found.detections.iter().map(|d| [d.rect.x0, d.rect.y0, d.rect.x1, d.rect.y1]).collect()
    }

    #[test]
    fn an_object_in_the_overlap_is_told_once() {
        let parts = [
            (LEFT, found(&[([450.0, 10.0, 500.0, 60.0], 0.8, 0)])),
            (RIGHT, found(&[([49.0, 11.0, 101.0, 61.0], 0.9, 0)])),
        ];
        let nms = Tiling { merge: TileMerge::Nms, ..tiling() };
        let (as_found, grown) = ([449.0, 11.0, 501.0, 61.0], [449.0, 10.0, 501.0, 61.0]);
        assert_eq!(merged(&parts, &nms, NmsMode::ClassWise), [as_found]);
        assert_eq!(merged(&parts, &tiling(), NmsMode::ClassWise), [grown]);
    }

    #[test]
    fn a_box_that_its_tile_cuts_off_gives_way_to_the_whole_one() {
        // The left tile ends at 600 and shows the left part of it, of which the model is surer.
        let parts = [
            (LEFT, found(&[([560.0, 10.0, 600.0, 60.0], 0.95, 0)])),
            (RIGHT, found(&[([160.0, 10.0, 280.0, 60.0], 0.6, 0)])),
        ];
        assert_eq!(merged(&parts, &tiling(), NmsMode::ClassWise), [[560.0, 10.0, 680.0, 60.0]]);
        let union = Tiling { measure: Overlap::OverUnion, ..tiling() };
        assert_eq!(merged(&parts, &union, NmsMode::ClassWise).len(), 2, "a third is in common");
    }

    #[test]
    fn what_ends_where_the_picture_ends_is_not_cut_off() {
        // Both end at the picture's edge, so that the better one stays.
        let parts = [
            (WHOLE, found(&[([940.0, 10.0, 1000.0, 60.0], 0.6, 0)])),
            (RIGHT, found(&[([545.0, 10.0, 600.0, 60.0], 0.9, 0)])),
        ];
        let nms = Tiling { merge: TileMerge::Nms, ..tiling() };
        assert_eq!(merged(&parts, &nms, NmsMode::ClassWise), [[945.0, 10.0, 1000.0, 60.0]]);
    }

    #[test]
    fn objects_of_two_classes_are_two_unless_classes_do_not_count() {
        let boxes = [([10.0, 10.0, 60.0, 60.0], 0.9, 0), ([10.0, 10.0, 60.0, 60.0], 0.8, 1)];
        let parts = [(LEFT, found(&boxes))];
        assert_eq!(merged(&parts, &tiling(), NmsMode::ClassWise).len(), 2);
        assert_eq!(merged(&parts, &tiling(), NmsMode::Agnostic).len(), 1);
    }

    #[test]
    fn a_growing_object_does_not_swallow_its_neighbours() {
        // Each has six tenths in common with the one before it; only the first two are the same object.
        let chain =
            [0.0, 40.0, 80.0].map(|x| ([100.0 + x, 10.0, 200.0 + x, 60.0], 0.9 - x / 400.0, 0));
        let parts = [(LEFT, found(&chain))];
        let expected = [[100.0, 10.0, 240.0, 60.0], [180.0, 10.0, 280.0, 60.0]];
        assert_eq!(merged(&parts, &tiling(), NmsMode::ClassWise), expected);
    }

    #[test]
    fn the_order_of_the_tiles_does_not_matter() {
        let boxes = |shift: f32| {
            let at = |n: f32| {
                ([n * 31.0 + shift, n * 7.0, n * 31.0 + shift + 50.0, n * 7.0 + 40.0], 0.5, 0)
            };
            found(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0].map(at))
        };
        let mut parts = vec![(LEFT, boxes(390.0)), (RIGHT, boxes(0.0)), (WHOLE, boxes(395.0))];
        let one = merged(&parts, &tiling(), NmsMode::ClassWise);
        parts.reverse();
        assert_eq!(merged(&parts, &tiling(), NmsMode::ClassWise), one);
    }

    #[test]
    fn turned_boxes_keep_their_corners() {
        let quad = [[10.0, 10.0], [60.0, 20.0], [50.0, 60.0], [5.0, 50.0]];
        let one = Found {
            details: vec![Detail::Turned(quad)],
            ..found(&[([5.0, 10.0, 60.0, 60.0], 0.9, 0)])
        };
        let mut merger = Merger::new(WHOLE);
        merger.add(RIGHT, one);
        let merged = merger.merge(&tiling(), NmsMode::ClassWise, 10);
        assert_eq!(merged.details, [Detail::Turned(quad.map(|[x, y]| [x + 400.0, y]))]);
    }
}
