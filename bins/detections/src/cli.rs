//! The command line: reads the arguments, puts the configuration together, does what was asked and says
//! how it ended. Nothing outside this module writes to standard output.

mod args;
mod bench;
mod detect;
mod exit;
mod health;
mod inputs;
mod inspect;
mod interrupt;
mod lanes;
mod outbox;
mod output;
mod save;
mod table;
mod token;

use std::{ffi::OsString, path::Path};

use clap::Parser;

pub use self::exit::Exit;
use self::{
    args::{Cli, Command, ModelCommand, TokenCommand},
    exit::{Failure, explain},
    output::say,
};
use crate::{
    config::{Config, Overrides},
    engine::EngineError,
    serve::{self, ServeError},
    telemetry::Telemetry,
};

/// Runs the program with its arguments (the program's own name first) and its environment.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Exit {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(answer) => return answer_from_clap(&answer),
    };
    let outcome = match cli.command {
        // Its list of tokens may not be there before the first token is.
        Some(Command::Token { command: TokenCommand::New(args) }) => token::run(&args),
        _ => configure(&cli, environment).and_then(|config| dispatch(cli.command, &config)),
    };
    outcome.unwrap_or_else(|Failure { exit, message }| {
        say(format_args!("error: {message}"));
        exit
    })
}

fn dispatch(command: Option<Command>, config: &Config) -> Result<Exit, Failure> {
    if !matches!(command, None | Some(Command::Serve(_))) {
        // Whoever embeds this and logs already hears the remarks there.
        Telemetry::remarks().ok();
    }
    match command {
        None | Some(Command::Serve(_)) => Ok(serve::run(config).map(|()| Exit::Done)?),
        Some(Command::Detect(args)) => detect::run(&args, config),
        Some(Command::Model { command: ModelCommand::Inspect(args) }) => {
            inspect::run(&args, config)
        }
        Some(Command::Bench(args)) => bench::run(&args, config),
        Some(Command::Outbox { command }) => outbox::run(&command, config),
        Some(Command::Token { command: TokenCommand::New(args) }) => token::run(&args),
        Some(Command::Health) => health::run(config),
    }
}

/// Help and version go to standard output, faults to standard error; a closed pipe is as good as a reader.
fn answer_from_clap(answer: &clap::Error) -> Exit {
    let _ = answer.print();
    if answer.use_stderr() { Exit::Usage } else { Exit::Done }
}

fn configure(
    cli: &Cli,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, Failure> {
    let file: Option<&Path> = cli.common.config.as_deref();
    Config::load(file, environment, &overrides(cli))
        .map_err(|faults| Failure::usage(faults.to_string()))
}

/// Flags are the uppermost layer of the configuration, checked together with all others.
fn overrides(cli: &Cli) -> Overrides {
    let mut overrides = Overrides::default();
    let mut set = |flag: &str, key: &str, value: &Option<String>| {
        if let Some(value) = value {
            overrides.set(flag, key, value);
        }
    };
    let common = &cli.common;
    set("--model", "model.path", &common.model);
    set("--classes", "classes.path", &common.classes);
    set("--backend", "infer.backend", &common.backend);
    set("--device", "infer.device", &common.device);
    set("--threads", "infer.threads", &common.threads);
    match &cli.command {
        Some(Command::Serve(args)) => set("--bind", "server.bind", &args.bind),
        Some(Command::Detect(args)) => {
            set("--confidence", "detect.confidence", &args.confidence);
            set("--iou", "detect.iou", &args.iou);
            set("--max-detections", "detect.max_detections", &args.max_detections);
        }
        Some(
            Command::Model { .. }
            | Command::Bench(_)
            | Command::Outbox { .. }
            | Command::Token { .. }
            | Command::Health,
        )
        | None => {}
    }
    overrides
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let failure = Self::new(error.kind(), &error);
        if error.is_configuration() {
            return Self { exit: Exit::Usage, ..failure };
        }
        if error.is_of_device() { Self { exit: Exit::Device, ..failure } } else { failure }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        if let ServeError::Engine(error) = error {
            return error.into();
        }
        let exit = if error.is_of_device() {
            Exit::Device
        } else if error.is_configuration() {
            Exit::Usage
        } else {
            Exit::Failed
        };
        Self { exit, message: explain(&error) }
    }
}

#[cfg(test)]
mod tests {
    use detections_infer::InferError;

    use super::{Exit, Failure};
    use crate::{engine::EngineError, serve::ServeError};

    #[test]
    fn whatever_a_device_breaks_ends_with_an_exit_code_of_its_own() {
        let lost = || InferError::Device { backend: "test", source: "lost".into() };
        let engine = || EngineError::Detector { model: "m".to_owned(), source: lost() };
        let served = ServeError::DeviceFailed { reason: "lost".to_owned() };
        for failure in [
            Failure::from(lost()),
            Failure::from(engine()),
            Failure::from(ServeError::from(engine())),
            Failure::from(served),
        ] {
            assert_eq!(failure.exit, Exit::Device, "{}", failure.message);
            assert!(failure.message.contains("lost"), "{}", failure.message);
        }
    }
}
