//! One entry of an array of objects, read key by key so that each of its faults is told.

use detections_types::Score;

use crate::{
    Color,
    error::{ClassFault, ClassProblem, EntryName},
    json::Json,
};

/// What an entry says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// Where it stands.
    pub(crate) place: String,
    /// Its position in the file, from 0.
    pub(crate) position: u32,
    pub(crate) id: Option<u32>,
    pub(crate) name: String,
    pub(crate) target: Target,
    pub(crate) color: Option<Color>,
    pub(crate) min_confidence: Option<Score>,
    pub(crate) enabled: bool,
}

/// Which of the model's classes an entry speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// The one with this label.
    Label(String),
    /// The one whose label is the entry's name, otherwise the one at the entry's id.
    NameOrId,
    /// The one at this index.
    Index(u32),
}

impl Entry {
    /// An entry that names the model's class `index` and says no more.
    pub(crate) fn of_index(place: String, index: u32, name: String) -> Self {
        Self { target: Target::Index(index), id: Some(index), ..Self::empty(place, index, name) }
    }

    /// Reads an entry; its faults are added to `faults`.
    pub(crate) fn read(position: u32, json: Json, faults: &mut Vec<ClassFault>) -> Self {
        let mut entry = Self::empty(format!("[{position}]"), position, String::new());
        let mut problems = Vec::new();
        let found = json.type_name();
        if let Json::Object(pairs) = json {
            entry.read_pairs(pairs, &mut problems);
        } else {
            let expected = "an object, as the file's first entry is one,";
            problems.push(ClassProblem::WrongType { expected, found });
        }
        let name = entry.entry_name();
        faults.extend(problems.into_iter().map(|problem| name.fault(problem)));
        entry
    }

    /// The id that the product knows the class by.
    pub(crate) fn product_id(&self) -> u32 {
        self.id.unwrap_or(self.position)
    }

    /// How to speak of the entry.
    pub(crate) fn entry_name(&self) -> EntryName {
        let name = (!self.name.is_empty()).then(|| self.name.clone());
        EntryName { place: self.place.clone(), name }
    }

    const fn empty(place: String, position: u32, name: String) -> Self {
        Self {
            place,
            position,
            id: None,
            name,
            target: Target::NameOrId,
            color: None,
            min_confidence: None,
            enabled: true,
        }
    }

    fn read_pairs(&mut self, pairs: Vec<(String, Json)>, problems: &mut Vec<ClassProblem>) {
        let mut seen: Vec<String> = Vec::new();
        for (key, value) in pairs {
            if seen.contains(&key) {
                problems.push(ClassProblem::RepeatedKey(key));
                continue;
            }
            problems.extend(self.read_pair(&key, value).err());
            // An unknown key is told each time; remembering it would make long objects slow.
            if seen.len() < 16 {
                seen.push(key);
            }
        }
        if !seen.iter().any(|key| key == "name") {
            problems.push(ClassProblem::NoName);
        }
    }

    fn read_pair(&mut self, key: &str, value: Json) -> Result<(), ClassProblem> {
        match key {
            "id" => self.id = Some(id(value)?),
            "name" => self.name = name(value)?,
            "label" => self.target = Target::Label(text("label", value)?),
            "color" => self.color = Some(color(value)?),
            "min_confidence" => self.min_confidence = Some(score(value)?),
            "enabled" => self.enabled = boolean(value)?,
            _ => return Err(ClassProblem::UnknownKey(key.chars().take(80).collect())),
        }
        Ok(())
    }
}

impl EntryName {
    /// The fault of this entry.
    pub(crate) fn fault(&self, problem: ClassProblem) -> ClassFault {
        ClassFault { entry: self.clone(), problem }
    }
}

fn id(value: Json) -> Result<u32, ClassProblem> {
    let id = if let Json::Natural(id) = value { u32::try_from(id).ok() } else { None };
    id.ok_or_else(|| wrong("id", "a whole number from 0 to 4294967295", &value))
}

fn name(value: Json) -> Result<String, ClassProblem> {
    let name = text("name", value)?;
    if name.trim().is_empty() { Err(ClassProblem::NoName) } else { Ok(name) }
}

fn text(key: &'static str, value: Json) -> Result<String, ClassProblem> {
    if let Json::Text(text) = value {
        return Ok(text);
    }
    Err(wrong(key, "a text", &value))
}

fn color(value: Json) -> Result<Color, ClassProblem> {
    let color = if let Json::Text(text) = &value { Color::parse(text) } else { None };
    color.ok_or_else(|| wrong("color", "a colour like \"#e6194b\"", &value))
}

#[expect(clippy::cast_possible_truncation, reason = "a score has no more digits than f32 holds")]
fn score(value: Json) -> Result<Score, ClassProblem> {
    let score = match value {
        Json::Natural(0) => Some(0.0),
        Json::Natural(1) => Some(1.0),
        Json::Number(number) => (0.0..=1.0).contains(&number).then_some(number as f32),
        Json::Natural(_)
        | Json::Null
        | Json::Bool(_)
        | Json::Text(_)
        | Json::Array(_)
        | Json::Object(_) => None,
    };
    score
        .and_then(Score::new)
        .ok_or_else(|| wrong("min_confidence", "a number from 0 to 1", &value))
}

fn boolean(value: Json) -> Result<bool, ClassProblem> {
    if let Json::Bool(boolean) = value {
        return Ok(boolean);
    }
    Err(wrong("enabled", "true or false", &value))
}

fn wrong(key: &'static str, expected: &'static str, found: &Json) -> ClassProblem {
    let found = match found {
        Json::Natural(number) => number.to_string(),
        Json::Number(number) => number.to_string(),
        Json::Bool(boolean) => boolean.to_string(),
        Json::Text(text) => format!("{:?}", text.chars().take(80).collect::<String>()),
        Json::Null | Json::Array(_) | Json::Object(_) => found.type_name().to_owned(),
    };
    ClassProblem::WrongValue { key, expected, found }
}
