//! Keeps the model and the class map what they should be: a thread of its own loads them, asks for what is new,
//! and takes it into service beside the requests that run. What is refused leaves the old in service.

mod keeper;
mod notices;
mod sources;

use std::{
    io,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use actix_web::web;
use detections_models::BearerToken;
use detections_types::caught;
use tokio::sync::oneshot;

use self::keeper::Keeper;
pub use self::notices::{Notices, Topic};
use crate::{config::Config, engine::Backend, http::Service, serve::ServeError};

/// What became of a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Of the model.
    pub model: Part,
    /// Of the class map.
    pub classes: Part,
    /// Why something is refused or could not be had.
    pub detail: Option<String>,
}

/// What became of one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It is what it was.
    Unchanged,
    /// A new one is in service.
    Swapped,
    /// No new one could be taken; what was there stays.
    Refused,
}

/// Why nothing is reloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReloadRefused {
    /// Somebody else's reload goes on.
    #[error("another reload is going on")]
    Running,
    /// The service ends, or nothing keeps it up.
    #[error("the service ends")]
    Ending,
}

/// Where the outcome arrives.
pub type Reloading = oneshot::Receiver<Outcome>;

/// Asks the thread that keeps a service up.
#[derive(Debug)]
pub struct UpkeepHandle {
    commands: SyncSender<Command>,
    running: Arc<AtomicBool>,
}

/// A wish for a reload.
#[derive(Debug)]
struct Command {
    bearer: Option<BearerToken>,
    turn: Turn,
    done: oneshot::Sender<Outcome>,
}

/// The only reload that was asked for; another may be when this is dropped.
#[derive(Debug)]
struct Turn(Arc<AtomicBool>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl UpkeepHandle {
    /// Asks for a reload.
    ///
    /// # Errors
    /// [`ReloadRefused`].
    pub fn reload(&self, bearer: Option<BearerToken>) -> Result<Reloading, ReloadRefused> {
        if self.running.swap(true, Ordering::Acquire) {
            return Err(ReloadRefused::Running);
        }
        let turn = Turn(Arc::clone(&self.running));
        let (done, reloading) = oneshot::channel();
        let command = Command { bearer, turn, done };
        self.commands.try_send(command).map_err(|_gone| ReloadRefused::Ending)?;
        Ok(reloading)
    }
}

/// Starts the thread that loads the model for `backend` and keeps it up.
///
/// What is received is the outcome of the first loading: an error when a local file is refused, and otherwise
/// nothing but that the thread goes on, with a model or without one yet.
///
/// # Errors
/// [`io::Error`] when the system gives no thread.
pub fn spawn(
    service: &web::Data<Service>,
    config: Arc<Config>,
    backend: Backend,
) -> io::Result<oneshot::Receiver<Result<(), ServeError>>> {
    let (commands, wishes) = sync_channel(1);
    service.keep_up(UpkeepHandle { commands, running: Arc::default() });
    let (done, first) = oneshot::channel();
    let service = Arc::downgrade(&service.clone().into_inner());
    thread::Builder::new().name("upkeep".to_owned()).spawn(move || {
        let Some(keeper) = begin(&service, config, backend, done) else { return };
        keep_up(keeper, &service, &wishes);
    })?;
    Ok(first)
}

fn begin(
    service: &Weak<Service>,
    config: Arc<Config>,
    backend: Backend,
    done: oneshot::Sender<Result<(), ServeError>>,
) -> Option<Keeper> {
    let service = service.upgrade()?;
    let begun = Keeper::begin(&service, config, backend);
    let (keeper, outcome) = match begun {
        Ok(keeper) => (Some(keeper), Ok(())),
        Err(error) => (None, Err(error)),
    };
    // Without a receiver the service has ended meanwhile, and nobody asks for the model.
    drop(done.send(outcome));
    keeper
}

/// Until the service ends: waits for the time or a wish, and does a round.
fn keep_up(mut keeper: Keeper, service: &Weak<Service>, wishes: &Receiver<Command>) {
    let mut wait = keeper.first_wait();
    while let Ok(wish) = next(wishes, wait) {
        let Some(service) = service.upgrade().filter(|service| !service.is_draining()) else {
            return;
        };
        let (asked, turn, done) = match wish {
            Some(Command { bearer, turn, done }) => (Some(bearer), Some(turn), Some(done)),
            None => (None, None, None),
        };
        let outcome = caught(|| keeper.round(&service, asked.as_ref()));
        let outcome = outcome.unwrap_or_else(|panic| {
            tracing::error!(panic, "loading a model panicked; this is a bug");
            let detail = Some("loading it panicked".to_owned());
            Outcome { model: Part::Refused, classes: Part::Unchanged, detail }
        });
        wait = keeper.wait(&service);
        drop(turn);
        if let Some(done) = done {
            // Whoever asked may have left.
            drop(done.send(outcome));
        }
    }
}

/// The next wish, `None` when the time has come, an error when nobody can wish any more.
fn next(
    wishes: &Receiver<Command>,
    wait: Option<Duration>,
) -> Result<Option<Command>, RecvTimeoutError> {
    match wait {
        None => wishes.recv().map(Some).map_err(|_closed| RecvTimeoutError::Disconnected),
        Some(wait) => match wishes.recv_timeout(wait) {
            Ok(command) => Ok(Some(command)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(RecvTimeoutError::Disconnected),
        },
    }
}
