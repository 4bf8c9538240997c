//! The order of a run: loop after loop, and within each loop round after round with the targets
//! taking turns, so that a change of the machine meets all of them alike.

use std::{fs, time::Duration};

use anyhow::{Context, Result};
use tokio::time::interval;

use crate::{
    arguments::Arguments,
    load::{self, Loop, Shot},
    tally::Tally,
    target::Target,
};

/// How often memory is looked at during a turn.
const MEMORY_INTERVAL: Duration = Duration::from_millis(200);

/// What is measured, the same for every target.
#[derive(Debug)]
pub(crate) struct Measurement {
    picture: Vec<u8>,
    loops: Vec<Loop>,
    rounds: usize,
    turn: Duration,
    warm_up: Duration,
    timeout: Duration,
}

/// One loop, with what each target made of it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) loads: Loop,
    pub(crate) results: Vec<TargetResult>,
}

/// What a target made of a loop.
#[derive(Debug)]
pub(crate) struct TargetResult {
    pub(crate) name: String,
    pub(crate) tally: Tally,
    /// The most that its processes held during the loop, where they are known.
    pub(crate) peak_bytes: Option<u64>,
}

impl Measurement {
    pub(crate) fn new(arguments: &Arguments) -> Result<Self> {
        arguments.check()?;
        let picture = fs::read(&arguments.picture);
        let picture = picture.with_context(|| arguments.picture.display().to_string())?;
        let closed = arguments.clients.iter().map(|&clients| Loop::Closed { clients });
        let open = arguments.rates.iter().map(|&rate| Loop::Open { rate });
        let rounds = arguments.rounds.get();
        let turn = arguments.seconds.div_f64(f64::from(u32::try_from(rounds)?));
        let (warm_up, timeout) = (arguments.warm_up, arguments.timeout);
        Ok(Self { picture, loops: closed.chain(open).collect(), rounds, turn, warm_up, timeout })
    }

    /// Measures all targets, and tells each step.
    pub(crate) async fn run(
        &self,
        targets: &[Target],
        progress: impl Fn(String),
    ) -> Result<Vec<Stage>> {
        let mut stages = Vec::new();
        for &loads in &self.loops {
            let mut results = targets.iter().map(TargetResult::new).collect::<Result<Vec<_>>>()?;
            for round in 1..=self.rounds {
                for (target, result) in targets.iter().zip(&mut results) {
                    progress(format!("{loads}, round {round}: {}", target.name));
                    self.take_turn(target, loads, result).await?;
                }
            }
            stages.push(Stage { loads, results });
        }
        Ok(stages)
    }

    async fn take_turn(
        &self,
        target: &Target,
        loads: Loop,
        result: &mut TargetResult,
    ) -> Result<()> {
        let shot = Shot::new(target.url.clone(), &self.picture, self.timeout)?;
        load::run(&shot, loads, self.warm_up).await?;
        let mut ticks = interval(MEMORY_INTERVAL);
        let measured = load::run(&shot, loads, self.turn);
        tokio::pin!(measured);
        loop {
            tokio::select! {
                tally = &mut measured => return result.tally.append(&tally?),
                _ = ticks.tick() => {
                    result.peak_bytes = result.peak_bytes.max(target.memory().map(|memory| memory.bytes));
                }
            }
        }
    }
}

impl TargetResult {
    fn new(target: &Target) -> Result<Self> {
        Ok(Self { name: target.name.clone(), tally: Tally::new()?, peak_bytes: None })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use clap::Parser;

    use super::Measurement;
    use crate::{
        arguments::Arguments,
        target::Target,
        testing::{Script, TestServer},
    };

    #[test]
    fn targets_take_turns_within_each_loop() {
        let servers = [(); 2].map(|()| TestServer::start(Script::default()));
        let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let own = std::process::id();
        let line = format!(
            "bench --picture {picture} --target a={},pid={own} --target b={} --clients 2 \
             --rates 100 --rounds 2 --seconds 0.1 --warm-up 0",
            servers[0].url(),
            servers[1].url()
        );
        let arguments = Arguments::try_parse_from(line.split_whitespace()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let turns = RefCell::new(Vec::new());
        let stages = runtime.block_on(async {
            let mut targets = Vec::new();
            for target in &arguments.targets {
                targets.push(Target::ready(target, None).await.unwrap());
            }
            let note = |turn: String| turns.borrow_mut().push(turn);
            Measurement::new(&arguments).unwrap().run(&targets, note).await.unwrap()
        });
        let last: String = turns.borrow().iter().map(|turn| &turn[turn.len() - 1..]).collect();
        assert_eq!(last, "abababab");
        assert_eq!(stages.len(), 2);
        for stage in &stages {
            assert!(stage.results.iter().all(|result| result.tally.answered() > 0));
            assert!(stage.results[0].peak_bytes.is_some() && stage.results[1].peak_bytes.is_none());
        }
    }
}
