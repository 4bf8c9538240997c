//! Tiles as callers ask for them, in the words that HTTP and the command line share.

use std::{fmt, str::FromStr};

use detections_infer::{GroundSampling, Overlap, TileMerge, TileSize, Tiling};

/// Whether and how a picture is cut: the parameter `tile`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tile {
    /// Searched whole.
    #[default]
    Off,
    /// As large as the model's input, or as the ground asks for.
    Auto,
    /// As large as this, in pixels of the picture.
    Size {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
}

impl FromStr for Tile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let least = Tiling::LEAST_SIDE;
        let side = |text: &str| text.parse().ok().filter(|side| *side >= least);
        match text {
            "off" => Ok(Self::Off),
            "auto" => Ok(Self::Auto),
            size => size
                .split_once('x')
                .and_then(|(width, height)| {
                    Some(Self::Size { width: side(width)?, height: side(height)? })
                })
                .ok_or_else(|| {
                    format!(
                        "must be off, auto or WIDTHxHEIGHT with sides of {least} pixels or more"
                    )
                }),
        }
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Auto => f.write_str("auto"),
            Self::Size { width, height } => write!(f, "{width}x{height}"),
        }
    }
}

/// What a caller said of tiles; what was not said is as usual.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct AskedTiles {
    /// `tile`.
    pub(crate) tile: Option<Tile>,
    /// `tile_overlap`, 0..=0.9.
    pub(crate) overlap: Option<f32>,
    /// `tile_merge`.
    pub(crate) merge: Option<TileMerge>,
    /// `tile_match`.
    pub(crate) measure: Option<Overlap>,
    /// `gsd`, metres above 0.
    pub(crate) gsd: Option<f32>,
}

/// A parameter that makes no sense beside the others, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Senseless {
    /// Which one.
    pub(crate) name: &'static str,
    /// What is wrong with it.
    pub(crate) problem: &'static str,
}

impl AskedTiles {
    /// What the detector is told; `None` where pictures are searched whole. `model_gsd` is how many metres a pixel
    /// showed in the model's training.
    pub(crate) fn settle(self, model_gsd: Option<f32>) -> Result<Option<Tiling>, Senseless> {
        let Some(tile) = self.tile else {
            return self.refuse_what_needs_tiles().map(|()| None);
        };
        let size = match (tile, self.gsd) {
            (Tile::Off, None) => return Ok(None),
            (Tile::Auto, None) => TileSize::Auto,
            (Tile::Size { width, height }, None) => TileSize::Fixed { width, height },
            (Tile::Auto, Some(picture)) => {
                let problem = "needs the setting model.gsd, the metres a pixel showed in training";
                let model = model_gsd.ok_or(Senseless { name: "gsd", problem })?;
                TileSize::Ground(GroundSampling { picture, model })
            }
            (Tile::Off | Tile::Size { .. }, Some(_)) => {
                return Err(Senseless { name: "gsd", problem: "needs tile=auto" });
            }
        };
        let usual = Tiling::of(size);
        Ok(Some(Tiling {
            overlap: self.overlap.unwrap_or(usual.overlap),
            merge: self.merge.unwrap_or(usual.merge),
            measure: self.measure.unwrap_or(usual.measure),
            ..usual
        }))
    }

    fn refuse_what_needs_tiles(self) -> Result<(), Senseless> {
        let alone = [
            ("tile_overlap", self.overlap.is_some()),
            ("tile_merge", self.merge.is_some()),
            ("tile_match", self.measure.is_some()),
            ("gsd", self.gsd.is_some()),
        ];
        let first = alone.into_iter().find(|(_, given)| *given);
        first.map_or(Ok(()), |(name, _)| Err(Senseless { name, problem: "needs tile" }))
    }
}

/// The size of tiles as `tile` spells it.
pub(crate) const fn tile_of(tiling: Option<&Tiling>) -> Tile {
    match tiling {
        None => Tile::Off,
        Some(Tiling { size: TileSize::Auto | TileSize::Ground(_), .. }) => Tile::Auto,
        Some(Tiling { size: TileSize::Fixed { width, height }, .. }) => {
            Tile::Size { width: *width, height: *height }
        }
    }
}

/// The word for what becomes of boxes that are one object.
pub(crate) const fn merge_word(merge: TileMerge) -> &'static str {
    match merge {
        TileMerge::Nmm => "nmm",
        TileMerge::Nms => "nms",
    }
}

/// What `tile_merge` means.
pub(crate) fn merge(text: &str) -> Result<TileMerge, String> {
    match text {
        "nmm" => Ok(TileMerge::Nmm),
        "nms" => Ok(TileMerge::Nms),
        _ => Err("must be nmm or nms".to_owned()),
    }
}

/// The word for how much two boxes have in common.
pub(crate) const fn measure_word(measure: Overlap) -> &'static str {
    match measure {
        Overlap::OverSmaller => "ios",
        Overlap::OverUnion => "iou",
    }
}

/// What `tile_match` means.
pub(crate) fn measure(text: &str) -> Result<Overlap, String> {
    match text {
        "ios" => Ok(Overlap::OverSmaller),
        "iou" => Ok(Overlap::OverUnion),
        _ => Err("must be ios or iou".to_owned()),
    }
}

/// What `tile_overlap` means.
pub(crate) fn overlap(text: &str) -> Result<f32, String> {
    let most = Tiling::MOST_OVERLAP;
    let overlap = text.parse().ok().filter(|overlap| (0.0..=most).contains(overlap));
    overlap.ok_or_else(|| format!("must be a number within 0..={most}"))
}

/// What `gsd` means.
pub(crate) fn metres(text: &str) -> Result<f32, String> {
    let metres = text.parse().ok().filter(|metres: &f32| metres.is_normal() && *metres > 0.0);
    metres.ok_or_else(|| "must be metres for each pixel, above 0".to_owned())
}

#[cfg(test)]
mod tests {
    use detections_infer::{GroundSampling, TileSize, Tiling};

    use super::{AskedTiles, Tile, measure, measure_word, merge, merge_word, metres, tile_of};

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["off", "auto", "640x480", "32x32"] {
            assert_eq!(text.parse::<Tile>().unwrap().to_string(), text);
        }
        for text in ["", "on", "640", "640x", "31x640", "-1x640", "1e9x5", "4294967296x99"] {
            assert!(text.parse::<Tile>().unwrap_err().starts_with("must be off, auto"), "{text}");
        }
        assert_eq!(["nmm", "nms"].map(|word| merge_word(merge(word).unwrap())), ["nmm", "nms"]);
        assert_eq!(["ios", "iou"].map(|word| measure_word(measure(word).unwrap())), ["ios", "iou"]);
        assert!(merge("NMS").is_err() && measure("giou").is_err());
        assert!(["0", "-1", "inf", "NaN", "1e-50", ""].iter().all(|text| metres(text).is_err()));
    }

    #[test]
    fn what_was_not_said_is_as_usual() {
        let size = Tile::Size { width: 640, height: 480 };
        let asked = AskedTiles { tile: Some(size), overlap: Some(0.5), ..Default::default() };
        let tiling = asked.settle(None).unwrap();
        let usual = Tiling::of(TileSize::Fixed { width: 640, height: 480 });
        assert_eq!(tiling, Some(Tiling { overlap: 0.5, ..usual }));
        assert_eq!(tile_of(tiling.as_ref()), size);
        assert_eq!(AskedTiles::default().settle(None), Ok(None));
    }

    #[test]
    fn the_ground_decides_only_where_both_samplings_are_known() {
        let asked = AskedTiles { tile: Some(Tile::Auto), gsd: Some(0.1), ..Default::default() };
        let ground = TileSize::Ground(GroundSampling { picture: 0.1, model: 0.3 });
        assert_eq!(asked.settle(Some(0.3)), Ok(Some(Tiling::of(ground))));
        assert!(asked.settle(None).unwrap_err().problem.contains("model.gsd"));
    }

    #[test]
    fn what_makes_no_sense_alone_is_named() {
        let alone = AskedTiles { overlap: Some(0.2), gsd: Some(0.1), ..Default::default() };
        let senseless = alone.settle(Some(0.3)).unwrap_err();
        assert_eq!((senseless.name, senseless.problem), ("tile_overlap", "needs tile"));
        let off = AskedTiles { tile: Some(Tile::Off), gsd: Some(0.1), ..Default::default() };
        assert_eq!(off.settle(Some(0.3)).unwrap_err().problem, "needs tile=auto");
    }
}
