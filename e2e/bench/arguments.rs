//! The command line, checked down to where each target lives.

use std::{num::NonZeroUsize, path::PathBuf, str::FromStr, time::Duration};

use anyhow::{Context, Error, Result, bail, ensure};
use clap::{ArgGroup, Parser};
use reqwest::Url;

/// Measures detection services on this machine, side by side.
///
/// The first target is ours: ratios compare it with each of the others.
#[derive(Debug, Parser)]
#[command(name = "detections-bench", group(ArgGroup::new("loops").args(["clients", "rates"]).required(true).multiple(true)))]
pub(crate) struct Arguments {
    /// A service to measure: NAME=URL of its detecting route [,health=PATH] [,pid=PID]
    #[arg(long = "target", required = true, value_name = "NAME=URL")]
    pub(crate) targets: Vec<TargetSpec>,
    /// Starts the target of that name by a shell command, and stops it at the end
    #[arg(long = "spawn", value_name = "NAME=COMMAND")]
    pub(crate) spawns: Vec<SpawnSpec>,
    /// The picture that every request sends
    #[arg(long, value_name = "FILE")]
    pub(crate) picture: PathBuf,
    /// Closed loops: so many clients, each sending as soon as it has its answer
    #[arg(long, value_delimiter = ',', value_name = "N,…")]
    pub(crate) clients: Vec<NonZeroUsize>,
    /// Open loops: so many requests a second, whether or not earlier ones are answered
    #[arg(long, value_delimiter = ',', value_name = "PER_SECOND,…")]
    pub(crate) rates: Vec<Rate>,
    /// Measured seconds of each loop for each target, all rounds together
    #[arg(long, default_value = "15", value_parser = seconds, value_name = "SECONDS")]
    pub(crate) seconds: Duration,
    /// Seconds of the same load before each measured turn, not counted
    #[arg(long, default_value = "2", value_parser = seconds, value_name = "SECONDS")]
    pub(crate) warm_up: Duration,
    /// How often the targets take turns within each loop
    #[arg(long, default_value = "3", value_name = "N")]
    pub(crate) rounds: NonZeroUsize,
    /// Seconds after which a request counts as failed
    #[arg(long, default_value = "60", value_parser = seconds, value_name = "SECONDS")]
    pub(crate) timeout: Duration,
    /// Prints one JSON object instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}

impl Arguments {
    /// The shell command that starts a target, if it is to be started.
    pub(crate) fn command_of(&self, target: &TargetSpec) -> Option<&str> {
        let spawn = self.spawns.iter().find(|spawn| spawn.name == target.name);
        spawn.map(|spawn| spawn.command.as_str())
    }

    /// That every name is used once, and every command starts a target.
    ///
    /// # Errors
    /// Names the target that is not.
    pub(crate) fn check(&self) -> Result<()> {
        for (position, target) in self.targets.iter().enumerate() {
            let again = self.targets[..position].iter().any(|other| other.name == target.name);
            ensure!(!again, "two targets are called `{}`", target.name);
            let started = self.command_of(target).is_some();
            ensure!(!started || target.pid.is_none(), "`{}` is spawned and has a pid", target.name);
        }
        let known = |name: &str| self.targets.iter().any(|target| target.name == name);
        match self.spawns.iter().find(|spawn| !known(&spawn.name)) {
            Some(spawn) => bail!("--spawn `{}` has no --target of that name", spawn.name),
            None => Ok(()),
        }
    }
}

/// Where a target lives.
#[derive(Debug, Clone)]
pub(crate) struct TargetSpec {
    pub(crate) name: String,
    pub(crate) url: Url,
    pub(crate) health: Url,
    pub(crate) pid: Option<u32>,
}

impl FromStr for TargetSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, rest) = named(text)?;
        let mut parts = rest.split(',');
        let url = Url::parse(parts.next().unwrap_or_default()).context("not a URL")?;
        ensure!(is_loopback(&url), "{url} is not on this machine's loopback interface");
        let mut target = Self { name, health: url.join("/health")?, url, pid: None };
        for part in parts {
            match part.split_once('=') {
                Some(("pid", pid)) => target.pid = Some(pid.parse().context("not a pid")?),
                Some(("health", path)) if path.starts_with('/') => {
                    target.health.set_path(path);
                }
                _ => bail!("`{part}` is neither pid=PID nor health=/PATH"),
            }
        }
        Ok(target)
    }
}

/// How a target is started.
#[derive(Debug, Clone)]
pub(crate) struct SpawnSpec {
    name: String,
    command: String,
}

impl FromStr for SpawnSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, command) = named(text)?;
        ensure!(!command.trim().is_empty(), "no command");
        Ok(Self { name, command: command.to_owned() })
    }
}

/// Requests a second, at most 100,000.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate(f64);

impl Rate {
    /// When the request of this number, from 0, is to be sent after the start.
    pub(crate) fn due(self, number: u32) -> Duration {
        Duration::from_secs_f64(f64::from(number) / self.0)
    }

    /// How many requests a second.
    pub(crate) const fn per_second(self) -> f64 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let rate: f64 = text.parse().context("not a number")?;
        ensure!((0.01..=100_000.0).contains(&rate), "not within 0.01..=100000 a second");
        Ok(Self(rate))
    }
}

fn named(text: &str) -> Result<(String, &str)> {
    let (name, rest) = text.split_once('=').context("not NAME=…")?;
    ensure!(!name.is_empty(), "the name is empty");
    Ok((name.to_owned(), rest))
}

fn seconds(text: &str) -> Result<Duration> {
    let seconds: f64 = text.parse().context("not a number")?;
    ensure!((0.0..=3600.0).contains(&seconds), "not within 0..=3600 seconds");
    Ok(Duration::from_secs_f64(seconds))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    url.scheme() == "http" && (host == "localhost" || address.is_ok_and(|ip| ip.is_loopback()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::{Arguments, Rate, TargetSpec};

    fn arguments(words: &str) -> anyhow::Result<Arguments> {
        let always = "bench --picture a.jpg";
        let arguments = Arguments::try_parse_from(always.split(' ').chain(words.split(' ')))?;
        arguments.check()?;
        Ok(arguments)
    }

    #[test]
    fn a_target_has_a_health_route_and_perhaps_a_process() {
        let target = "http://127.0.0.1:80/detect?confidence=0.1";
        let plain: TargetSpec = format!("a={target}").parse().unwrap();
        assert_eq!(plain.url.as_str(), target.replace(":80", ""));
        assert_eq!((plain.health.path(), plain.pid), ("/health", None));
        let full: TargetSpec = format!("a={target},health=/ready,pid=7").parse().unwrap();
        assert_eq!((full.health.path(), full.pid), ("/ready", Some(7)));
    }

    #[test]
    fn only_this_machine_may_be_loaded() {
        for host in ["127.0.0.1:1", "localhost:1", "[::1]:1", "127.8.9.1"] {
            assert!(format!("a=http://{host}/d").parse::<TargetSpec>().is_ok(), "{host}");
        }
        for url in ["http://10.0.0.1/d", "http://example.com/d", "https://127.0.0.1/d", "127.0.0.1"]
        {
            assert!(format!("a={url}").parse::<TargetSpec>().is_err(), "{url}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        const A: &str = "--target a=http://127.0.0.1:1/d";
        assert!(arguments(&format!("{A} --clients 1,4 --rates 2.5 --spawn a=x")).is_ok());
        for wrong in [
            A.to_owned(),
            format!("{A} --clients 0"),
            format!("{A} --rates 0"),
            format!("{A} {A} --clients 1"),
            format!("{A} --clients 1 --spawn b=x"),
            format!("{A},pid=3 --clients 1 --spawn a=x"),
            format!("{A},port=3 --clients 1"),
        ] {
            assert!(arguments(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn requests_are_due_at_even_intervals() {
        let rate: Rate = "40".parse().unwrap();
        assert_eq!([rate.due(0), rate.due(4)], [Duration::ZERO, Duration::from_millis(100)]);
    }
}
