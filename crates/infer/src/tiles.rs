//! Large pictures in overlapping tiles: how they are asked for and searched. Where tiles lie is preprocessing, and how
//! what each shows becomes one answer is suppression.
//!
//! Slicing aided hyper inference: Akyon, Altinuc, Temizel, <https://arxiv.org/abs/2202.06934>.

mod search;

/// How a picture is cut into tiles, and what becomes of objects that several of them show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tiling {
    /// How large tiles are.
    pub size: TileSize,
    /// Which part of a tile's side its neighbour shows too, at least; 0..=0.9. Objects up to that size are whole
    /// in one tile.
    pub overlap: f32,
    /// What becomes of objects that several tiles show.
    pub merge: TileMerge,
    /// How much two boxes have in common.
    pub measure: Overlap,
    /// From which overlap on two boxes are one object; 0..=1.
    pub threshold: f32,
}

impl Tiling {
    /// The part of a tile's side that its neighbour shows too, where nothing else is said.
    pub const OVERLAP: f32 = 0.2;
    /// The overlap from which on two boxes are one object, where nothing else is said.
    pub const THRESHOLD: f32 = 0.5;
    /// The largest overlap of tiles.
    pub const MOST_OVERLAP: f32 = 0.9;
    /// The shortest side of a tile, in pixels.
    pub const LEAST_SIDE: u32 = 32;
    /// The most tiles of a picture.
    pub const MOST_TILES: usize = 4096;

    /// Tiles of this size with all else as usual: boxes that have half of the smaller one in common are merged.
    #[must_use]
    pub const fn of(size: TileSize) -> Self {
        let (overlap, threshold) = (Self::OVERLAP, Self::THRESHOLD);
        Self { size, overlap, merge: TileMerge::Nmm, measure: Overlap::OverSmaller, threshold }
    }
}

/// How large tiles are, in pixels of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TileSize {
    /// As large as the model's input, so that a pixel of the picture is one of the input; pictures that are hardly
    /// larger are not cut.
    Auto,
    /// So large that the ground looks to the model as it did in its training.
    Ground(GroundSampling),
    /// As large as this.
    Fixed {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
}

/// How much of the ground a pixel shows, in metres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroundSampling {
    /// In the picture.
    pub picture: f32,
    /// In the pictures that the model was trained on.
    pub model: f32,
}

/// What becomes of boxes that are one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TileMerge {
    /// The best one stays and grows to cover the others: greedy non-maximum merging.
    #[default]
    Nmm,
    /// The best one stays as it is: greedy non-maximum suppression.
    Nms,
}

/// How much two boxes have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Overlap {
    /// The common area over the area of the smaller one.
    #[default]
    OverSmaller,
    /// The common area over the area of both.
    OverUnion,
}
