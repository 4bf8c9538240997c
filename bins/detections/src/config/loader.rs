//! The settings of the Loader, which has models and class maps under names.

use std::time::Duration;

use detections_models::{BearerToken, Loader, LoaderOptions};

use super::{
    ClassesConfig, ModelConfig,
    reader::{Reader, number},
};

/// The longest interval: a day.
const MAX_INTERVAL_MS: u64 = 24 * 60 * 60 * 1000;

/// The Loader and how it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoaderConfig {
    /// Its address; without one there is no Loader.
    pub url: Option<String>,
    /// The path of a file, with `{name}` in it.
    pub path: String,
    /// How often it is asked for changes; `None` only when somebody asks for a reload.
    pub interval: Option<Duration>,
    /// How long a connection, an answer, or a pause in it may take.
    pub timeout: Duration,
    /// The largest file that is taken.
    pub max_bytes: u64,
    /// What opens its door.
    pub token: Option<BearerToken>,
}

impl LoaderConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let interval = reader.get("loader.interval_ms", 60_000, number(0..=MAX_INTERVAL_MS));
        Self {
            url: reader.optional("loader.url", |text| Ok(text.to_owned())),
            path: reader.get("loader.path", "/models/{name}".into(), |text| Ok(text.to_owned())),
            interval: (interval > 0).then(|| Duration::from_millis(interval)),
            timeout: reader.millis("loader.timeout_ms", 10_000),
            max_bytes: reader.get("loader.max_bytes", 2 << 30, number(1..=1 << 40)),
            token: reader.secret("loader.token", BearerToken::new),
        }
    }

    /// What a client is made of; `None` without an address.
    #[must_use]
    pub fn options(&self) -> Option<LoaderOptions> {
        Some(LoaderOptions {
            url: self.url.clone()?,
            path: self.path.clone(),
            timeout: self.timeout,
            token: self.token.clone(),
        })
    }

    /// What does not fit together with what is asked of it.
    pub(super) fn check(&self, model: &ModelConfig, classes: &ClassesConfig, reader: &mut Reader) {
        for (key, name) in [("model.name", &model.name), ("classes.name", &classes.name)] {
            if name.is_some() && self.url.is_none() {
                reader.fault(key, "needs loader.url, the Loader that has it".to_owned());
            }
        }
        let idle = model.name.is_none() && classes.name.is_none() && model.path.is_none();
        if self.url.is_some() && idle {
            let problem = "is set, but neither model.name nor classes.name says what to load";
            reader.fault("loader.url", problem.to_owned());
        }
        if let Some(Err(error)) = self.options().map(|options| Loader::new(&options)) {
            reader.fault("loader.url", error.to_string());
        }
        if model.name.is_some() && model.name == classes.name {
            reader.fault("classes.name", "is the same as model.name".to_owned());
        }
        let both = "cannot be set together with the name of what the Loader has";
        if model.name.is_some() && model.path.is_some() {
            reader.fault("model.path", both.to_owned());
        }
        if classes.name.is_some() && classes.path.is_some() {
            reader.fault("classes.path", both.to_owned());
        }
    }
}
