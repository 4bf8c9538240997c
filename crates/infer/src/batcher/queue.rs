//! The bounded queue between callers and workers, and what is known of the workers' health.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::{Item, Lane, lanes::Lanes};
use crate::InferError;

/// Why workers ended before their time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A session panicked, with these words.
    Panic(String),
    /// The device failed under all of them, with these words.
    Device(String),
}

/// Waiting items, whose lanes take turns; closed once and for all at the end.
#[derive(Debug)]
pub(crate) struct Queue {
    capacity: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    items: Lanes<Item>,
    workers: usize,
    closed: bool,
    fault: Option<Fault>,
}

impl Queue {
    /// A queue that `workers` workers are going to take from.
    pub(crate) fn new(capacity: usize, workers: usize) -> Self {
        let state = State { items: Lanes::new(), workers, closed: false, fault: None };
        Self { capacity, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// A lane that nobody else has.
    pub(crate) fn open_lane(&self) -> Lane {
        self.state().items.open()
    }

    /// Appends an item to its lane. Where no place is free, items that were given up make room.
    pub(crate) fn push(&self, lane: Lane, item: Item) -> Result<(), InferError> {
        let mut state = self.state();
        if state.closed {
            return Err(InferError::Stopped);
        }
        if state.items.len() >= self.capacity {
            state.items.retain(still_wanted);
        }
        if state.items.len() >= self.capacity {
            return Err(InferError::QueueFull { capacity: self.capacity });
        }
        state.items.push(lane, item);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for at least one wanted item and moves up to `most` of those there into `batch`; false at the end.
    ///
    /// Items that were given up are answered and left out.
    pub(crate) fn take(&self, most: usize, batch: &mut Vec<Item>) -> bool {
        let mut state = self.state();
        loop {
            while batch.len() < most {
                let Some(item) = state.items.pop() else {
                    break;
                };
                if still_wanted(&item) {
                    batch.push(item);
                }
            }
            if !batch.is_empty() {
                return true;
            }
            if state.closed {
                return false;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Closes the queue and answers all that waits with [`InferError::Stopped`].
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let waiting: Vec<Item> = std::iter::from_fn(|| state.items.pop()).collect();
        drop(state);
        self.changed.notify_all();
        for item in waiting {
            item.answer(Err(InferError::Stopped));
        }
    }

    /// A worker ends, because of `fault` if any. The queue is closed without workers, and without a device, which
    /// the other workers have in common.
    pub(crate) fn worker_ended(&self, fault: Option<Fault>) {
        let of_device = matches!(fault, Some(Fault::Device(_)));
        let mut state = self.state();
        state.workers = state.workers.saturating_sub(1);
        if state.fault.is_none() || of_device {
            state.fault = fault;
        }
        let last = state.workers == 0;
        drop(state);
        if last || of_device {
            self.close();
        }
    }

    /// Why the first worker that failed did so, a failed device before all else.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.state().fault.clone()
    }

    /// How many items wait.
    pub(crate) fn len(&self) -> usize {
        self.state().items.len()
    }

    /// The state; every change of it is complete at once, so a panic elsewhere leaves it sound.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an item's answer is still of use; if not, it gets its answer here.
fn still_wanted(item: &Item) -> bool {
    let check = item.cancel.check();
    if let Err(interrupt) = check {
        item.answer(Err(InferError::Interrupted(interrupt)));
    }
    check.is_ok()
}
