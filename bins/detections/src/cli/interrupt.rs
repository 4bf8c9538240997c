//! Ctrl-C on the command line: work ends at its next step, so that what was begun is told or taken away.

use std::{io, process, thread};

use detections_types::CancelToken;
use tokio::runtime::Builder;

use crate::signals::Signals;

/// A token that the first Ctrl-C cancels; the second one ends the program at once.
///
/// Where the system refuses a thread or a handler, Ctrl-C ends the program at once as it does without either.
pub(super) fn stop_on_interrupt() -> CancelToken {
    let token = CancelToken::new();
    let handed = token.clone();
    let thread = thread::Builder::new().name("signals".to_owned());
    thread.spawn(move || listen(&handed)).ok();
    token
}

fn listen(token: &CancelToken) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let mut signals = Signals::new()?;
        signals.next().await;
        token.cancel();
        signals.next().await;
        process::exit(1)
    })
}
