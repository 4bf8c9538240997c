//! Where the tiles of a picture lie.

use detections_types::Region;

use crate::{
    GroundSampling, InferError, InputShape, TileSize, Tiling,
    numeric::{double, whole},
};

/// Pictures up to so many times the model's input are not cut where nobody asked for a size.
const LARGER: f64 = 1.5;

/// The tiles of one picture, row by row, evenly spread, and the whole of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    whole: Region,
    columns: Cuts,
    rows: Cuts,
}

/// Where the tiles lie along one axis.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cuts {
    /// Pixels of the picture.
    side: u32,
    /// Pixels of a tile.
    tile: u32,
    count: u32,
}

impl Plan {
    /// The tiles of a picture of `width` x `height` pixels for a model with this input.
    ///
    /// # Errors
    /// [`InferError::Parameter`] when a number is out of range, or when there were too many tiles.
    pub(crate) fn new(
        tiling: &Tiling,
        width: u32,
        height: u32,
        input: InputShape,
    ) -> Result<Self, InferError> {
        check(tiling)?;
        let [tile_width, tile_height] = sides(tiling.size, width, height, input);
        let columns = Cuts::new(width, tile_width, tiling.overlap);
        let rows = Cuts::new(height, tile_height, tiling.overlap);
        let tiles = columns.count as usize * rows.count as usize;
        if tiles > Tiling::MOST_TILES {
            let value = format!("{tile_width}x{tile_height}, which makes {tiles} tiles");
            let most = Tiling::MOST_TILES;
            let expected = format!("at most {most} tiles of a picture of {width}x{height} pixels");
            return Err(InferError::Parameter { name: "tile", value, expected });
        }
        Ok(Self { whole: Region { x: 0, y: 0, width, height }, columns, rows })
    }

    /// The whole picture, then its tiles row by row, where there is more than one.
    pub(crate) fn regions(&self) -> impl Iterator<Item = Region> {
        let cut = self.columns.count * self.rows.count > 1;
        let rows = (0..self.rows.count).filter(move |_| cut);
        let tiles = rows.flat_map(move |row| {
            let (y, height) = self.rows.at(row);
            (0..self.columns.count).map(move |column| {
                let (x, width) = self.columns.at(column);
                Region { x, y, width, height }
            })
        });
        std::iter::once(self.whole).chain(tiles)
    }

    /// The whole picture.
    pub(crate) const fn whole(&self) -> Region {
        self.whole
    }
}

impl Cuts {
    fn new(side: u32, tile: u32, overlap: f32) -> Self {
        if tile >= side {
            return Self { side, tile: side, count: 1 };
        }
        let step = (f64::from(tile) * (1.0 - f64::from(overlap))).floor().max(1.0);
        let steps = (f64::from(side - tile) / step).ceil();
        let count = u32::try_from(whole(steps)).unwrap_or(u32::MAX).saturating_add(1);
        Self { side, tile, count }
    }

    /// First pixel and length of a tile. The first pixel is even, so that colour samples are not cut; the last
    /// tile reaches the end.
    fn at(&self, index: u32) -> (u32, u32) {
        let (free, steps) = (u64::from(self.side - self.tile), u64::from(self.count - 1));
        let even = (u64::from(index) * free).checked_div(steps).unwrap_or(0) & !1;
        let start = u32::try_from(even).unwrap_or(0);
        let len = if index + 1 == self.count { self.side - start } else { self.tile };
        (start, len)
    }
}

fn check(tiling: &Tiling) -> Result<(), InferError> {
    let refuse = |name, value: String, expected: String| {
        Err(InferError::Parameter { name, value, expected })
    };
    if !(0.0..=Tiling::MOST_OVERLAP).contains(&tiling.overlap) {
        let expected = format!("0 to {}", Tiling::MOST_OVERLAP);
        return refuse("tile_overlap", tiling.overlap.to_string(), expected);
    }
    if !(0.0..=1.0).contains(&tiling.threshold) {
        return refuse("tile_threshold", tiling.threshold.to_string(), "0 to 1".into());
    }
    match tiling.size {
        TileSize::Fixed { width, height } if width.min(height) < Tiling::LEAST_SIDE => {
            let expected = format!("sides of {} pixels or more", Tiling::LEAST_SIDE);
            refuse("tile", format!("{width}x{height}"), expected)
        }
        TileSize::Ground(GroundSampling { picture, model })
            if ![picture, model].iter().all(|metres| metres.is_normal() && *metres > 0.0) =>
        {
            let value = format!("{picture} of {model}");
            refuse("ground sampling", value, "metres above 0".into())
        }
        TileSize::Auto | TileSize::Ground(_) | TileSize::Fixed { .. } => Ok(()),
    }
}

/// Columns and rows of a tile, at most those of the picture.
fn sides(size: TileSize, width: u32, height: u32, input: InputShape) -> [u32; 2] {
    let scale = match size {
        TileSize::Fixed { width: tile_width, height: tile_height } => {
            return [tile_width.min(width), tile_height.min(height)];
        }
        TileSize::Auto => 1.0,
        TileSize::Ground(ground) => f64::from(ground.model) / f64::from(ground.picture),
    };
    let wanted = [input.width, input.height].map(|side| double(side) * scale);
    let is_larger = f64::from(width) > wanted[0] * LARGER || f64::from(height) > wanted[1] * LARGER;
    if !is_larger {
        return [width, height];
    }
    let side = |wanted: f64, side: u32| {
        let wanted = u32::try_from(whole(wanted.round())).unwrap_or(u32::MAX);
        wanted.max(Tiling::LEAST_SIDE).min(side)
    };
    [side(wanted[0], width), side(wanted[1], height)]
}

#[cfg(test)]
mod tests {
    use detections_types::Region;
    use proptest::prelude::{prop_assert, proptest};

    use super::Plan;
    use crate::{GroundSampling, InputShape, TileSize, Tiling};

    const INPUT: InputShape = InputShape { max_batch: 1, height: 384, width: 640 };

    fn plan(tiling: Tiling, width: u32, height: u32) -> Vec<Region> {
        Plan::new(&tiling, width, height, INPUT).unwrap().regions().collect()
    }

    fn refusal(tiling: Tiling) -> String {
        Plan::new(&tiling, 9999, 9999, INPUT).unwrap_err().to_string()
    }

    #[test]
    fn tiles_are_spread_evenly_and_follow_the_whole() {
        let tiling =
            Tiling { overlap: 0.25, ..Tiling::of(TileSize::Fixed { width: 400, height: 600 }) };
        let starts: Vec<_> = plan(tiling, 1001, 500).iter().map(|r| (r.x, r.width)).collect();
        // 601 pixels in steps of at most 300.
        assert_eq!(starts, [(0, 1001), (0, 400), (200, 400), (400, 400), (600, 401)]);
        assert!(plan(tiling, 1001, 500).iter().all(|region| (region.y, region.height) == (0, 500)));
    }

    #[test]
    fn a_picture_that_is_hardly_larger_than_the_input_is_not_cut_unasked() {
        let whole = Region { x: 0, y: 0, width: 960, height: 576 };
        assert_eq!(plan(Tiling::of(TileSize::Auto), 960, 576), [whole]);
        let tiles = plan(Tiling::of(TileSize::Auto), 962, 576);
        assert_eq!(tiles.len(), 1 + 2 * 2);
        assert_eq!(tiles[1], Region { x: 0, y: 0, width: 640, height: 384 });
    }

    #[test]
    fn tiles_show_the_ground_as_the_model_knows_it() {
        let ground = GroundSampling { picture: 0.1, model: 0.3 };
        let tiles = plan(Tiling::of(TileSize::Ground(ground)), 6000, 6000);
        assert_eq!((tiles[1].width, tiles[1].height), (1920, 1152));
        let coarse = GroundSampling { picture: 30.0, model: 0.3 };
        let tiles = plan(Tiling::of(TileSize::Ground(coarse)), 500, 100);
        assert_eq!((tiles[1].width, tiles[1].height), (32, 32), "no smaller");
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        let fixed = |width, height| Tiling::of(TileSize::Fixed { width, height });
        let ground =
            |picture, model| Tiling::of(TileSize::Ground(GroundSampling { picture, model }));
        for (tiling, expected) in [
            (fixed(31, 640), "tile is 31x640; sides of 32 pixels or more"),
            (fixed(32, 32), "tile is 32x32, which makes "),
            (Tiling { overlap: 0.95, ..fixed(640, 640) }, "tile_overlap is 0.95; 0 to 0.9"),
            (Tiling { overlap: f32::NAN, ..fixed(640, 640) }, "tile_overlap is NaN"),
            (Tiling { threshold: 1.5, ..fixed(640, 640) }, "tile_threshold is 1.5; 0 to 1"),
            (ground(0.0, 0.3), "ground sampling is 0 of 0.3"),
            (ground(f32::INFINITY, 0.3), "ground sampling is inf of 0.3"),
        ] {
            assert!(refusal(tiling).starts_with(expected), "{}", refusal(tiling));
        }
    }

    proptest! {
        #[test]
        fn every_box_up_to_the_overlap_is_whole_in_a_tile(
            // So that there are never too many.
            width in 100_u32..3000, height in 100_u32..3000, tile in 150_u32..1200,
            overlap in 0.0_f32..0.5, at in [0.0_f64..1.0, 0.0..1.0],
        ) {
            let size = TileSize::Fixed { width: tile, height: tile };
            let tiling = Tiling { overlap, ..Tiling::of(size) };
            let regions = plan(tiling, width, height);
            // Two pixels are lost where tiles begin at an even one.
            let side = (f64::from(tile) * f64::from(overlap) - 2.0).max(1.0).min(f64::from(width.min(height)));
            let (x, y) = (at[0] * (f64::from(width) - side), at[1] * (f64::from(height) - side));
            let holds = |region: &Region| {
                f64::from(region.x) <= x && x + side <= f64::from(region.x + region.width)
                    && f64::from(region.y) <= y && y + side <= f64::from(region.y + region.height)
            };
            prop_assert!(regions.iter().skip(usize::from(regions.len() > 1)).any(holds));
            prop_assert!(regions.iter().all(|r| r.x % 2 == 0 && r.y % 2 == 0));
            prop_assert!(regions.iter().all(|r| r.x + r.width <= width && r.y + r.height <= height));
        }
    }
}
