//! Binding: each entry finds its class among a model's labels, or its fault is told.

use std::collections::HashMap;

use crate::{
    BoundClasses, ClassProblem, ClassesError, ProductClass, default_color,
    entry::{Entry, Target},
    map::Form,
};

/// Labels that a message about an unknown one lists.
const MAX_SHOWN_LABELS: usize = 10;

/// Binds a map to a model's labels.
pub(crate) fn bind(form: &Form, labels: &[String]) -> Result<BoundClasses, ClassesError> {
    match form {
        Form::Identity => Ok(identity(labels)),
        Form::Names(names) if names.len() != labels.len() => {
            Err(ClassesError::WrongCount { names: names.len(), labels: labels.len() })
        }
        Form::Names(entries) | Form::Entries(entries) => bind_entries(entries, labels),
    }
}

fn identity(labels: &[String]) -> BoundClasses {
    let class = |(id, label): (u32, &String)| {
        Some(ProductClass {
            id,
            name: label.as_str().into(),
            color: default_color(id),
            min_confidence: None,
        })
    };
    BoundClasses::new((0..).zip(labels).map(class).collect(), Vec::new())
}

fn bind_entries(entries: &[Entry], labels: &[String]) -> Result<BoundClasses, ClassesError> {
    let finder = Finder::new(labels);
    let mut bound: Vec<Option<&Entry>> = vec![None; labels.len()];
    let mut faults = Vec::new();
    for entry in entries {
        let placed = finder.find(entry).and_then(|index| {
            let earlier = bound[index].get_or_insert(entry);
            if std::ptr::eq(*earlier, entry) {
                return Ok(());
            }
            let (label, other) = (labels[index].clone(), earlier.entry_name());
            Err(ClassProblem::DuplicateTarget { label, other })
        });
        faults.extend(placed.err().map(|problem| entry.entry_name().fault(problem)));
    }
    if !faults.is_empty() {
        return Err(ClassesError::Entries(faults));
    }
    let classes = collect(&bound, labels);
    let reports_any = classes.iter().next().is_some();
    reports_any.then_some(classes).ok_or(ClassesError::NothingMapped { labels: labels.len() })
}

fn collect(bound: &[Option<&Entry>], labels: &[String]) -> BoundClasses {
    let classes = bound.iter().map(|entry| entry.and_then(product_class)).collect();
    let unmapped = bound.iter().zip(labels).filter(|(entry, _)| entry.is_none());
    BoundClasses::new(classes, unmapped.map(|(_, label)| label.clone()).collect())
}

/// The class of an entry; `None` when the entry switches it off.
fn product_class(entry: &Entry) -> Option<ProductClass> {
    let id = entry.product_id();
    entry.enabled.then(|| ProductClass {
        id,
        name: entry.name.as_str().into(),
        color: entry.color.unwrap_or_else(|| default_color(id)),
        min_confidence: entry.min_confidence,
    })
}

/// A model's labels, to be found by their text. Of equal labels the first counts.
struct Finder<'a> {
    labels: &'a [String],
    exact: HashMap<&'a str, usize>,
    folded: HashMap<String, usize>,
}

impl<'a> Finder<'a> {
    fn new(labels: &'a [String]) -> Self {
        let (mut exact, mut folded) = (HashMap::new(), HashMap::new());
        for (index, label) in labels.iter().enumerate() {
            exact.entry(label.as_str()).or_insert(index);
            folded.entry(label.to_lowercase()).or_insert(index);
        }
        Self { labels, exact, folded }
    }

    /// The index of the entry's class, which is within the labels.
    fn find(&self, entry: &Entry) -> Result<usize, ClassProblem> {
        match &entry.target {
            Target::Label(label) => self.exact.get(label.as_str()).copied().ok_or_else(|| {
                ClassProblem::UnknownLabel { label: label.clone(), known: self.known() }
            }),
            Target::NameOrId => {
                let (index, labels) = (entry.product_id(), self.labels.len());
                let found = self.by_name(&entry.name).or_else(|| self.by_index(index));
                found.ok_or(ClassProblem::NoSuchClass { index, labels })
            }
            &Target::Index(index) => {
                let labels = self.labels.len();
                self.by_index(index).ok_or(ClassProblem::IndexOutOfRange { index, labels })
            }
        }
    }

    fn by_name(&self, name: &str) -> Option<usize> {
        let folded = || self.folded.get(&name.to_lowercase());
        self.exact.get(name).or_else(folded).copied()
    }

    fn by_index(&self, index: u32) -> Option<usize> {
        usize::try_from(index).ok().filter(|index| *index < self.labels.len())
    }

    fn known(&self) -> String {
        let shown: Vec<&str> =
            self.labels.iter().take(MAX_SHOWN_LABELS).map(String::as_str).collect();
        let more = if self.labels.len() > shown.len() { ", …" } else { "" };
        shown.join(", ") + more
    }
}

#[cfg(test)]
mod tests;
