//! The places that a model can come from.

use std::path::PathBuf;

use crate::{ModelArtifact, ModelsError, file};

/// Where to fetch a model from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelSource {
    /// The project's own top-view model, compiled in by the feature `built-in`.
    BuiltIn,
    /// A file.
    Path(PathBuf),
}

impl ModelSource {
    /// Fetches the model file: its bytes, name, digest and origin.
    ///
    /// # Errors
    /// [`ModelsError`]: for [`ModelSource::BuiltIn`] only [`ModelsError::NotBuiltIn`], for
    /// [`ModelSource::Path`] all others.
    pub fn fetch(&self) -> Result<ModelArtifact, ModelsError> {
        match self {
            Self::BuiltIn => built_in(),
            Self::Path(path) => file::fetch(path, file::MAX_MODEL_BYTES),
        }
    }
}

#[cfg(feature = "built-in")]
fn built_in() -> Result<ModelArtifact, ModelsError> {
    const TOPVIEW: &[u8] = include_bytes!("../../../fixtures/model/topview.onnx");
    let origin = crate::ModelOrigin::BuiltIn;
    Ok(ModelArtifact::new("topview".to_owned(), TOPVIEW.into(), origin))
}

#[cfg(not(feature = "built-in"))]
const fn built_in() -> Result<ModelArtifact, ModelsError> {
    Err(ModelsError::NotBuiltIn)
}

#[cfg(test)]
mod tests {
    use super::ModelSource;

    #[cfg(feature = "built-in")]
    #[test]
    fn the_built_in_model_is_lent_and_not_copied() {
        let first = ModelSource::BuiltIn.fetch().unwrap();
        let second = ModelSource::BuiltIn.fetch().unwrap();
        assert_eq!(first.name, "topview");
        assert_eq!(first.bytes.as_ptr(), second.bytes.as_ptr());
        assert!(matches!(first.bytes, std::borrow::Cow::Borrowed(_)));
    }

    #[cfg(feature = "built-in")]
    #[test]
    fn the_built_in_model_is_small_enough_to_carry() {
        let len = ModelSource::BuiltIn.fetch().unwrap().bytes.len();
        assert!((1..=2_000_000).contains(&len), "{len} bytes");
    }

    #[cfg(not(feature = "built-in"))]
    #[test]
    fn without_its_feature_the_built_in_model_is_refused_in_words() {
        let error = ModelSource::BuiltIn.fetch().unwrap_err();
        assert_eq!(error.kind(), detections_types::ErrorKind::Unsupported);
        assert!(error.to_string().contains("`built-in`"), "{error}");
    }
}
