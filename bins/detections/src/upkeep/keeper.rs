//! The rounds of the upkeep: look for a new model and a new class map, and take into service what fits together.
//! What fits nothing waits for its other half; what can never be taken is refused.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};

use detections_models::{BearerToken, ModelsError, Schedule};

use super::{
    Outcome, Part, Topic,
    sources::{ClassesFrom, Found, ModelFrom, NewClasses, NewModel},
};
use crate::{
    config::Config,
    engine::{Backend, Classes, Engine, EngineError, LoadedModel, manifest_options},
    http::{Service, told_with_causes},
    serve::ServeError,
};

/// What keeps one service up.
pub(super) struct Keeper {
    config: Arc<Config>,
    backend: Backend,
    model: ModelFrom,
    classes: ClassesFrom,
    new_model: Option<NewModel>,
    new_classes: Option<NewClasses>,
    /// The class map in service, or the one to begin with.
    bound: Option<Classes>,
    schedule: Schedule,
    /// Whether a source did not answer in the last round.
    unanswered: bool,
}

/// Why a new model is not in service.
enum NotTaken {
    /// No class map fits it; it waits for one.
    Waits(String),
    /// It never will be.
    Refused(ServeError),
}

impl Keeper {
    /// Loads what can be had without asking the Loader.
    ///
    /// Errors are those of local files and of the device; what the Loader has, or had, is only refused.
    pub(super) fn begin(
        service: &Service,
        config: Arc<Config>,
        backend: Backend,
    ) -> Result<Self, ServeError> {
        let seed = RandomState::new().build_hasher().finish();
        let mut keeper = Self {
            model: ModelFrom::new(&config)?,
            classes: ClassesFrom::new(&config)?,
            new_model: None,
            new_classes: None,
            bound: None,
            schedule: Schedule::new(config.loader.interval, seed),
            unanswered: false,
            backend,
            config,
        };
        keeper.new_model = keeper.model.at_hand().map_err(EngineError::from)?;
        keeper.new_classes = keeper.classes.at_hand()?;
        if !keeper.classes.is_remote() {
            keeper.bound = keeper.new_classes.take().map(|new| new.classes);
        }
        let notices = service.notices();
        if keeper.model.is_remote() {
            let kept = keeper.new_model.as_ref().map_or("", |_| "; the cached model serves");
            notices.set(Topic::ModelSource, format!("the Loader was not asked yet{kept}"));
        }
        if keeper.classes.is_remote() {
            let text = "the Loader was not asked for the class map yet".to_owned();
            notices.set(Topic::ClassesSource, text);
        }
        let local = !keeper.model.is_remote();
        match keeper.take_model(service) {
            Err(NotTaken::Refused(error)) if local || error.is_of_device() => return Err(error),
            Ok(()) | Err(NotTaken::Refused(_) | NotTaken::Waits(_)) => {}
        }
        if let Some(loaded) = service.loaded().filter(|_| keeper.model.is_remote()) {
            let model = &loaded.engine.model.name;
            tracing::warn!(model, "serving the cached model until the Loader answers");
        }
        Ok(keeper)
    }

    /// When the first round is due.
    pub(super) fn first_wait(&mut self) -> Option<Duration> {
        let remote = self.model.is_remote() || self.classes.is_remote();
        if remote { Some(Duration::ZERO) } else { self.pause() }
    }

    /// When the next round is due; `None` when only a wish makes one.
    pub(super) fn wait(&mut self, service: &Service) -> Option<Duration> {
        if self.unanswered || service.loaded().is_none() {
            return Some(self.schedule.after_failure());
        }
        self.pause()
    }

    fn pause(&mut self) -> Option<Duration> {
        let interval = self.schedule.after_answer();
        let changes = self.model.is_remote() || self.classes.is_remote() || self.classes.is_file();
        interval.filter(|_| changes)
    }

    /// Looks for what is new and takes it into service; `asked` is there when somebody wants it, with the token
    /// that shall be used.
    pub(super) fn round(
        &mut self,
        service: &Service,
        asked: Option<&Option<BearerToken>>,
    ) -> Outcome {
        self.unanswered = false;
        let mut told = Vec::new();
        let mut model = self.look_for_model(service, asked, &mut told);
        let mut classes = self.look_for_classes(service, asked, &mut told);
        let anew = model == Part::Swapped || classes == Part::Swapped || asked.is_some();
        if anew || service.loaded().is_none() {
            (model, classes) = self.take(service, (model, classes), &mut told);
        }
        let detail = (!told.is_empty()).then(|| told.join("; "));
        Outcome { model, classes, detail }
    }

    /// `Swapped` means here that there is a new one to be taken.
    fn look_for_model(
        &mut self,
        service: &Service,
        asked: Option<&Option<BearerToken>>,
        told: &mut Vec<String>,
    ) -> Part {
        let running = service.loaded().map(|loaded| loaded.engine.model.sha256);
        let found = self.model.look(asked, running);
        if self.model.is_remote() {
            count(service, &found);
        }
        match found {
            Ok(found) => {
                service.notices().clear(Topic::ModelSource);
                match found {
                    Found::Same => return Part::Unchanged,
                    Found::Back => self.new_model = None,
                    Found::New(new) => {
                        self.new_model = Some(new);
                        return Part::Swapped;
                    }
                }
                service.notices().clear(Topic::Model);
                Part::Unchanged
            }
            Err(error) => {
                let text = told_with_causes(&error);
                tracing::warn!(error = text, "no new model");
                if error.refuses_the_file() && running.is_some() {
                    self.model.refuse(None);
                    service.metrics().model_reloaded("refused");
                    service.notices().clear(Topic::ModelSource);
                    service.notices().set(Topic::Model, format!("a new model is refused: {text}"));
                } else {
                    self.unanswered = self.model.is_remote();
                    service.notices().set(Topic::ModelSource, text.clone());
                }
                told.push(text);
                Part::Refused
            }
        }
    }

    /// `Swapped` means here that there is a new one to be taken.
    fn look_for_classes(
        &mut self,
        service: &Service,
        asked: Option<&Option<BearerToken>>,
        told: &mut Vec<String>,
    ) -> Part {
        let found = self.classes.look(asked);
        let notices = service.notices();
        match found {
            Ok(Found::Same) => {
                notices.clear(Topic::ClassesSource);
                Part::Unchanged
            }
            Ok(Found::Back) => {
                self.new_classes = None;
                notices.clear(Topic::ClassesSource);
                notices.clear(Topic::Classes);
                Part::Unchanged
            }
            Ok(Found::New(new)) => {
                self.new_classes = Some(new);
                notices.clear(Topic::ClassesSource);
                Part::Swapped
            }
            Err(error) => {
                let text = told_with_causes(&error);
                tracing::warn!(error = text, "no new class map");
                let reached = |source: &ModelsError| source.refuses_the_file();
                let refused =
                    if let EngineError::Source(source) = &error { reached(source) } else { true };
                if refused {
                    self.classes.refuse();
                    self.new_classes = None;
                    service.metrics().classes_reloaded("refused");
                    notices.clear(Topic::ClassesSource);
                    notices.set(Topic::Classes, format!("a new class map is refused: {text}"));
                } else {
                    self.unanswered = true;
                    notices.set(Topic::ClassesSource, text.clone());
                }
                told.push(text);
                Part::Refused
            }
        }
    }

    /// Takes into service what fits together.
    fn take(
        &mut self,
        service: &Service,
        (mut model, mut classes): (Part, Part),
        told: &mut Vec<String>,
    ) -> (Part, Part) {
        let had_classes = self.new_classes.is_some();
        if self.new_model.is_some() {
            let first = service.loaded().is_none();
            model = match self.take_model(service) {
                Ok(()) if first => Part::Swapped,
                Ok(()) => {
                    service.metrics().model_reloaded("swapped");
                    Part::Swapped
                }
                Err(not_taken) => {
                    let of_device = not_taken.is_of_device();
                    let text = not_taken.text();
                    // With a model in service, its next run tells whether the device is lost.
                    if of_device && first {
                        service.fail_device(text.clone());
                    }
                    service.metrics().model_reloaded("refused");
                    service.notices().set(Topic::Model, format!("a new model is refused: {text}"));
                    tracing::warn!(error = text, "a new model is refused");
                    told.push(text);
                    Part::Refused
                }
            };
            if had_classes && self.new_classes.is_none() {
                classes = Part::Swapped;
            }
        }
        if self.new_classes.is_some() && service.loaded().is_some() {
            classes = self.take_classes(service, told);
        }
        (model, classes)
    }

    /// Loads the new model beside the one that runs, with the new classes or else with those in service.
    fn take_model(&mut self, service: &Service) -> Result<(), NotTaken> {
        let Some(new) = self.new_model.take() else { return Ok(()) };
        let config = Arc::clone(&self.config);
        let outcome = self.engine_of(&config, &new).and_then(|(engine, with_new)| {
            tell_ready(&engine, &config);
            // Kept before it serves: whoever sees it serve finds it in the cache.
            self.model.accept(&new);
            service.engine_loaded(engine).map_err(|error| NotTaken::Refused(error.into()))?;
            Ok(with_new)
        });
        match outcome {
            Ok(with_new) => {
                service.notices().clear(Topic::Model);
                if with_new {
                    self.classes_taken(service);
                }
                Ok(())
            }
            Err(NotTaken::Waits(text)) => {
                self.new_model = Some(new);
                Err(NotTaken::Waits(text))
            }
            Err(refused @ NotTaken::Refused(_)) => {
                self.model.refuse(Some(&new));
                Err(refused)
            }
        }
    }

    /// The engine of a new model, and whether it has the new classes.
    fn engine_of(&self, config: &Config, new: &NewModel) -> Result<(Engine, bool), NotTaken> {
        let refused = |error: EngineError| NotTaken::Refused(error.into());
        let artifact = self.model.artifact(new).map_err(|error| refused(error.into()))?;
        let options = manifest_options(&config.model, None);
        let loaded = LoadedModel::compile(&artifact, &options, &self.backend).map_err(refused)?;
        drop(artifact);
        let newer = self.new_classes.as_ref().map(|new| (&new.classes, true));
        let older = self.bound.as_ref().map(|classes| (classes, false));
        let mut misfit = None;
        for (classes, is_new) in [newer, older].into_iter().flatten() {
            match classes.bind(loaded.manifest.labels()) {
                Ok(_fits) => {
                    let engine = Engine::build(config, loaded, classes).map_err(refused)?;
                    return Ok((engine, is_new));
                }
                Err(error) => misfit = Some(error),
            }
        }
        match misfit {
            // A file of ours that does not fit a model of ours is a fault to start with.
            Some(error) if !self.model.is_remote() && !self.classes.is_remote() => {
                Err(refused(error))
            }
            Some(error) => Err(NotTaken::Waits(told_with_causes(&error))),
            None => Err(NotTaken::Waits("there is no class map yet".to_owned())),
        }
    }

    fn take_classes(&mut self, service: &Service, told: &mut Vec<String>) -> Part {
        let (Some(new), Some(loaded)) = (&self.new_classes, service.loaded()) else {
            return Part::Unchanged;
        };
        let engine = loaded.engine.with_classes(&self.config, &new.classes);
        let taken = engine
            .map_err(ServeError::from)
            .and_then(|engine| service.engine_loaded(engine).map_err(ServeError::from));
        match taken {
            Ok(()) => {
                self.classes_taken(service);
                tracing::info!("a new class map is in service");
                Part::Swapped
            }
            Err(error) => {
                let text = told_with_causes(&error);
                service.metrics().classes_reloaded("refused");
                let notice = format!("a new class map is refused: {text}");
                tracing::warn!(error = text, "a new class map is refused");
                service.notices().set(Topic::Classes, notice);
                told.push(text);
                Part::Refused
            }
        }
    }

    fn classes_taken(&mut self, service: &Service) {
        if let Some(new) = self.new_classes.take() {
            if self.bound.is_some() {
                service.metrics().classes_reloaded("swapped");
            }
            self.classes.accept(&new);
            service.notices().clear(Topic::Classes);
            self.bound = Some(new.classes);
        }
    }
}

impl NotTaken {
    fn is_of_device(&self) -> bool {
        match self {
            Self::Waits(_) => false,
            Self::Refused(error) => error.is_of_device(),
        }
    }

    fn text(self) -> String {
        match self {
            Self::Waits(text) => text,
            Self::Refused(error) => told_with_causes(&error),
        }
    }
}

/// Counts an answer of the Loader.
fn count<T>(service: &Service, found: &Result<Found<T>, ModelsError>) {
    service.metrics().loader_asked(match found {
        Ok(Found::New(_)) => "fetched",
        Ok(Found::Same | Found::Back) => "unchanged",
        Err(ModelsError::NotFound { .. }) => "not_found",
        Err(_failed) => "failed",
    });
}

fn tell_ready(engine: &Engine, config: &Config) {
    let card = &engine.model;
    tracing::info!(
        model = card.name,
        sha256 = %card.sha256,
        head = %card.head,
        backend = card.backend,
        device = %card.device,
        threads = config.infer.threads,
        "ready"
    );
    let unmapped = engine.pipeline.classes().unmapped_labels();
    if !unmapped.is_empty() {
        tracing::warn!(?unmapped, "no class maps these labels of the model: they are not reported");
    }
}
