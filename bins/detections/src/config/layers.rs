//! Where settings come from: a file, the environment under two spellings, and flags. Each layer becomes
//! a source of the `config` crate; a source that cannot be read is a fault and leaves the others standing.

use std::{collections::HashMap, path::Path};

use ::config::{Config as Merged, Environment, File, FileFormat, Map, Source, Value, ValueKind};

use super::Fault;

/// The plain names of the environment and the keys that they set; `MODEL` sets one of two.
const PLAIN_NAMES: [(&str, &str); 5] = [
    ("CLASSES", "classes.path"),
    ("BIND", "server.bind"),
    ("LOG", "log.filter"),
    ("LOADER_URL", "loader.url"),
    ("ANNOTATIONS_URL", "annotations.url"),
];

/// What is chosen in one of two ways, of which only one can hold.
const CHOICES: [[&str; 2]; 2] = [["model.path", "model.name"], ["classes.path", "classes.name"]];

/// Values given by flags, the uppermost layer; they are checked together with all others.
///
/// ```
/// use detections::config::{Config, Overrides};
///
/// let mut flags = Overrides::default();
/// flags.set("--threads", "infer.threads", "3");
/// let config = Config::load(None, [], &flags).unwrap();
/// assert_eq!(config.infer.threads.get(), 3);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Overrides(Named);

impl Overrides {
    /// Sets `key` to the text that `flag` was given.
    pub fn set(&mut self, flag: &str, key: &str, value: &str) {
        self.0.set(flag, key, value);
    }
}

/// Sources in rising precedence, and the faults met so far.
#[derive(Debug, Default)]
pub(super) struct Layers {
    merged: ::config::ConfigBuilder<::config::builder::DefaultState>,
    faults: Vec<Fault>,
}

impl Layers {
    /// Adds the TOML file.
    pub(super) fn file(self, path: Option<&Path>) -> Self {
        let Some(path) = path else { return self };
        let name = path.display().to_string();
        self.add(&name, File::from(path).format(FileFormat::Toml))
    }

    /// Adds both spellings of the environment; empty variables count as unset.
    pub(super) fn env(self, env: impl IntoIterator<Item = (String, String)>) -> Self {
        let variables: HashMap<String, String> =
            env.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let plain = plain_names(&variables);
        self.add("the environment", sections(variables)).add("the environment", plain)
    }

    /// Adds the flags.
    pub(super) fn flags(self, flags: &Overrides) -> Self {
        self.add("the flags", flags.0.clone())
    }

    /// All values by dotted key, and what could not be read.
    pub(super) fn merge(mut self) -> (Vec<(String, Value)>, Vec<Fault>) {
        let mut leaves = Vec::new();
        match self.merged.build().and_then(|merged| merged.collect()) {
            Ok(table) => flatten("", table, &mut leaves),
            Err(error) => self.faults.push(unreadable("the configuration", &error)),
        }
        leaves.sort_by(|a, b| a.0.cmp(&b.0));
        (leaves, self.faults)
    }

    fn add(mut self, name: &str, source: impl Source + Send + Sync + 'static) -> Self {
        match Merged::builder().add_source(source).build() {
            Ok(layer) => {
                let undone = undone_choices(&layer);
                self.merged = self.merged.add_source(undone).add_source(layer);
            }
            Err(error) => self.faults.push(unreadable(name, &error)),
        }
        self
    }
}

/// A layer that chooses anew undoes the choice of those below.
fn undone_choices(layer: &Merged) -> Named {
    let chosen = |key: &&str| layer.get::<Value>(key).is_ok();
    let anew = CHOICES.into_iter().filter(|choice| choice.iter().any(&chosen));
    let nil = |key: &str| (key.to_owned(), Value::new(None, ValueKind::Nil));
    Named(anew.flatten().map(nil).collect())
}

fn unreadable(name: &str, error: &::config::ConfigError) -> Fault {
    Fault { key: name.to_owned(), origin: None, problem: error.to_string() }
}

/// `DETECTIONS__SERVER__BIND` and the like.
fn sections(variables: HashMap<String, String>) -> Environment {
    Environment::with_prefix("DETECTIONS")
        .prefix_separator("__")
        .separator("__")
        .source(Some(variables))
}

fn plain_names(variables: &HashMap<String, String>) -> Named {
    let mut named = Named::default();
    for (name, key) in PLAIN_NAMES {
        if let Some(value) = variables.get(name) {
            named.set(name, key, value);
        }
    }
    if let Some(model) = variables.get("MODEL") {
        let key = if is_model_path(model) { "model.path" } else { "model.name" };
        named.set("MODEL", key, model);
    }
    named
}

/// A model is named by its file or by what the Loader calls it.
fn is_model_path(model: &str) -> bool {
    model.contains('/')
        || model.to_ascii_lowercase().ends_with(".onnx")
        || Path::new(model).exists()
}

/// Values that remember by which name they were given.
#[derive(Debug, Clone, Default)]
struct Named(Map<String, Value>);

impl Named {
    fn set(&mut self, name: &str, key: &str, value: &str) {
        let origin = name.to_owned();
        // Choosing in one way undoes what a flag before this one chose in the other.
        for choice in CHOICES.into_iter().filter(|choice| choice.contains(&key)).flatten() {
            self.0.remove(choice);
        }
        self.0.insert(key.to_owned(), Value::new(Some(&origin), value));
    }
}

impl Source for Named {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ::config::ConfigError> {
        Ok(self.0.clone())
    }
}

/// Tables become dotted keys.
fn flatten(prefix: &str, table: Map<String, Value>, leaves: &mut Vec<(String, Value)>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        if let ValueKind::Table(inner) = value.kind {
            flatten(&key, inner, leaves);
        } else if value.kind != ValueKind::Nil {
            leaves.push((key, value));
        }
    }
}
