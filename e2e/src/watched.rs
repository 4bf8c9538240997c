//! One run of the program that is looked at while it lasts: how long, and how much memory it held at most. A run
//! that does not end is ended.

use std::{
    io::{self, Read},
    process::{Child, Output},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::process;

/// Between two looks at the memory.
const POLL: Duration = Duration::from_millis(2);

/// A run that ended by itself.
#[derive(Debug)]
pub struct Watched {
    /// What it printed, and its status.
    pub output: Output,
    /// The most resident memory in bytes, where the system told.
    pub peak_bytes: Option<u64>,
    /// How long it took.
    pub lasted: Duration,
}

/// Waits for the end of `child`, whose output goes to pipes; `pid` is its number as this machine counts.
pub(crate) fn watch(mut child: Child, pid: Option<u32>, patience: Duration) -> Result<Watched> {
    let started = Instant::now();
    let stdout = child.stdout.take().context("no standard output")?;
    let stderr = child.stderr.take().context("no standard error")?;
    let stdout = thread::spawn(move || read(stdout));
    let stderr = thread::spawn(move || read(stderr));
    let mut peak_bytes = None;
    let status = loop {
        peak_bytes = peak_bytes.max(pid.and_then(process::peak_bytes));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > patience {
            child.kill()?;
            child.wait()?;
            bail!("it did not end within {patience:?}, and held {peak_bytes:?} bytes");
        }
        thread::sleep(POLL);
    };
    let lasted = started.elapsed();
    let text = |reader: thread::JoinHandle<io::Result<Vec<u8>>>| {
        reader.join().map_err(|_panic| io::Error::other("a reader panicked")).flatten()
    };
    let output = Output { status, stdout: text(stdout)?, stderr: text(stderr)? };
    Ok(Watched { output, peak_bytes, lasted })
}

fn read(mut from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::{
        process::{Child, Command, Stdio},
        time::Duration,
    };

    use super::watch;

    fn shell(script: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    #[test]
    fn what_was_said_and_held_is_told() {
        let child = shell("echo out; echo err >&2; exit 3");
        let pid = child.id();
        let watched = watch(child, Some(pid), Duration::from_secs(60)).unwrap();
        let output = &watched.output;
        assert_eq!(
            (output.status.code(), output.stdout.as_slice()),
            (Some(3), b"out\n".as_slice())
        );
        assert_eq!(output.stderr, b"err\n");
    }

    #[test]
    fn what_does_not_end_is_ended_and_told() {
        let child = shell("exec sleep 1000");
        let pid = child.id();
        let error = watch(child, Some(pid), Duration::from_millis(300)).unwrap_err().to_string();
        assert!(error.contains("did not end") && error.contains("Some("), "{error}");
    }
}
