//! A class map as it was written: read and checked for all that can be known without a model.

use std::{collections::HashMap, fs::File, io::Read, path::Path};

use crate::{
    BoundClasses, ClassProblem, ClassesError, bind,
    entry::Entry,
    error::{ClassFault, EntryName},
    json::Json,
};

/// The longest class file that is read: 1 MiB.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

/// What the product calls the classes of a model, in one of three forms.
///
/// - an array of objects: `[{"id":0,"name":"car","label":"vehicle.car","color":"#e6194b",
///   "min_confidence":0.3,"enabled":true}]`, of which only `name` is required;
/// - an array of names, one for each of the model's classes in order: `["car","boat"]`;
/// - an object from the model's index to a name: `{"0":"car"}`.
///
/// ```
/// use detections_classes::ClassMap;
/// use detections_types::ClassIndex;
///
/// let labels = ["person".to_owned(), "vehicle.car".to_owned()];
/// let map = ClassMap::from_json(r#"[{"id": 7, "name": "car", "label": "vehicle.car"}]"#)?;
/// let classes = map.bind(&labels)?;
/// assert_eq!(classes.class(ClassIndex(1)).unwrap().id, 7);
/// assert_eq!(classes.unmapped_labels(), ["person"]);
/// # Ok::<(), detections_classes::ClassesError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ClassMap(pub(crate) Form);

/// The forms of a map.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Form {
    /// The model's own labels.
    Identity,
    /// Names for all of the model's classes.
    Names(Vec<Entry>),
    /// Entries for some of them.
    Entries(Vec<Entry>),
}

impl ClassMap {
    /// The map that keeps the model's own labels and indices.
    #[must_use]
    pub const fn identity() -> Self {
        Self(Form::Identity)
    }

    /// Reads a map from JSON.
    ///
    /// # Errors
    /// [`ClassesError::TooLarge`], [`ClassesError::NotJson`], [`ClassesError::WrongForm`], or
    /// [`ClassesError::Entries`] with every fault of every entry.
    pub fn from_json(text: &str) -> Result<Self, ClassesError> {
        if text.len() as u64 > MAX_FILE_BYTES {
            return Err(ClassesError::TooLarge { limit: MAX_FILE_BYTES });
        }
        let mut faults = Vec::new();
        let form = match serde_json::from_str(text).map_err(ClassesError::NotJson)? {
            Json::Array(items) => read_array(items, &mut faults),
            Json::Object(pairs) => Form::Entries(read_indexed(pairs, &mut faults)),
            other @ (Json::Null
            | Json::Bool(_)
            | Json::Natural(_)
            | Json::Number(_)
            | Json::Text(_)) => {
                let found = other.type_name();
                return Err(ClassesError::WrongForm { found });
            }
        };
        check_ids(form.entries(), &mut faults);
        if faults.is_empty() { Ok(Self(form)) } else { Err(ClassesError::Entries(faults)) }
    }

    /// Reads a map from a JSON file of at most [`MAX_FILE_BYTES`].
    ///
    /// # Errors
    /// [`ClassesError::Unreadable`], and those of [`from_json`](Self::from_json).
    pub fn open(path: &Path) -> Result<Self, ClassesError> {
        let unreadable = |source| ClassesError::Unreadable { path: path.to_owned(), source };
        let mut text = String::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
        Self::from_json(&text)
    }

    /// Binds the map to a model's labels, in the order of the model's indices.
    ///
    /// # Errors
    /// [`ClassesError::WrongCount`], or [`ClassesError::Entries`] with every entry that leads to no
    /// class of the model, or to one that an earlier entry maps.
    pub fn bind(&self, labels: &[String]) -> Result<BoundClasses, ClassesError> {
        bind::bind(&self.0, labels)
    }
}

impl Form {
    fn entries(&self) -> &[Entry] {
        match self {
            Self::Identity => &[],
            Self::Names(entries) | Self::Entries(entries) => entries,
        }
    }
}

/// The first item decides which of the two array forms it is.
fn read_array(items: Vec<Json>, faults: &mut Vec<ClassFault>) -> Form {
    let names = matches!(items.first(), Some(Json::Text(_)));
    let positioned = (0_u32..).zip(items);
    if names {
        let read = |(position, item)| read_name(format!("[{position}]"), position, item, faults);
        Form::Names(positioned.map(read).collect())
    } else {
        let read = |(position, item)| Entry::read(position, item, faults);
        Form::Entries(positioned.map(read).collect())
    }
}

fn read_indexed(pairs: Vec<(String, Json)>, faults: &mut Vec<ClassFault>) -> Vec<Entry> {
    let read = |(key, value): (String, Json)| {
        let place = format!("[{:?}]", key.chars().take(80).collect::<String>());
        let index = key.parse().unwrap_or_else(|_| {
            let entry = EntryName { place: place.clone(), name: None };
            faults.push(entry.fault(ClassProblem::BadIndex));
            0
        });
        read_name(place, index, value, faults)
    };
    pairs.into_iter().map(read).collect()
}

fn read_name(place: String, index: u32, item: Json, faults: &mut Vec<ClassFault>) -> Entry {
    let found = item.type_name();
    let (name, problem) = if let Json::Text(name) = item {
        let empty = name.trim().is_empty();
        (name, empty.then_some(ClassProblem::NoName))
    } else {
        let expected = "a name";
        (String::new(), Some(ClassProblem::WrongType { expected, found }))
    };
    let entry = Entry::of_index(place, index, name);
    faults.extend(problem.map(|problem| entry.entry_name().fault(problem)));
    entry
}

fn check_ids(entries: &[Entry], faults: &mut Vec<ClassFault>) {
    let mut seen: HashMap<u32, &Entry> = HashMap::new();
    for entry in entries {
        let id = entry.product_id();
        if let Some(earlier) = seen.get(&id) {
            let other = earlier.entry_name();
            faults.push(entry.entry_name().fault(ClassProblem::DuplicateId { id, other }));
        } else {
            seen.insert(id, entry);
        }
    }
}
