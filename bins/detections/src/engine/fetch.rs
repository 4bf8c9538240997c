//! Fetches the configured model and class map once, from wherever they come.

use std::{path::PathBuf, sync::Arc};

use detections_classes::MAX_FILE_BYTES;
use detections_models::{Change, Loader, ModelArtifact, ModelSource, ModelsError, RemoteFile};

use super::{ClassOrigin, Classes, EngineError};
use crate::config::Config;

/// The configured model.
///
/// One that the Loader has comes from its cache where the Loader does not answer, with a warning.
///
/// # Errors
/// [`EngineError::Source`].
pub fn fetch_model(config: &Config) -> Result<ModelArtifact, EngineError> {
    let Some(mut remote) = remote_model(config)? else { return Ok(local_model(config).fetch()?) };
    Ok(fetch_once(&mut remote)?)
}

/// The configured class map.
///
/// # Errors
/// [`EngineError::Classes`] when it is wrong, [`EngineError::Source`] when the Loader does not give it.
pub fn fetch_classes(config: &Config) -> Result<Classes, EngineError> {
    if let Some(mut remote) = remote_classes(config)? {
        let artifact = fetch_once(&mut remote)?;
        let origin = ClassOrigin::Loader(artifact.origin.to_string());
        return Classes::from_bytes(&artifact.bytes, origin);
    }
    config.classes.path.clone().map_or_else(|| Ok(Classes::of_model()), Classes::open)
}

/// Where a model comes from that the Loader does not have.
#[must_use]
pub fn local_model(config: &Config) -> ModelSource {
    config.model.path.clone().map_or(ModelSource::BuiltIn, ModelSource::Path)
}

/// The model of the Loader, where it has one for us.
///
/// # Errors
/// [`EngineError::Source`] when its address is wrong.
pub fn remote_model(config: &Config) -> Result<Option<RemoteFile>, EngineError> {
    remote(config, config.model.name.as_deref(), config.loader.max_bytes)
}

/// The class map of the Loader, where it has one for us.
///
/// # Errors
/// [`EngineError::Source`] when its address is wrong.
pub fn remote_classes(config: &Config) -> Result<Option<RemoteFile>, EngineError> {
    let limit = config.loader.max_bytes.min(MAX_FILE_BYTES);
    remote(config, config.classes.name.as_deref(), limit)
}

fn remote(
    config: &Config,
    name: Option<&str>,
    limit: u64,
) -> Result<Option<RemoteFile>, EngineError> {
    let (Some(name), Some(options)) = (name, config.loader.options()) else { return Ok(None) };
    let loader = Arc::new(Loader::new(&options)?);
    let cache: PathBuf = config.data.dir.join("models");
    Ok(Some(RemoteFile::new(loader, &cache, name, limit)?))
}

fn fetch_once(remote: &mut RemoteFile) -> Result<ModelArtifact, ModelsError> {
    let cached = remote.cached();
    match (remote.check(None), cached) {
        (Ok(Change::New(entry)), _) => {
            let bytes = remote.read(&entry)?;
            if let Err(error) = remote.accept(&entry) {
                tracing::warn!(%error, "the cache does not keep the file");
            }
            Ok(remote.artifact(&entry, bytes))
        }
        (Ok(Change::Unchanged | Change::Back), Some((entry, bytes))) => {
            Ok(remote.artifact(&entry, bytes))
        }
        (Ok(Change::Unchanged | Change::Back), None) => {
            Err(ModelsError::NotFound { url: remote.name().to_owned() })
        }
        (Err(error), Some((entry, bytes))) => {
            let name = remote.name();
            tracing::warn!(name, %error, "the cached file is taken");
            Ok(remote.artifact(&entry, bytes))
        }
        (Err(error), None) => Err(error),
    }
}
