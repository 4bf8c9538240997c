//! What was asked lately: a ring of requests with what they got, the oldest forgotten first.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

/// Longest value of a header that is kept.
const MAX_VALUE: usize = 4096;
/// Most headers of a request that are kept.
const MAX_HEADERS: usize = 64;

/// The requests that are remembered.
#[derive(Debug)]
pub struct Journal {
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    entries: VecDeque<Entry>,
}

/// One request and what it got.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its number, from 0 and without gaps.
    pub n: u64,
    /// When it came, in milliseconds since 1970 by this machine's clock.
    pub at_ms: u64,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// What follows the question mark.
    pub query: String,
    /// The headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The fault that struck it.
    pub fault: Option<String>,
    /// The status that was answered; none while it is not, or never.
    pub status: Option<u16>,
}

impl Journal {
    /// A journal of so many requests.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, state: Mutex::default() }
    }

    /// Writes a request down and gives its number.
    pub fn begin(&self, mut entry: Entry) -> u64 {
        entry.headers.truncate(MAX_HEADERS);
        for (_, value) in &mut entry.headers {
            truncate(value, MAX_VALUE);
        }
        let mut state = self.lock();
        entry.n = state.next;
        state.next += 1;
        while state.entries.len() >= self.most.max(1) {
            state.entries.pop_front();
        }
        state.entries.push_back(entry);
        state.next - 1
    }

    /// Adds what request `n` got, if it is still remembered.
    pub fn end(&self, n: u64, status: u16) {
        if let Some(entry) = self.lock().entries.iter_mut().rev().find(|entry| entry.n == n) {
            entry.status = Some(status);
        }
    }

    /// Adds what struck request `n`, if it is still remembered.
    pub fn struck(&self, n: u64, fault: String) {
        if let Some(entry) = self.lock().entries.iter_mut().rev().find(|entry| entry.n == n) {
            entry.fault = Some(fault);
        }
    }

    /// The remembered requests of number `since` and later, oldest first.
    #[must_use]
    pub fn entries(&self, since: u64) -> Vec<Entry> {
        self.lock().entries.iter().filter(|entry| entry.n >= since).cloned().collect()
    }

    /// How many requests there were in all, forgotten ones included.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.lock().next
    }

    /// Forgets all; the numbers go on.
    pub fn clear(&self) {
        self.lock().entries.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Milliseconds since 1970; 0 where the clock stands before it.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn truncate(text: &mut String, most: usize) {
    if text.len() > most {
        let end = (0..=most).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Journal, MAX_VALUE};

    fn entry(path: &str) -> Entry {
        Entry {
            n: 0,
            at_ms: 0,
            method: "GET".to_owned(),
            path: path.to_owned(),
            query: String::new(),
            headers: vec![("a".to_owned(), "ä".repeat(MAX_VALUE))],
            fault: None,
            status: None,
        }
    }

    #[test]
    fn the_oldest_is_forgotten_and_numbers_go_on() {
        let journal = Journal::new(2);
        for path in ["/a", "/b", "/c"] {
            let n = journal.begin(entry(path));
            journal.end(n, 200);
        }
        journal.end(0, 500);
        let kept: Vec<_> =
            journal.entries(0).into_iter().map(|entry| (entry.n, entry.path)).collect();
        assert_eq!(kept, [(1, "/b".to_owned()), (2, "/c".to_owned())]);
        assert_eq!((journal.entries(2).len(), journal.total()), (1, 3));
        assert!(journal.entries(0)[0].headers[0].1.len() <= MAX_VALUE);
        journal.clear();
        assert_eq!((journal.entries(0).len(), journal.begin(entry("/d"))), (0, 3));
    }
}
