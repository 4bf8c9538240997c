//! The product's class map and where it came from.

use std::{fmt, path::PathBuf};

use detections_classes::{BoundClasses, ClassMap, ClassesError};

use super::EngineError;

/// Where a class map came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClassOrigin {
    /// There is none: the model's labels are taken as they are.
    Model,
    /// A file.
    File(PathBuf),
    /// The Loader has it at this address.
    Loader(String),
}

impl fmt::Display for ClassOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model => f.write_str("of the model"),
            Self::File(path) => write!(f, "classes.path {}", path.display()),
            Self::Loader(url) => f.write_str(url),
        }
    }
}

/// A class map that is not yet bound to a model.
#[derive(Debug, Clone)]
pub struct Classes {
    map: ClassMap,
    origin: ClassOrigin,
}

impl Classes {
    /// The model's own labels.
    #[must_use]
    pub const fn of_model() -> Self {
        Self { map: ClassMap::identity(), origin: ClassOrigin::Model }
    }

    /// Reads the class file at `path`.
    ///
    /// # Errors
    /// [`EngineError::Classes`].
    pub fn open(path: PathBuf) -> Result<Self, EngineError> {
        Self::new(ClassMap::open(&path), ClassOrigin::File(path))
    }

    /// Reads a class map from the bytes of one.
    ///
    /// # Errors
    /// [`EngineError::Classes`].
    pub fn from_bytes(bytes: &[u8], origin: ClassOrigin) -> Result<Self, EngineError> {
        Self::new(ClassMap::from_json(&String::from_utf8_lossy(bytes)), origin)
    }

    /// The classes for a model with these labels.
    ///
    /// # Errors
    /// [`EngineError::Classes`] when they do not fit.
    pub fn bind(&self, labels: &[String]) -> Result<BoundClasses, EngineError> {
        let refused = |source| EngineError::Classes { origin: self.origin.clone(), source };
        self.map.bind(labels).map_err(refused)
    }

    fn new(map: Result<ClassMap, ClassesError>, origin: ClassOrigin) -> Result<Self, EngineError> {
        match map {
            Ok(map) => Ok(Self { map, origin }),
            Err(source) => Err(EngineError::Classes { origin, source }),
        }
    }
}
