//! What is not as it should be, though it works; told by the health check.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What a notice is about; one of each at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// The Loader does not give the model.
    ModelSource,
    /// A new model was refused.
    Model,
    /// The class map cannot be had.
    ClassesSource,
    /// A new class map was refused.
    Classes,
}

/// The notices that hold now.
#[derive(Debug, Default)]
pub struct Notices(Mutex<BTreeMap<Topic, String>>);

impl Notices {
    /// Everything that is to be told, in a sentence; `None` when all is well.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        let notices = self.lock();
        let all: Vec<&str> = notices.values().map(String::as_str).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    pub(super) fn set(&self, topic: Topic, text: String) {
        self.lock().insert(topic, text);
    }

    pub(super) fn clear(&self, topic: Topic) {
        self.lock().remove(&topic);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Topic, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
