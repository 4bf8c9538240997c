//! The files of the checkout, as paths from its root. Walks the folders rather than asking git, so
//! that an unpacked source archive is checked like a clone.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// What the checkout's `.gitignore` leaves out, and git's own folder.
const UNTRACKED: [&str; 8] =
    [".git", "target", "out", "__pycache__", ".venv", ".env", ".ruff_cache", ".pytest_cache"];

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// The text of one file, named from the root.
pub(crate) fn read(relative: &str) -> Result<String> {
    fs::read_to_string(root().join(relative)).with_context(|| relative.to_owned())
}

/// Every file of the checkout, named from the root with `/`, in order.
pub(crate) fn files() -> Result<Vec<String>> {
    let root = root();
    let mut found = Vec::new();
    collect(&root, &root, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if UNTRACKED.contains(&name.as_str()) || name.ends_with(".log") {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(root, &entry.path(), found)?;
        } else if kind.is_file() {
            let path = entry.path();
            let relative = path.strip_prefix(root)?;
            found.push(relative.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}

#[test]
fn the_walk_finds_this_file_and_leaves_build_outputs_out() -> Result<()> {
    let files = files()?;
    assert!(files.iter().any(|file| file == "e2e/tests/architecture/tree.rs"));
    assert!(files.iter().any(|file| file == "Cargo.toml"));
    assert!(!files.iter().any(|file| file.starts_with("target/") || file.starts_with(".git/")));
    Ok(())
}
