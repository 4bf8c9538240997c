//! The bounded queue between callers and workers, and what is known of the workers' health.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use super::Item;
use crate::InferError;

/// Waiting items, first come first served; closed once and for all at the end.
#[derive(Debug)]
pub(crate) struct Queue {
    capacity: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    items: VecDeque<Item>,
    workers: usize,
    closed: bool,
    fault: Option<String>,
}

impl Queue {
    /// A queue that `workers` workers are going to take from.
    pub(crate) fn new(capacity: usize, workers: usize) -> Self {
        let items = VecDeque::with_capacity(capacity);
        let state = State { items, workers, closed: false, fault: None };
        Self { capacity, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Appends an item. Where no place is free, items that were given up make room.
    pub(crate) fn push(&self, item: Item) -> Result<(), InferError> {
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
        state.items.push_back(item);
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
                let Some(item) = state.items.pop_front() else {
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
        let waiting = std::mem::take(&mut state.items);
        drop(state);
        self.changed.notify_all();
        for item in waiting {
            item.answer(Err(InferError::Stopped));
        }
    }

    /// A worker ends, because of `fault` if any; without workers the queue is closed.
    pub(crate) fn worker_ended(&self, fault: Option<&str>) {
        let mut state = self.state();
        state.workers = state.workers.saturating_sub(1);
        if state.fault.is_none() {
            state.fault = fault.map(String::from);
        }
        let last = state.workers == 0;
        drop(state);
        if last {
            self.close();
        }
    }

    /// Why the first worker that failed did so.
    pub(crate) fn fault(&self) -> Option<String> {
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
