//! Model files from a path, read whole with a cap on their size.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use crate::{ModelArtifact, ModelOrigin, ModelsError};

/// The largest model file that is read: 2 GiB, which is also the largest that ONNX's own encoding
/// (protocol buffers) allows.
pub const MAX_MODEL_BYTES: u64 = 2 << 30;

/// Reads the model file at `path`, unless it has more than `limit` bytes.
pub(crate) fn fetch(path: &Path, limit: u64) -> Result<ModelArtifact, ModelsError> {
    let (file, length) = open(path)?;
    let too_large = || ModelsError::TooLarge { path: path.to_owned(), limit };
    if length > limit {
        return Err(too_large());
    }
    let bytes = read(file, length, limit).map_err(|source| unreadable(path, source))?;
    if bytes.is_empty() {
        return Err(ModelsError::Empty { path: path.to_owned() });
    }
    if bytes.len() as u64 > limit {
        return Err(too_large());
    }
    Ok(ModelArtifact::new(name(path), bytes.into(), ModelOrigin::File(path.to_owned())))
}

/// The open file and its length; a pipe is not opened, since that would wait for its writer.
fn open(path: &Path) -> Result<(File, u64), ModelsError> {
    let metadata = path.metadata().map_err(|source| unreadable(path, source))?;
    if !metadata.is_file() {
        return Err(ModelsError::NotAFile { path: path.to_owned() });
    }
    let file = File::open(path).map_err(|source| unreadable(path, source))?;
    Ok((file, metadata.len()))
}

/// All bytes, or one more than `limit` when the file grew meanwhile.
fn read(file: File, length: u64, limit: u64) -> io::Result<Vec<u8>> {
    let expected = usize::try_from(length).map_err(io::Error::other)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(expected)?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn unreadable(path: &Path, source: io::Error) -> ModelsError {
    let path = path.to_owned();
    if source.kind() == io::ErrorKind::NotFound {
        return ModelsError::Missing { path };
    }
    ModelsError::Unreadable { path, source }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use detections_media::hash_bytes;
    use detections_types::ErrorKind;

    use super::fetch;
    use crate::{ModelOrigin, ModelSource};

    fn check_error(path: &std::path::Path, limit: u64, kind: ErrorKind, says: &str) {
        let error = fetch(path, limit).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let message = error.to_string();
        assert!(message.contains(says), "`{message}` does not say `{says}`");
        assert!(
            message.contains(&path.display().to_string()),
            "`{message}` does not name the path"
        );
    }

    #[test]
    fn a_file_comes_with_its_name_digest_and_origin() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("yolo.v8.onnx");
        fs::write(&path, b"weights").unwrap();
        let artifact = ModelSource::Path(path.clone()).fetch().unwrap();
        assert_eq!(artifact.name, "yolo.v8");
        assert_eq!(artifact.bytes.as_ref(), b"weights");
        assert_eq!(artifact.sha256, hash_bytes(b"weights").sha256);
        assert_eq!(artifact.origin, ModelOrigin::File(path));
        assert!(!format!("{artifact:?}").contains("119"), "bytes do not belong into a log");
    }

    #[test]
    fn bad_paths_are_named_with_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.onnx");
        fs::write(&empty, b"").unwrap();
        let absent = folder.path().join("absent.onnx");
        check_error(&absent, 10, ErrorKind::InvalidInput, "there is no model file");
        check_error(folder.path(), 10, ErrorKind::InvalidInput, "is not a file");
        check_error(&empty, 10, ErrorKind::InvalidInput, "is empty");
    }

    #[test]
    fn the_cap_itself_is_allowed_and_one_byte_more_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.onnx");
        fs::write(&path, [0; 10]).unwrap();
        assert_eq!(fetch(&path, 10).unwrap().bytes.len(), 10);
        check_error(&path, 9, ErrorKind::TooLarge, "more than 9 bytes");
    }
}
