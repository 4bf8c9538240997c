//! What no file of the checkout may say, whatever its language: where on somebody's machine it was
//! made.

use std::fs;

use anyhow::{Context, Result};

use crate::{assert_faultless, tree};

/// The first folders of absolute paths that mean one machine only.
const PRIVATE_FOLDERS: [&str; 3] = ["work", "root", "home"];

#[test]
fn no_file_names_a_path_of_the_machine_it_was_made_on() -> Result<()> {
    let mut faults = Vec::new();
    for file in tree::files()? {
        let bytes = fs::read(tree::root().join(&file)).with_context(|| file.clone())?;
        faults.extend(machine_path(&bytes).map(|path| format!("{file}: …{path}")));
    }
    assert_faultless("no machine's paths", &faults);
    Ok(())
}

/// The first absolute path into a private folder, with a little of what follows it. Works on bytes,
/// because exporters write such paths into binary files too.
fn machine_path(bytes: &[u8]) -> Option<String> {
    let starts = |at: usize| {
        let previous = at.checked_sub(1).map(|before| bytes[before]);
        let rest = &bytes[at + 1..];
        let folder = PRIVATE_FOLDERS.iter().find(|name| rest.starts_with(name.as_bytes()))?;
        let opens = rest.get(folder.len()) == Some(&b'/') && !previous.is_some_and(joins);
        let names_more = rest.get(folder.len() + 1).is_some_and(u8::is_ascii_alphanumeric);
        (opens && names_more).then(|| {
            let end = bytes.len().min(at + 40);
            String::from_utf8_lossy(&bytes[at..end]).lines().next().unwrap_or_default().to_owned()
        })
    };
    let slashes = (0..bytes.len()).filter(|&at| bytes[at] == b'/');
    slashes.filter_map(starts).next()
}

/// Whether a slash after this byte goes on with a path rather than opening an absolute one.
fn joins(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-/}$~)>".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::machine_path;

    #[test]
    fn absolute_private_paths_are_found_and_others_are_not() {
        let path = ["", "home", "ada", "x.py"].join("/");
        assert!(machine_path(format!("File \"{path}\", line 1").as_bytes()).is_some());
        assert!(machine_path(path.as_bytes()).is_some());
        for text in ["../work/a", "$HOME/work/b", "docs/root/x", "https://a/home/b", "a /work"] {
            assert_eq!(machine_path(text.as_bytes()), None, "{text}");
        }
    }
}
