//! Takes known keys out of the merged values, each with its own check; whatever is left over at the
//! end is an unknown key. Faults are collected, so that one start tells them all.

use std::{
    collections::BTreeMap, fmt::Display, ops::RangeInclusive, path::PathBuf, str::FromStr,
    time::Duration,
};

use ::config::{Value, ValueKind};

use super::{ConfigFaults, Fault};

/// The longest time that any setting may ask for.
const MAX_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// Values by key, the origin of those already taken, and the faults so far.
#[derive(Debug)]
pub(super) struct Reader {
    values: BTreeMap<String, Value>,
    origins: BTreeMap<String, String>,
    faults: Vec<Fault>,
}

impl Reader {
    pub(super) fn new(values: Vec<(String, Value)>, faults: Vec<Fault>) -> Self {
        let origin =
            |(key, value): &(String, Value)| Some((key.clone(), value.origin()?.to_owned()));
        let origins = values.iter().filter_map(origin).collect();
        Self { values: values.into_iter().collect(), origins, faults }
    }

    /// The value of `key` as `check` reads it, or `default` when it is not set.
    pub(super) fn get<T>(
        &mut self,
        key: &str,
        default: T,
        check: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        self.optional(key, check).unwrap_or(default)
    }

    /// The value of `key` as `check` reads it; `None` when it is not set or faulty.
    pub(super) fn optional<T>(
        &mut self,
        key: &str,
        check: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.values.remove(key)?;
        let checked = scalar(&value).and_then(|text| {
            check(&text).map_err(|problem| format!("{problem}, but it is `{text}`"))
        });
        checked.map_err(|problem| self.fault(key, problem)).ok()
    }

    /// Words, as an array or between commas; `none` alone is no word.
    pub(super) fn words<T>(
        &mut self,
        key: &str,
        default: Vec<T>,
        check: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let Some(value) = self.values.remove(key) else { return default };
        let texts: Result<Vec<String>, String> = if let ValueKind::Array(values) = &value.kind {
            values.iter().map(scalar).collect()
        } else {
            scalar(&value).map(|text| text.split(',').map(|word| word.trim().to_owned()).collect())
        };
        let checked = texts.and_then(|texts| match texts.as_slice() {
            [only] if only == "none" => Ok(Vec::new()),
            [] => Err("must have a word, or be `none`".to_owned()),
            _ => texts.iter().map(|text| named(text, &check)).collect(),
        });
        checked.map_err(|problem| self.fault(key, problem)).unwrap_or(default)
    }

    /// Whether `key` is set and not read yet.
    pub(super) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// Whether any key that begins so is set and not read yet.
    pub(super) fn has_any(&self, prefix: &str) -> bool {
        self.values.keys().any(|key| key.starts_with(prefix))
    }

    /// How many faults there are so far.
    pub(super) fn faults(&self) -> usize {
        self.faults.len()
    }

    /// A path; relative ones are meant from the working directory.
    pub(super) fn path(&mut self, key: &str) -> Option<PathBuf> {
        self.optional(key, |text| match text {
            "" => Err("must be a path".to_owned()),
            text => Ok(PathBuf::from(text)),
        })
    }

    /// A text that no message may repeat.
    pub(super) fn secret<T>(&mut self, key: &str, check: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = self.values.remove(key)?;
        let secret = scalar(&value).ok().and_then(|text| check(&text));
        if secret.is_none() {
            self.fault(key, "is not a token; what it is, is not shown".to_owned());
        }
        secret
    }

    /// A time in milliseconds, at least one.
    pub(super) fn millis(&mut self, key: &str, default: u64) -> Duration {
        Duration::from_millis(self.get(key, default, number(1..=MAX_MILLIS)))
    }

    /// Notes that `key` is wrong.
    pub(super) fn fault(&mut self, key: &str, problem: String) {
        let origin = self.origins.get(key).cloned();
        self.faults.push(Fault { key: key.to_owned(), origin, problem });
    }

    /// Keys that nobody asked for are faults too.
    pub(super) fn finish(mut self) -> Result<(), ConfigFaults> {
        for key in std::mem::take(&mut self.values).into_keys() {
            self.fault(&key, "unknown key".to_owned());
        }
        if self.faults.is_empty() { Ok(()) } else { Err(ConfigFaults(self.faults)) }
    }
}

/// A word as `check` reads it, which must not be empty.
fn named<T>(text: &str, check: impl Fn(&str) -> Result<T, String>) -> Result<T, String> {
    if text.is_empty() {
        return Err("has an empty word".to_owned());
    }
    check(text).map_err(|problem| format!("{problem}, but it is `{text}`"))
}

fn scalar(value: &Value) -> Result<String, String> {
    match value.kind {
        ValueKind::Nil | ValueKind::Table(_) | ValueKind::Array(_) => {
            Err("must be a single value".to_owned())
        }
        ValueKind::String(_)
        | ValueKind::Boolean(_)
        | ValueKind::I64(_)
        | ValueKind::I128(_)
        | ValueKind::U64(_)
        | ValueKind::U128(_)
        | ValueKind::Float(_) => Ok(value.kind.to_string()),
    }
}

/// A number within a range.
pub(super) fn number<T: FromStr + PartialOrd + Display>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> {
    move |text| match text.parse() {
        Ok(value) if range.contains(&value) => Ok(value),
        _ => Err(format!("must be a number within {}..={}", range.start(), range.end())),
    }
}

/// One of a few words.
pub(super) fn choice<T: Copy, const N: usize>(
    words: [(&'static str, T); N],
) -> impl Fn(&str) -> Result<T, String> {
    move |text| {
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|&(_, value)| value).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            format!("must be one of {} in this build", known.join(", "))
        })
    }
}
