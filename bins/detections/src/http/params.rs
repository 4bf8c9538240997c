//! The parameters of a request, from its query and from the `config` field, under all their names.
//! Each may be given once; what is unknown, wrong or out of range is refused by the name it was given.

mod given;
mod video;

use std::{fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

use detections_classes::BoundClasses;
use detections_frames::Exif;
use detections_infer::{Masks, NmsMode, Tiling};
use detections_pipeline::{ClassSelection, SearchRequest, StillRequest};
use detections_types::Score;

use self::given::{Name, Text};
pub(super) use self::{
    given::Given,
    video::{Delivery, VideoParams},
};
use super::Problem;
use crate::{
    config::{Config, MAX_DETECTIONS},
    tiles::{self, AskedTiles, Senseless},
    wire::ParamsBody,
};

/// What a request for a picture asks for, checked and complete.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Params {
    /// What is asked of the picture.
    pub(super) request: StillRequest,
    /// After how long the answer is of no use.
    pub(super) timeout: Duration,
}

impl Params {
    /// Checks what was given and fills in the configured defaults for the rest.
    pub(super) fn settle(
        mut given: Given,
        config: &Config,
        classes: &BoundClasses,
    ) -> Result<Self, Problem> {
        let search = search(&mut given, config, classes)?;
        let exif = given.read(Name::Exif, exif)?.unwrap_or(Exif::Apply);
        let timeout = timeout(&mut given, config.server.timeout)?;
        given.refuse_the_rest()?;
        Ok(Self { request: StillRequest { search, exif }, timeout })
    }

    /// The effective values, as the response tells them.
    pub(super) fn body(&self) -> ParamsBody {
        ParamsBody { timeout_ms: Some(whole_ms(self.timeout)), ..ParamsBody::from(&self.request) }
    }
}

/// What pictures and frames are searched for.
fn search(
    given: &mut Given,
    config: &Config,
    classes: &BoundClasses,
) -> Result<SearchRequest, Problem> {
    let defaults = &config.detect;
    Ok(SearchRequest {
        confidence: given.read(Name::Confidence, score)?.unwrap_or(defaults.confidence),
        iou: given.read(Name::Iou, within(0.0..=1.0))?.unwrap_or(defaults.iou),
        max_detections: given
            .read(Name::MaxDetections, within(1..=MAX_DETECTIONS))?
            .unwrap_or(defaults.max_detections),
        nms: given.read(Name::AgnosticNms, nms)?.unwrap_or(NmsMode::ClassWise),
        masks: given.read(Name::Masks, masks)?.unwrap_or_default(),
        classes: given.read(Name::Classes, selection(classes))?.unwrap_or_default(),
        tiling: tiling(given, config.model.gsd)?,
    })
}

/// After how long the answer is of no use; `longest` at most and by default.
fn timeout(given: &mut Given, longest: Duration) -> Result<Duration, Problem> {
    let asked = given.read(Name::TimeoutMs, within(1..=whole_ms(longest)))?;
    Ok(asked.map_or(longest, Duration::from_millis))
}

fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How a picture or frame is cut.
fn tiling(given: &mut Given, model_gsd: Option<f32>) -> Result<Option<Tiling>, Problem> {
    let asked = AskedTiles {
        tile: given.read(Name::Tile, |text| text.one()?.parse())?,
        overlap: given.read(Name::TileOverlap, |text| tiles::overlap(text.one()?))?,
        merge: given.read(Name::TileMerge, |text| tiles::merge(text.one()?))?,
        measure: given.read(Name::TileMatch, |text| tiles::measure(text.one()?))?,
        gsd: given.read(Name::Gsd, |text| tiles::metres(text.one()?))?,
    };
    asked.settle(model_gsd).map_err(|Senseless { name, problem }| {
        Problem::parameter("invalid_parameter", format!("parameter `{name}` {problem}"))
    })
}

fn within<T: FromStr + PartialOrd + Display>(
    range: RangeInclusive<T>,
) -> impl Fn(&Text) -> Result<T, String> {
    move |text| match text.one()?.parse() {
        Ok(value) if range.contains(&value) => Ok(value),
        _ => Err(format!("must be a number within {}..={}", range.start(), range.end())),
    }
}

fn score(text: &Text) -> Result<Score, String> {
    let value = within(0.0..=1.0)(text)?;
    Score::new(value).ok_or_else(|| "must be a number within 0..=1".to_owned())
}

fn flag(text: &Text) -> Result<bool, String> {
    match text.one()? {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

fn nms(text: &Text) -> Result<NmsMode, String> {
    Ok(if flag(text)? { NmsMode::Agnostic } else { NmsMode::ClassWise })
}

fn masks(text: &Text) -> Result<Masks, String> {
    Ok(if flag(text)? { Masks::On } else { Masks::Off })
}

fn exif(text: &Text) -> Result<Exif, String> {
    match text.one()? {
        "apply" => Ok(Exif::Apply),
        "ignore" => Ok(Exif::Ignore),
        _ => Err("must be apply or ignore".to_owned()),
    }
}

/// Product ids and names; ids are reported once each, in rising order.
fn selection(classes: &BoundClasses) -> impl Fn(&Text) -> Result<ClassSelection, String> {
    |text| {
        let mut ids = Vec::new();
        for word in text.many() {
            let known = classes.find(word);
            ids.extend(known.ok_or_else(|| format!("no class has the id or name `{word}`"))?);
        }
        if ids.is_empty() {
            return Err("must name at least one class".to_owned());
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ClassSelection::Only(ids))
    }
}

#[cfg(test)]
mod tests;
