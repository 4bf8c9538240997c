//! An index of kept boxes that finds those that may overlap a box by more than a share.
//!
//! IoU above t means for both axes: the widths' ratio is above t, and the centres are closer than
//! (w₁ + w₂) / 2 − t · max(w₁, w₂). So boxes are sorted into levels by the magnitude of width and height, each
//! level into cells as large as that distance, and only cells within reach of like levels are looked at.
//! Boxes of one cell overlap each other by at most t, which bounds their number.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    ops::RangeInclusive,
};

use detections_types::{ModelInput, Rect};

/// Below this share likeness says too little of sizes; levels are made as if it were this.
const LEAST_SHARE: f32 = 0.1;

/// Above this share levels would become too many; they are made as if it were this.
const MOST_SHARE: f32 = 0.7;

/// Room for rounding, so that no pair above the share is missed.
const SLACK: f32 = 1.01;

/// Rounding of a box's centre relative to its distance from the origin.
const CENTER_ERROR: f32 = 1e-6;

/// Nothing behind an entry.
const END: u32 = u32::MAX;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Grid {
    share: f32,
    /// Ratio of the sizes of neighbouring levels, as a logarithm.
    step: f32,
    levels: Vec<Level>,
    /// The newest entry of each cell.
    cells: HashMap<Cell, u32, BuildHasherDefault<CellHasher>>,
    /// For each entry the next older one of its cell.
    older: Vec<u32>,
}

/// Boxes of like width and height.
#[derive(Debug)]
struct Level {
    x: i32,
    y: i32,
    entries: Vec<u32>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Cell {
    level_x: i32,
    level_y: i32,
    x: i32,
    y: i32,
}

impl Grid {
    /// Forgets all boxes; from now on boxes are sought that overlap by more than `share`.
    pub(super) fn clear(&mut self, share: f32) {
        self.share = share;
        self.step = (SLACK / share.clamp(LEAST_SHARE, MOST_SHARE)).ln();
        self.levels.clear();
        self.cells.clear();
        self.older.clear();
    }

    /// Adds a box; its index is the number of boxes added before it.
    pub(super) fn insert(&mut self, rect: &Rect<ModelInput>) {
        let Ok(index) = u32::try_from(self.older.len()) else {
            return;
        };
        let (x, y) = axes(rect);
        let (level_x, level_y) = (self.level(x.size), self.level(y.size));
        let cell = Cell {
            level_x,
            level_y,
            x: cell(x.center, self.edge(level_x)),
            y: cell(y.center, self.edge(level_y)),
        };
        self.older.push(self.cells.insert(cell, index).unwrap_or(END));
        match self.levels.iter_mut().find(|level| (level.x, level.y) == (level_x, level_y)) {
            Some(level) => level.entries.push(index),
            None => self.levels.push(Level { x: level_x, y: level_y, entries: vec![index] }),
        }
    }

    /// Whether `hit` holds for the index of any box that may overlap `rect` by more than the share.
    pub(super) fn any(&self, rect: &Rect<ModelInput>, mut hit: impl FnMut(usize) -> bool) -> bool {
        let (x, y) = axes(rect);
        let own = (self.level(x.size), self.level(y.size));
        // With a share to go by, sizes that overlap enough are at most one level apart.
        let alike = |level: &&Level| {
            self.share < LEAST_SHARE
                || (level.x.abs_diff(own.0) <= 1 && level.y.abs_diff(own.1) <= 1)
        };
        self.levels.iter().filter(alike).any(|level| self.any_in(level, &x, &y, &mut hit))
    }

    fn any_in(
        &self,
        level: &Level,
        x: &Axis,
        y: &Axis,
        hit: &mut impl FnMut(usize) -> bool,
    ) -> bool {
        let (Some(xs), Some(ys)) = (self.reach(level.x, x), self.reach(level.y, y)) else {
            return false;
        };
        if count(&xs).saturating_mul(count(&ys)) > level.entries.len() as u64 {
            return level.entries.iter().any(|entry| hit(*entry as usize));
        }
        let mut cells = xs.flat_map(|x| ys.clone().map(move |y| (x, y)));
        cells.any(|(x, y)| {
            let head = self.cells.get(&Cell { level_x: level.x, level_y: level.y, x, y });
            head.is_some_and(|head| self.chain(*head).any(|entry| hit(entry as usize)))
        })
    }

    /// The entries of a cell from the newest on.
    fn chain(&self, head: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(head), |entry| {
            self.older.get(*entry as usize).copied().filter(|next| *next != END)
        })
    }

    /// The cells of a level in which centres can lie, `None` when sizes differ too much.
    fn reach(&self, level: i32, axis: &Axis) -> Option<RangeInclusive<i32>> {
        let largest = self.size(level) * SLACK;
        let smallest = self.size(level - 1) / SLACK;
        if largest < self.share * axis.size || smallest * self.share > axis.size {
            return None;
        }
        // The distance is largest at one of the ends, for it is linear between and on both sides of equal sizes.
        let apart = |size: f32| (size + axis.size) / 2.0 - self.share * size.max(axis.size);
        let reach =
            apart(largest).max(apart(smallest)).max(apart(axis.size.clamp(smallest, largest)));
        let reach = reach.max(0.0) * SLACK + axis.center.abs() * CENTER_ERROR;
        let edge = self.edge(level);
        Some(cell(axis.center - reach, edge)..=cell(axis.center + reach, edge))
    }

    /// The level of boxes of this size: sizes above `size(level - 1)` up to `size(level)`.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "float casts saturate, and sizes have few magnitudes"
    )]
    fn level(&self, size: f32) -> i32 {
        (size.ln() / self.step).ceil().clamp(-1e6, 1e6) as i32
    }

    /// The side of a level's cells: about how far apart the centres of its boxes can be.
    fn edge(&self, level: i32) -> f32 {
        self.size(level) * (1.0 - self.share).max(0.01)
    }

    #[expect(clippy::cast_precision_loss, reason = "levels are few")]
    fn size(&self, level: i32) -> f32 {
        (level as f32 * self.step).exp()
    }
}

/// A box along one axis.
struct Axis {
    center: f32,
    size: f32,
}

fn axes(rect: &Rect<ModelInput>) -> (Axis, Axis) {
    let axis = |low: f32, high: f32| Axis { center: low.midpoint(high), size: high - low };
    (axis(rect.x0, rect.x1), axis(rect.y0, rect.y1))
}

#[expect(clippy::cast_possible_truncation, reason = "float casts saturate and keep the order")]
fn cell(position: f32, size: f32) -> i32 {
    (position / size).floor() as i32
}

fn count(range: &RangeInclusive<i32>) -> u64 {
    (i64::from(*range.end()) - i64::from(*range.start()) + 1).unsigned_abs()
}

/// A multiplicative hash of a cell's four numbers.
#[derive(Debug, Default)]
struct CellHasher(u64);

impl Hasher for CellHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_i32(i32::from(*byte)));
    }

    fn write_i32(&mut self, number: i32) {
        let mixed = self.0.rotate_left(23) ^ u64::from(number.cast_unsigned());
        self.0 = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
