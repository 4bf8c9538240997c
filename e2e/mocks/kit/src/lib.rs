//! What the mock services share: faults that a control route puts in the way of requests, a record
//! of what was asked, and answers that are replayed from a file. Knows none of the product's crates.

pub mod body;
pub mod control;
pub mod fault;
pub mod faults;
pub mod health;
pub mod intercept;
pub mod journal;
pub mod pattern;
pub mod problem;
pub mod replay;
pub mod server;
pub mod socket;
pub mod tape;
pub mod wire;

use std::io;

pub use self::{
    faults::FaultTable,
    journal::Journal,
    problem::Problem,
    server::{Options, serve},
};
use self::{replay::Replay, tape::Tape};

/// What one mock service carries beside its own routes.
#[derive(Debug)]
pub struct Kit {
    /// The faults that are in force.
    pub faults: FaultTable,
    /// What was asked lately.
    pub journal: Journal,
    /// Where answers are recorded, if they are.
    pub tape: Option<Tape>,
    /// The recorded answers that are given instead of the service's own, if any.
    pub replay: Option<Replay>,
}

impl Kit {
    /// A kit as the options ask for: opens the tape and reads the answers to replay.
    ///
    /// # Errors
    /// When a file cannot be opened, or is no recording.
    pub fn open(options: &Options) -> io::Result<Self> {
        Ok(Self {
            faults: FaultTable::default(),
            journal: Journal::new(options.max_requests),
            tape: options.record.as_deref().map(Tape::create).transpose()?,
            replay: options.replay.as_deref().map(Replay::open).transpose()?,
        })
    }
}
