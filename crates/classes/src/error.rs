//! What can be wrong with a class map; all faults of a file are told at once, each with its entry.

use std::{fmt, io, path::PathBuf};

use detections_types::ErrorKind;

/// Faults that a message spells out; the others are counted.
const MAX_SHOWN: usize = 20;

/// Why a class map was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassesError {
    /// The file cannot be read.
    #[error("cannot read the class file {}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The text is longer than a class map may be.
    #[error("a class file of more than {limit} bytes")]
    TooLarge {
        /// How many bytes are allowed.
        limit: u64,
    },
    /// The text is not JSON.
    #[error("the class file is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// The JSON is none of the three forms.
    #[error(
        "a class file is an array of objects, an array of names, or an object from index to name, \
         not {found}"
    )]
    WrongForm {
        /// What it is instead.
        found: &'static str,
    },
    /// A plain array does not name each of the model's classes.
    #[error(
        "{names} names for a model of {labels} classes: a plain array names all of them in order"
    )]
    WrongCount {
        /// Names in the array.
        names: usize,
        /// Classes of the model.
        labels: usize,
    },
    /// No entry maps a class, or every one is switched off: nothing could ever be reported.
    #[error("the class file leaves none of the model's {labels} classes to be reported")]
    NothingMapped {
        /// Classes of the model.
        labels: usize,
    },
    /// Entries are at fault.
    #[error("{}", Listed(.0))]
    Entries(Vec<ClassFault>),
}

impl ClassesError {
    /// What kind of failure this is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreadable { .. }
            | Self::NotJson(_)
            | Self::WrongForm { .. }
            | Self::WrongCount { .. }
            | Self::NothingMapped { .. }
            | Self::Entries(_) => ErrorKind::InvalidInput,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
        }
    }
}

/// One fault and the entry that has it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{entry}: {problem}")]
pub struct ClassFault {
    /// Which entry.
    pub entry: EntryName,
    /// What is wrong with it.
    pub problem: ClassProblem,
}

/// How an entry is spoken of: its place in the file, and its name when it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryName {
    /// Its place: `[2]` in an array, counted from 0, or `["2"]` in an object.
    pub place: String,
    /// Its product name.
    pub name: Option<String>,
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {}", self.place)?;
        self.name.as_ref().map_or(Ok(()), |name| write!(f, " {name:?}"))
    }
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClassProblem {
    /// The entry is not of the form that the file has.
    #[error("is {found} where {expected} is expected")]
    WrongType {
        /// What the form asks for.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A key that is not known.
    #[error("unknown key {0:?}")]
    UnknownKey(String),
    /// A key is there twice.
    #[error("{0:?} is there twice")]
    RepeatedKey(String),
    /// A key's value is of the wrong type.
    #[error("{key:?} is {found} where {expected} is expected")]
    WrongValue {
        /// Which key.
        key: &'static str,
        /// What it asks for.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// There is no name, or nothing but spaces.
    #[error("has no name")]
    NoName,
    /// In an object from index to name, a key that is no index.
    #[error("its key is not an index")]
    BadIndex,
    /// Another entry has the same id.
    #[error("id {id} is also that of {other}")]
    DuplicateId {
        /// The id; an entry without one has its position.
        id: u32,
        /// The earlier entry.
        other: EntryName,
    },
    /// The label is none of the model's.
    #[error("label {label:?} is none of the model's labels ({known})")]
    UnknownLabel {
        /// What the entry says.
        label: String,
        /// The first of the model's labels.
        known: String,
    },
    /// Neither the name nor the id leads to one of the model's classes.
    #[error("its name is none of the model's labels, and index {index} is not below {labels}")]
    NoSuchClass {
        /// The entry's id or position.
        index: u32,
        /// Classes of the model.
        labels: usize,
    },
    /// The model has no class at this index.
    #[error("index {index} is not below {labels}, the number of the model's classes")]
    IndexOutOfRange {
        /// The key.
        index: u32,
        /// Classes of the model.
        labels: usize,
    },
    /// Another entry maps the same class of the model.
    #[error("maps the model's {label:?}, as {other} does")]
    DuplicateTarget {
        /// The model's label.
        label: String,
        /// The earlier entry.
        other: EntryName,
    },
}

struct Listed<'a>(&'a [ClassFault]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().take(MAX_SHOWN).enumerate() {
            write!(f, "{}{fault}", if index == 0 { "" } else { "; " })?;
        }
        match self.0.len().saturating_sub(MAX_SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}
