//! Files that must not run, and what fuzzing found: reading them, deciding how they are read, loading them and running
//! them once end in a value or an error. What has to be said of them is the business of the tests from outside.

use std::{
    fs,
    path::{Path, PathBuf},
};

use detections_infer::{Manifest, ManifestOptions, Model as _};
use detections_infer_tract::TractModel;
use detections_onnx::OnnxFile;

use crate::suite::fixture;

/// Fewer files than this and somebody emptied the folder.
const AT_LEAST: usize = 60;

/// All files of a folder and of those in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Whether the file comes as far as a run.
fn runs(path: &Path) -> bool {
    let Ok(file) = OnnxFile::parse(&fs::read(path).unwrap()) else { return false };
    let manifest = Manifest::resolve(file.description(), &ManifestOptions::default());
    let Ok(manifest) = manifest else { return false };
    let loaded = TractModel::load_undecoded(&file, manifest);
    loaded.is_ok_and(|(model, _)| model.session().unwrap().run(1).is_ok())
}

#[test]
fn no_bad_file_panics_or_hangs() {
    let folder = fixture("../refused");
    let files = files(&folder);
    assert!(files.len() >= AT_LEAST, "only {} files", files.len());
    let running: Vec<_> = files.iter().filter(|path| runs(path)).collect();
    let names = running.iter().filter_map(|path| path.file_name()).collect::<Vec<_>>();
    // The second runs and gives no numbers, which whoever runs it notices.
    assert!(names.len() == 2 && names.contains(&"sound.onnx".as_ref()), "{names:?}");
    assert!(names.contains(&"nan_results.onnx".as_ref()), "{names:?}");
}
