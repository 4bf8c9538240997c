//! One run of the program under test: its arguments, its variables and its folder, carried out by the
//! program itself or, where `DETECTIONS_IMAGE` names an image, by a container of that image.

use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use crate::{
    container::Container,
    image,
    process::{self, Recipient},
    program,
    watched::{self, Watched},
};

/// What is to be run. It starts with an empty environment, so that only what a test sets counts.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    pub(crate) arguments: Vec<OsString>,
    pub(crate) variables: Vec<(OsString, OsString)>,
    pub(crate) folder: Option<PathBuf>,
    around: Vec<OsString>,
}

/// A program that runs; who holds this ends it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    container: Option<Container>,
}

impl Invocation {
    /// The program under test with these arguments.
    pub fn new<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Self {
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned());
        Self { arguments: arguments.collect(), ..Self::default() }
    }

    /// Sets a variable of its environment.
    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.variables.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets variables of its environment.
    pub fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        &mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> &mut Self {
        for (name, value) in variables {
            self.env(name, value);
        }
        self
    }

    /// Sets the folder that it starts in.
    pub fn current_dir(&mut self, folder: impl AsRef<Path>) -> &mut Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    /// Starts it by `command`, which gets the program and its arguments behind its own, for instance to limit it. It is
    /// looked for where this process looks; a container has nothing around it.
    pub fn around<S: AsRef<OsStr>>(&mut self, command: impl IntoIterator<Item = S>) -> &mut Self {
        self.around = command.into_iter().map(|part| part.as_ref().to_owned()).collect();
        self
    }

    /// Runs it to its end and gives what it printed.
    ///
    /// # Errors
    /// When there is no program, or it cannot be started.
    pub fn output(&self) -> Result<Output> {
        let (mut command, _container) = self.command()?;
        command.output().context("starting the program")
    }

    /// The same, looked at while it runs: a run that outlasts `patience` is ended, and is a failure.
    ///
    /// # Errors
    /// When there is no program, it cannot be started, or it does not end.
    pub fn watched(&self, patience: Duration) -> Result<Watched> {
        let (mut command, container) = self.command()?;
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().context("starting the program")?;
        // What runs in a container is not this machine's to look into before it is up.
        let pid = container.is_none().then(|| child.id());
        watched::watch(child, pid, patience)
    }

    /// Starts it; its standard error can be read.
    ///
    /// # Errors
    /// When there is no program, or it cannot be started.
    pub fn spawn(&self) -> Result<Running> {
        let (mut command, container) = self.command()?;
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().context("starting the program")?;
        Ok(Running { child, container })
    }

    fn command(&self) -> Result<(Command, Option<Container>)> {
        if let Some(image) = image::under_test() {
            ensure!(self.around.is_empty(), "nothing can be put around a container");
            let container = Container::new();
            return Ok((container.command(&image, self)?, Some(container)));
        }
        let program = program::program()?;
        let mut command = match self.around.split_first() {
            Some((around, arguments)) => {
                let mut command = Command::new(around);
                command.args(arguments).arg(program).env_clear();
                // What stands around the program looks for others.
                command.env("PATH", env::var_os("PATH").unwrap_or_default());
                command
            }
            None => {
                let mut command = Command::new(program);
                command.env_clear();
                command
            }
        };
        command.args(&self.arguments).stdin(Stdio::null());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        Ok((command, None))
    }
}

impl Running {
    /// Its number as this machine counts processes.
    ///
    /// # Errors
    /// When it is in a container that does not run any more.
    pub fn pid(&self) -> Result<u32> {
        self.container.as_ref().map_or_else(|| Ok(self.child.id()), Container::pid)
    }

    /// Sends it a signal, by its name without `SIG`.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn signal(&self, name: &str) -> Result<()> {
        match &self.container {
            Some(container) => container.signal(name),
            None => process::signal(name, Recipient::Process(self.child.id())),
        }
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Ends it at once, if it runs still, and waits for that.
    ///
    /// # Errors
    /// When the system does not let it end.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        if let Some(container) = &self.container {
            container.remove();
        }
        self.child.kill().and_then(|()| self.child.wait())
    }

    pub(crate) fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }
}
