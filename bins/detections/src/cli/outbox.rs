//! `detections outbox`: what waits for the Annotations service, listed, tried again or thrown away, whether or not a
//! service runs beside.

use std::io::IsTerminal;

use detections_annotations::{AnnotationsError, Letter, LetterBox, LetterState};
use serde::Serialize;

use super::{
    args::{OutboxCommand, OutboxListArgs, OutboxReplayArgs},
    exit::{Exit, Failure},
    output::{Output, Reader, visible},
};
use crate::{annotations::outbox_folder, config::Config};

/// Runs the subcommand.
pub(super) fn run(command: &OutboxCommand, config: &Config) -> Result<Exit, Failure> {
    let mut letters = LetterBox::open(&outbox_folder(&config.data.dir))?;
    match command {
        OutboxCommand::List(args) => list(&letters, args),
        OutboxCommand::Replay(args) => replay(&mut letters, args),
        OutboxCommand::Purge(_) => {
            let purged = letters.purge_dead()?;
            report(&format!("{purged} dead letters thrown away\n"), Exit::Done)
        }
    }
}

/// One result as it is listed.
#[derive(Debug, Serialize)]
struct Line<'a> {
    id: u64,
    state: &'static str,
    upload: &'a str,
    name: Option<&'a str>,
    sha256: Option<&'a str>,
    frame: u64,
    stored_unix_ms: u64,
    refusals: u64,
    reason: Option<&'a str>,
}

/// Why a list ends before its end.
enum Ended {
    ReaderGone,
    Failed(Failure),
}

impl From<AnnotationsError> for Ended {
    fn from(error: AnnotationsError) -> Self {
        Self::Failed(error.into())
    }
}

fn list(letters: &LetterBox, args: &OutboxListArgs) -> Result<Exit, Failure> {
    let output = Output::plain();
    let json = args.json || !std::io::stdout().is_terminal();
    let each = |letter: Letter| {
        let line = if json { json_line(&letter) } else { Ok(text_line(&letter)) };
        match output.print(&line.map_err(Ended::Failed)?).map_err(Ended::Failed)? {
            Reader::Listening => Ok(()),
            Reader::Gone => Err(Ended::ReaderGone),
        }
    };
    let listed = if args.dead {
        letters.dead(each)
    } else {
        letters.pending(each).and_then(|()| letters.dead(each))
    };
    match listed {
        Ok(()) | Err(Ended::ReaderGone) => Ok(Exit::Done),
        Err(Ended::Failed(failure)) => Err(failure),
    }
}

fn replay(letters: &mut LetterBox, args: &OutboxReplayArgs) -> Result<Exit, Failure> {
    if args.all {
        let replayed = letters.replay_all()?;
        return report(&format!("{replayed} dead letters are tried again\n"), Exit::Done);
    }
    let unknown = letters.replay(&args.ids)?;
    let replayed = args.ids.len() - unknown.len();
    let mut text = format!("{replayed} dead letters are tried again\n");
    for id in &unknown {
        text.push_str(&format!("{id} is no dead letter\n"));
    }
    report(&text, if unknown.is_empty() { Exit::Done } else { Exit::BadInput })
}

fn report(text: &str, exit: Exit) -> Result<Exit, Failure> {
    // Whether anybody reads on makes no difference: this is all.
    let _reader = Output::plain().print(text)?;
    Ok(exit)
}

fn word(state: LetterState) -> &'static str {
    match state {
        LetterState::Held => "held",
        LetterState::Pending => "pending",
        LetterState::Dead => "dead",
    }
}

fn json_line(letter: &Letter) -> Result<String, Failure> {
    let line = Line {
        id: letter.id,
        state: word(letter.state),
        upload: &letter.upload,
        name: letter.name.as_deref(),
        sha256: letter.sha256.as_deref(),
        frame: letter.frame,
        stored_unix_ms: letter.stored_unix_ms,
        refusals: letter.refusals,
        reason: letter.reason.as_deref(),
    };
    let line = serde_json::to_string(&line);
    line.map(|line| line + "\n").map_err(|error| Failure::failed(error.to_string()))
}

fn text_line(letter: &Letter) -> String {
    let Letter { id, upload, frame, refusals, .. } = letter;
    let name = visible(letter.name.as_deref().unwrap_or("-"));
    let reason = visible(letter.reason.as_deref().unwrap_or_default());
    let line = format!(
        "{id:>9}  {:<7}  {upload}  frame {frame:<7}  refused {refusals:<4}  {name}  {reason}",
        word(letter.state)
    );
    format!("{}\n", line.trim_end())
}

impl From<AnnotationsError> for Failure {
    fn from(error: AnnotationsError) -> Self {
        Self::new(error.kind(), &error)
    }
}
