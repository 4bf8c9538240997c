//! A container in the place of the program: started with as few rights as the image promises to need,
//! on this machine's network, and with the folders that its arguments and variables name.

use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Component, Path, PathBuf},
    process::{self, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
};

use anyhow::{Context, Result, ensure};

use crate::{image, invocation::Invocation};

/// How every container is run: nothing is fetched, the root cannot be written, no capability is held.
const FLAGS: [&str; 13] = [
    "run",
    "--rm",
    "--pull=never",
    "--network=host",
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--ulimit=core=0",
    "--shm-size=64m",
    "--no-healthcheck",
    "--label=detections-e2e",
    "--name",
];

/// A container of a name of its own; it is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Container {
    name: String,
}

impl Container {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self { name: format!("detections-e2e-{}-{count}", process::id()) }
    }

    /// The command that runs it and stays as long as it runs, with its output and its exit code.
    pub(crate) fn command(&self, image: &str, invocation: &Invocation) -> Result<Command> {
        let mut command = Command::new("docker");
        command.args(FLAGS).arg(&self.name).stdin(Stdio::null());
        for (path, access) in mounts(invocation)? {
            let path = path.to_str().context("a path that is no text")?;
            command.args(["--volume", &format!("{path}:{path}:{access}")]);
        }
        for (name, value) in &invocation.variables {
            command.arg("--env").arg(joined(name, value));
        }
        if let Some(folder) = &invocation.folder {
            command.arg("--workdir").arg(folder);
        }
        // The image's own address would stand above what a file of the test says.
        if invocation.variables.iter().any(|(name, _)| name == "BIND") {
            command.arg(image);
        } else {
            command.arg("--entrypoint=env").arg(image).args(["--unset=BIND", "detections"]);
        }
        command.args(&invocation.arguments);
        Ok(command)
    }

    /// The number of its first process as this machine counts them.
    pub(crate) fn pid(&self) -> Result<u32> {
        let told = image::docker(&["inspect", "--format", "{{.State.Pid}}", &self.name])?;
        told.trim().parse().with_context(|| told)
    }

    /// Sends a signal. One that has just ended takes it as a process does that nobody has waited for.
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        let sent = image::try_docker(&["kill", "--signal", name, &self.name])?;
        let told = String::from_utf8_lossy(&sent.stderr);
        let ended = told.contains("is not running") || told.contains("No such container");
        ensure!(sent.status.success() || ended, "{name} to {}: {told}", self.name);
        Ok(())
    }

    /// Ends it at once. It may be gone already, which is what was wanted.
    pub(crate) fn remove(&self) {
        drop(image::try_docker(&["rm", "--force", "--volumes", &self.name]));
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.remove();
    }
}

fn joined(name: &OsStr, value: &OsStr) -> OsString {
    let mut both = name.to_owned();
    both.push("=");
    both.push(value);
    both
}

/// What the container needs to see, and how: temporary folders to read and write, all else to read.
fn mounts(invocation: &Invocation) -> Result<BTreeMap<PathBuf, &'static str>> {
    let values = invocation.variables.iter().map(|(_, value)| value.as_os_str());
    let arguments = invocation.arguments.iter().map(OsString::as_os_str);
    let folder = invocation.folder.iter().map(|folder| folder.as_os_str());
    let temporary = env::temp_dir();
    // A checkout may lie among the temporary folders too, and is nobody's to change.
    let is_ours = |first: &Component<'_>| first.as_os_str().as_encoded_bytes().starts_with(b".tmp");
    let mut found = BTreeMap::new();
    for path in values.chain(arguments).chain(folder).map(Path::new) {
        let within = path.strip_prefix(&temporary).ok().and_then(|rest| rest.components().next());
        match within.filter(is_ours) {
            Some(first) => {
                let top = temporary.join(first);
                share(&top).with_context(|| top.display().to_string())?;
                found.insert(top, "rw");
            }
            None if path.is_absolute() && path.exists() => {
                found.insert(path.to_owned(), "ro");
            }
            None => {}
        }
    }
    Ok(found)
}

/// Lets others do with a file or a folder what its owner may: the image's user is not the one that
/// runs the tests.
fn share(path: &Path) -> Result<()> {
    let mode = fs::symlink_metadata(path)?.permissions().mode();
    let for_all = mode | (mode & 0o700) >> 3 | (mode & 0o700) >> 6;
    if path.is_symlink() {
        return Ok(());
    }
    if for_all != mode {
        // What the image's user made in an earlier run is that user's to share.
        drop(fs::set_permissions(path, Permissions::from_mode(for_all)));
    }
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            share(&entry?.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::{Container, mounts};
    use crate::invocation::Invocation;

    #[test]
    fn what_is_named_is_mounted_and_temporary_folders_can_be_written_by_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("in/there.toml");
        fs::create_dir(folder.path().join("in")).unwrap();
        fs::write(&file, "").unwrap();
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let mut invocation = Invocation::new(["--config", file.to_str().unwrap(), "serve"]);
        invocation.env("MODEL", manifest).env("CLASSES", "/nowhere.json");
        let found: Vec<_> = mounts(&invocation).unwrap().into_iter().collect();
        let expected = [(folder.path().to_owned(), "rw"), (manifest.into(), "ro")];
        assert!(expected.iter().all(|one| found.contains(one)) && found.len() == 2, "{found:?}");
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder.path()), 0o777);
        assert_eq!(mode(&file) & 0o006, 0o006);
    }

    #[test]
    fn every_container_has_a_name_of_its_own_and_the_rights_of_none() {
        let (one, other) = (Container::new(), Container::new());
        assert_ne!(one.name, other.name);
        let command = one.command("an:image", &Invocation::new(["serve"])).unwrap();
        let words: Vec<_> = command.get_args().filter_map(|word| word.to_str()).collect();
        for flag in ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"] {
            assert!(words.contains(&flag), "{words:?}");
        }
        assert_eq!(words[words.len() - 4..], ["an:image", "--unset=BIND", "detections", "serve"]);
    }
}
