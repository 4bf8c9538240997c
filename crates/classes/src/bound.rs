//! A class map bound to a model: one look-up from the model's index to the product's class.

use std::sync::Arc;

use detections_types::{ClassIndex, Score};

use crate::Color;

/// A class as the product knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductClass {
    /// Its id, unique within a map.
    pub id: u32,
    /// Its name; several classes may share one.
    pub name: Arc<str>,
    /// The colour to draw it in.
    pub color: Color,
    /// The score below which it is never reported.
    pub min_confidence: Option<Score>,
}

/// The product's classes of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundClasses {
    /// One place for each of the model's classes.
    classes: Vec<Option<ProductClass>>,
    unmapped: Vec<String>,
}

impl BoundClasses {
    pub(crate) const fn new(classes: Vec<Option<ProductClass>>, unmapped: Vec<String>) -> Self {
        Self { classes, unmapped }
    }

    /// The product's class of the model's class `index`; `None` when it is dropped: no entry maps
    /// it, its entry switches it off, or the model has no such class.
    #[must_use]
    pub fn class(&self, index: ClassIndex) -> Option<&ProductClass> {
        self.classes.get(index.as_usize())?.as_ref()
    }

    /// All classes that are not dropped, in the order of the model's indices.
    pub fn iter(&self) -> impl Iterator<Item = (ClassIndex, &ProductClass)> {
        let indexed = (0..).map(ClassIndex).zip(&self.classes);
        indexed.filter_map(|(index, class)| Some((index, class.as_ref()?)))
    }

    /// The ids of the classes that `word` means: the class with that id, otherwise those with that
    /// name, otherwise those with that name in other letter case; `None` when there are none.
    #[must_use]
    pub fn find(&self, word: &str) -> Option<Vec<u32>> {
        let by_id = word.parse().ok().filter(|id| self.contains_id(*id)).map(|id| vec![id]);
        by_id
            .or_else(|| self.ids_of(|name| name == word))
            .or_else(|| self.ids_of(|name| name.to_lowercase() == word.to_lowercase()))
    }

    /// Whether a class that is not dropped has this id.
    #[must_use]
    pub fn contains_id(&self, id: u32) -> bool {
        self.iter().any(|(_, class)| class.id == id)
    }

    /// The model's labels that no entry maps, in the model's order; they are dropped.
    #[must_use]
    pub fn unmapped_labels(&self) -> &[String] {
        &self.unmapped
    }

    fn ids_of(&self, wanted: impl Fn(&str) -> bool) -> Option<Vec<u32>> {
        let found = self.iter().filter(|(_, class)| wanted(&class.name));
        let ids: Vec<u32> = found.map(|(_, class)| class.id).collect();
        (!ids.is_empty()).then_some(ids)
    }
}
