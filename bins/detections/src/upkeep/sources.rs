//! Where the model and the class map come from, each with what was seen of it and what waits to be taken.

use std::path::{Path, PathBuf};

use detections_media::{Sha256Digest, hash_file};
use detections_models::{
    BearerToken, CacheEntry, Change, ModelArtifact, ModelSource, ModelsError, RemoteFile,
};

use crate::{
    config::Config,
    engine::{ClassOrigin, Classes, EngineError, local_model, remote_classes, remote_model},
};

/// Where the model comes from.
#[derive(Debug)]
pub(super) enum ModelFrom {
    Local(ModelSource),
    Loader(Box<RemoteFile>),
}

/// Where the class map comes from.
#[derive(Debug)]
pub(super) enum ClassesFrom {
    Model,
    File { path: PathBuf, seen: Option<Sha256Digest> },
    Loader(Box<RemoteFile>),
}

/// A model that is not in service yet.
#[derive(Debug)]
pub(super) enum NewModel {
    Local(ModelArtifact),
    Cached(CacheEntry),
}

/// A class map that is not in service yet.
#[derive(Debug, Clone)]
pub(super) struct NewClasses {
    pub(super) classes: Classes,
    /// Its place in the cache, where the Loader has it.
    pub(super) entry: Option<CacheEntry>,
}

/// What a source has.
#[derive(Debug)]
pub(super) enum Found<T> {
    /// What was seen last.
    Same,
    /// What is in service.
    Back,
    New(T),
}

impl ModelFrom {
    pub(super) fn new(config: &Config) -> Result<Self, EngineError> {
        let remote = remote_model(config)?.map(|remote| Self::Loader(Box::new(remote)));
        Ok(remote.unwrap_or_else(|| Self::Local(local_model(config))))
    }

    /// The model that can be had without asking anybody.
    pub(super) fn at_hand(&mut self) -> Result<Option<NewModel>, ModelsError> {
        match self {
            Self::Local(source) => source.fetch().map(NewModel::Local).map(Some),
            Self::Loader(remote) => Ok(remote.cached().map(|(entry, _)| NewModel::Cached(entry))),
        }
    }

    /// Asks for a new one; `running` is what is in service. A file is only looked at when somebody `asked`.
    pub(super) fn look(
        &mut self,
        asked: Option<&Option<BearerToken>>,
        running: Option<Sha256Digest>,
    ) -> Result<Found<NewModel>, ModelsError> {
        match self {
            Self::Local(ModelSource::Path(_)) if asked.is_none() => Ok(Found::Same),
            Self::Local(ModelSource::BuiltIn) => Ok(Found::Same),
            Self::Local(source) => {
                let artifact = source.fetch()?;
                let same = Some(artifact.sha256) == running;
                Ok(if same { Found::Back } else { Found::New(NewModel::Local(artifact)) })
            }
            Self::Loader(remote) => {
                if asked.is_some() {
                    remote.forget_refusals();
                }
                let bearer = asked.and_then(Option::as_ref);
                remote.check(bearer).map(|change| found(change).map(NewModel::Cached))
            }
        }
    }

    pub(super) fn artifact(&self, new: &NewModel) -> Result<ModelArtifact, ModelsError> {
        match (self, new) {
            (_, NewModel::Local(artifact)) => Ok(artifact.clone()),
            (Self::Loader(remote), NewModel::Cached(entry)) => {
                remote.read(entry).map(|bytes| remote.artifact(entry, bytes))
            }
            (Self::Local(source), NewModel::Cached(_)) => source.fetch(),
        }
    }

    pub(super) fn accept(&mut self, new: &NewModel) {
        if let (Self::Loader(remote), NewModel::Cached(entry)) = (self, new) {
            accept(remote, entry);
        }
    }

    pub(super) fn refuse(&mut self, new: Option<&NewModel>) {
        if let Self::Loader(remote) = self {
            let entry = match new {
                Some(NewModel::Cached(entry)) => Some(entry),
                Some(NewModel::Local(_)) | None => None,
            };
            remote.refuse(entry);
        }
    }

    pub(super) const fn is_remote(&self) -> bool {
        matches!(self, Self::Loader(_))
    }
}

impl ClassesFrom {
    pub(super) fn new(config: &Config) -> Result<Self, EngineError> {
        if let Some(remote) = remote_classes(config)? {
            return Ok(Self::Loader(Box::new(remote)));
        }
        let path = config.classes.path.clone();
        Ok(path.map_or(Self::Model, |path| Self::File { path, seen: None }))
    }

    /// The class map that can be had without asking anybody.
    pub(super) fn at_hand(&mut self) -> Result<Option<NewClasses>, EngineError> {
        match self {
            Self::Model => Ok(Some(Classes::of_model().into())),
            Self::File { path, seen } => {
                *seen = digest(path);
                Ok(Some(Classes::open(path.clone())?.into()))
            }
            Self::Loader(remote) => {
                let Some((entry, bytes)) = remote.cached() else { return Ok(None) };
                let classes = Classes::from_bytes(&bytes, ClassOrigin::Loader(entry.url.clone()));
                Ok(classes.ok().map(|classes| NewClasses { classes, entry: Some(entry) }))
            }
        }
    }

    /// Asks for a new one.
    pub(super) fn look(
        &mut self,
        asked: Option<&Option<BearerToken>>,
    ) -> Result<Found<NewClasses>, EngineError> {
        match self {
            Self::Model => Ok(Found::Same),
            Self::File { path, seen } => {
                let now = digest(path);
                if now == *seen && asked.is_none() {
                    return Ok(Found::Same);
                }
                let changed = now != *seen;
                *seen = now;
                let classes = Classes::open(path.clone())?;
                Ok(if changed { Found::New(classes.into()) } else { Found::Same })
            }
            Self::Loader(remote) => {
                if asked.is_some() {
                    remote.forget_refusals();
                }
                match remote.check(asked.and_then(Option::as_ref))? {
                    Change::Unchanged => Ok(Found::Same),
                    Change::Back => Ok(Found::Back),
                    Change::New(entry) => read_classes(remote, entry).map(Found::New),
                }
            }
        }
    }

    pub(super) fn accept(&mut self, new: &NewClasses) {
        if let (Self::Loader(remote), Some(entry)) = (self, &new.entry) {
            accept(remote, entry);
        }
    }

    pub(super) fn refuse(&mut self) {
        if let Self::Loader(remote) = self {
            remote.refuse(None);
        }
    }

    pub(super) const fn is_remote(&self) -> bool {
        matches!(self, Self::Loader(_))
    }

    pub(super) const fn is_file(&self) -> bool {
        matches!(self, Self::File { .. })
    }
}

impl From<Classes> for NewClasses {
    fn from(classes: Classes) -> Self {
        Self { classes, entry: None }
    }
}

impl<T> Found<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Found<U> {
        match self {
            Self::Same => Found::Same,
            Self::Back => Found::Back,
            Self::New(new) => Found::New(change(new)),
        }
    }
}

fn found(change: Change) -> Found<CacheEntry> {
    match change {
        Change::Unchanged => Found::Same,
        Change::Back => Found::Back,
        Change::New(entry) => Found::New(entry),
    }
}

fn read_classes(remote: &mut RemoteFile, entry: CacheEntry) -> Result<NewClasses, EngineError> {
    let bytes = remote.read(&entry)?;
    let classes = Classes::from_bytes(&bytes, ClassOrigin::Loader(entry.url.clone()));
    let classes = classes.inspect_err(|_refused| remote.refuse(Some(&entry)))?;
    Ok(NewClasses { classes, entry: Some(entry) })
}

fn accept(remote: &mut RemoteFile, entry: &CacheEntry) {
    if let Err(error) = remote.accept(entry) {
        let error = crate::http::told_with_causes(&error);
        tracing::warn!(name = remote.name(), error, "the cache does not keep what is in service");
    }
}

/// A class file by its content; one that cannot be read is as none.
fn digest(path: &Path) -> Option<Sha256Digest> {
    hash_file(path).ok().map(|identity| identity.sha256)
}
