//! Parameters as they were given: known names with texts, not yet checked.

use std::{collections::BTreeMap, fmt};

use actix_web::web::Query;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use crate::http::Problem;

/// The parameters that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Confidence,
    Iou,
    MaxDetections,
    Classes,
    AgnosticNms,
    Masks,
    Tile,
    TileOverlap,
    TileMerge,
    TileMatch,
    Gsd,
    Exif,
    TimeoutMs,
    Frames,
    Track,
    MaxFrames,
    Async,
}

impl Name {
    /// The parameter that is called `word`, under its own name or another.
    fn known(word: &str) -> Option<Self> {
        Some(match word {
            "confidence" | "conf" | "min_confidence" | "threshold" => Self::Confidence,
            "iou" | "overlap" | "iou_threshold" => Self::Iou,
            "max_detections" | "max_det" => Self::MaxDetections,
            "classes" => Self::Classes,
            "agnostic_nms" => Self::AgnosticNms,
            "masks" => Self::Masks,
            "tile" => Self::Tile,
            "tile_overlap" => Self::TileOverlap,
            "tile_merge" => Self::TileMerge,
            "tile_match" => Self::TileMatch,
            "gsd" => Self::Gsd,
            "exif" => Self::Exif,
            "timeout_ms" => Self::TimeoutMs,
            "frames" => Self::Frames,
            "track" => Self::Track,
            "max_frames" => Self::MaxFrames,
            "async" => Self::Async,
            _ => return None,
        })
    }
}

/// What a parameter was set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    /// One value; several where commas stand in it.
    One(String),
    /// The members of a JSON array.
    Many(Vec<String>),
}

impl Text {
    /// The single value.
    pub(super) fn one(&self) -> Result<&str, String> {
        match self {
            Self::One(text) => Ok(text),
            Self::Many(_) => Err("must be a single value".to_owned()),
        }
    }

    /// All values.
    pub(super) fn many(&self) -> Vec<&str> {
        match self {
            Self::One(text) => {
                text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect()
            }
            Self::Many(words) => words.iter().map(String::as_str).collect(),
        }
    }

    /// A JSON value; `None` for null, which is as good as absent.
    fn from_json(value: Value) -> Result<Option<Self>, ()> {
        let scalar = |value: Value| match value {
            Value::String(text) => Ok(text),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(flag) => Ok(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => Err(()),
        };
        if let Value::Array(values) = value {
            return values
                .into_iter()
                .map(scalar)
                .collect::<Result<_, _>>()
                .map(Self::Many)
                .map(Some);
        }
        if value.is_null() { Ok(None) } else { scalar(value).map(Self::One).map(Some) }
    }
}

/// Parameters by name, each with the word under which it was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::http) struct Given(BTreeMap<Name, (String, Text)>);

impl Given {
    /// The parameters of a query string.
    pub(in crate::http) fn from_query(query: &str) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::from_query(query).map_err(|error| {
            Problem::parameter("malformed_query", format!("the query cannot be read: {error}"))
        })?;
        let mut given = Self::default();
        for (word, value) in pairs.into_inner() {
            let text = match serde_json::from_str(&value) {
                Ok(Value::Array(array)) if Name::known(&word) == Some(Name::Classes) => {
                    json_text(&word, Value::Array(array))?
                }
                _ => Some(Text::One(value)),
            };
            given.insert(word, text)?;
        }
        Ok(given)
    }

    /// Adds the parameters of a `config` field, a JSON object.
    pub(in crate::http) fn add_json(&mut self, json: &[u8]) -> Result<(), Problem> {
        let Pairs(pairs) = serde_json::from_slice(json).map_err(|error| {
            Problem::parameter(
                "malformed_config",
                format!("the field `config` is not a JSON object of parameters: {error}"),
            )
        })?;
        pairs.into_iter().try_for_each(|(word, value)| {
            let text = json_text(&word, value)?;
            self.insert(word, text)
        })
    }

    /// Takes the value of `name` as `check` reads it.
    pub(super) fn read<T>(
        &mut self,
        name: Name,
        check: impl Fn(&Text) -> Result<T, String>,
    ) -> Result<Option<T>, Problem> {
        let Some((word, text)) = self.0.remove(&name) else { return Ok(None) };
        check(&text).map(Some).map_err(|problem| invalid(&word, &problem))
    }

    /// What nobody has read belongs to another resource.
    pub(super) fn refuse_the_rest(self) -> Result<(), Problem> {
        let rest = self.0.into_values().next();
        rest.map_or(Ok(()), |(word, _)| Err(unknown(&word)))
    }

    fn insert(&mut self, word: String, text: Option<Text>) -> Result<(), Problem> {
        let Some(name) = Name::known(&word) else { return Err(unknown(&word)) };
        let Some(text) = text else { return Ok(()) };
        match self.0.insert(name, (word.clone(), text)) {
            None => Ok(()),
            Some((earlier, _)) => {
                let detail = format!("parameter `{word}` is given twice, first as `{earlier}`");
                Err(Problem::parameter("duplicate_parameter", detail))
            }
        }
    }
}

fn json_text(word: &str, value: Value) -> Result<Option<Text>, Problem> {
    Text::from_json(value)
        .map_err(|()| invalid(word, "must be a number, a text, true, false or a list of these"))
}

fn unknown(word: &str) -> Problem {
    let detail = format!("unknown parameter `{}`", shortened(word));
    Problem::parameter("unknown_parameter", detail)
}

fn invalid(word: &str, problem: &str) -> Problem {
    let detail = format!("parameter `{}` {problem}", shortened(word));
    Problem::parameter("invalid_parameter", detail)
}

/// A client's word, no longer than is useful in an error.
fn shortened(word: &str) -> String {
    word.chars().take(64).collect()
}

/// The members of a JSON object in their order; unlike a map, it does not hide doubled ones.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}
