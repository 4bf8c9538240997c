//! What the system tells about a running process: memory and threads from `/proc`; and signals.

use std::{
    collections::BTreeSet,
    fs,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

/// Memory of a process tree in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeMemory {
    /// Pages that several processes share count once where the system tells (`Pss`), else once each.
    pub bytes: u64,
    /// Whether every process of the tree told its proportional share.
    pub proportional: bool,
}

/// The memory of `pid` and all of its descendants.
///
/// # Errors
/// When `pid` does not run.
pub fn tree_memory(pid: u32) -> Result<TreeMemory> {
    let root = process_memory(pid).with_context(|| format!("memory of process {pid}"))?;
    let rest = descendants(pid).into_iter().filter_map(process_memory);
    Ok(rest.fold(root, |sum, one| TreeMemory {
        bytes: sum.bytes + one.bytes,
        proportional: sum.proportional && one.proportional,
    }))
}

/// The resident memory of one process in bytes, shared pages included.
///
/// # Errors
/// When `pid` does not run.
pub fn resident_bytes(pid: u32) -> Result<u64> {
    kibibytes(pid, "status", "VmRSS:").with_context(|| format!("memory of process {pid}"))
}

/// The most resident memory that one process had so far in bytes, if it runs.
#[must_use]
pub fn peak_bytes(pid: u32) -> Option<u64> {
    kibibytes(pid, "status", "VmHWM:")
}

/// How many threads a process has.
///
/// # Errors
/// When `pid` does not run.
pub fn thread_count(pid: u32) -> Result<u64> {
    field(pid, "status", "Threads:").with_context(|| format!("threads of process {pid}"))
}

/// How many descriptors a process holds open.
///
/// # Errors
/// When `pid` does not run, or is not ours to look into.
pub fn descriptor_count(pid: u32) -> Result<u64> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd"));
    let entries = entries.with_context(|| format!("descriptors of process {pid}"))?;
    Ok(u64::try_from(entries.count())?)
}

/// Whom a signal is for.
#[derive(Debug, Clone, Copy)]
pub enum Recipient {
    /// One process.
    Process(u32),
    /// A process group, named by its leader.
    Group(u32),
}

/// Sends a signal, by its name without `SIG`.
///
/// # Errors
/// When nobody can receive it.
pub fn signal(name: &str, to: Recipient) -> Result<()> {
    let recipient = match to {
        Recipient::Process(pid) => pid.to_string(),
        Recipient::Group(leader) => format!("-{leader}"),
    };
    // `kill` is built into every shell, so this needs no package and no foreign function.
    let mut shell = Command::new("sh");
    shell.args(["-c", "kill -s \"$1\" -- \"$2\"", "kill", name, &recipient]);
    let status = shell.stderr(Stdio::null()).status().context("starting sh")?;
    ensure!(status.success(), "nobody to send {name} to: {to:?}");
    Ok(())
}

fn process_memory(pid: u32) -> Option<TreeMemory> {
    let share = kibibytes(pid, "smaps_rollup", "Pss:");
    let bytes = share.or_else(|| kibibytes(pid, "status", "VmRSS:"))?;
    Some(TreeMemory { bytes, proportional: share.is_some() })
}

fn kibibytes(pid: u32, file: &str, key: &str) -> Option<u64> {
    field(pid, file, key).map(|kibibytes| kibibytes * 1024)
}

/// The number after `key` in `/proc/PID/FILE`.
fn field(pid: u32, file: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

fn descendants(root: u32) -> BTreeSet<u32> {
    let parents: Vec<(u32, u32)> =
        processes().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found = BTreeSet::new();
    let mut generation = vec![root];
    while let Some(next) = generation.pop() {
        let children = parents.iter().filter(|(_, parent)| *parent == next).map(|(pid, _)| *pid);
        generation.extend(children.filter(|&child| child != root && found.insert(child)));
    }
    found
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The parent of a process: the second field after the name, which may itself hold spaces.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio, id};

    use super::{
        Recipient, descendants, descriptor_count, peak_bytes, resident_bytes, signal, thread_count,
        tree_memory,
    };

    #[test]
    fn this_process_has_memory_and_threads() {
        assert!(resident_bytes(id()).unwrap() > 1 << 20);
        assert!(peak_bytes(id()).unwrap() >= resident_bytes(id()).unwrap() / 2);
        assert!(thread_count(id()).unwrap() >= 1);
        assert!(descriptor_count(id()).unwrap() >= 3);
        assert!(tree_memory(id()).unwrap().bytes > 1 << 20);
        assert!(tree_memory(u32::MAX).is_err());
    }

    #[test]
    fn a_child_counts_into_the_tree_and_ends_by_a_signal() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        assert!(descendants(id()).contains(&child.id()));
        signal("KILL", Recipient::Process(child.id())).unwrap();
        assert!(!child.wait().unwrap().success());
        assert!(signal("TERM", Recipient::Process(child.id())).is_err());
    }
}
