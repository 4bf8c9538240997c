//! The results that came, in their order and once each, and how many came that were not kept.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use detections_mock_kit::journal::now_ms;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Kept results, bounded in number and bytes.
#[derive(Debug)]
pub struct Store {
    limits: Limits,
    token: Option<String>,
    state: Mutex<State>,
}

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most results.
    pub records: usize,
    /// Most bytes of all their bodies.
    pub bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    records: Vec<Record>,
    by_key: HashMap<String, usize>,
    bytes: usize,
    counters: Counters,
}

/// One kept result.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// Its place in the order of arrival, from 0.
    pub sequence: usize,
    /// When it came first, in milliseconds since 1970.
    pub at_ms: u64,
    /// Its `Idempotency-Key`.
    pub key: String,
    /// How often it came again.
    pub duplicates: u64,
    /// The result.
    pub body: Value,
    #[serde(skip)]
    digest: [u8; 32],
}

/// What became of all that came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Requests that were read, whatever became of them.
    pub received: u64,
    /// Results that are kept now.
    pub kept: u64,
    /// Deliveries of what was there already.
    pub duplicates: u64,
    /// Keys that came again with another body.
    pub conflicts: u64,
    /// Bodies or keys that are wrong.
    pub invalid: u64,
    /// Requests without the token.
    pub unauthorized: u64,
    /// Results that there was no room for.
    pub full: u64,
}

/// What became of one result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is kept.
    Stored {
        /// Its place.
        sequence: usize,
    },
    /// It was there already.
    Repeated {
        /// Its place.
        sequence: usize,
    },
    /// Its key was there with another body.
    Contradicted,
    /// There is no room.
    Full,
}

impl Store {
    /// An empty store; with a token, only requests that bear it are admitted.
    #[must_use]
    pub fn new(limits: Limits, token: Option<String>) -> Self {
        Self { limits, token, state: Mutex::default() }
    }

    /// Whether a request with this `Authorization` may deliver.
    #[must_use]
    pub fn admits(&self, authorization: Option<&str>) -> bool {
        let Some(token) = &self.token else { return true };
        let borne = authorization.and_then(|value| value.strip_prefix("Bearer "));
        let admitted = borne == Some(token.as_str());
        if !admitted {
            let mut state = self.lock();
            state.counters.received += 1;
            state.counters.unauthorized += 1;
        }
        admitted
    }

    /// Counts a request that cannot be read.
    pub fn count_invalid(&self) {
        let mut state = self.lock();
        state.counters.received += 1;
        state.counters.invalid += 1;
    }

    /// Takes a result, which came in so many bytes.
    pub fn take(&self, key: &str, body: Value, bytes: usize) -> Outcome {
        let digest = digest_of_findings(&body);
        let mut guard = self.lock();
        let state = &mut *guard;
        state.counters.received += 1;
        if let Some(&sequence) = state.by_key.get(key) {
            let record = &mut state.records[sequence];
            if record.digest != digest {
                state.counters.conflicts += 1;
                return Outcome::Contradicted;
            }
            record.duplicates += 1;
            state.counters.duplicates += 1;
            return Outcome::Repeated { sequence };
        }
        let full = state.records.len() >= self.limits.records
            || state.bytes.saturating_add(bytes) > self.limits.bytes;
        if full {
            state.counters.full += 1;
            return Outcome::Full;
        }
        let sequence = state.records.len();
        let record =
            Record { sequence, at_ms: now_ms(), key: key.to_owned(), duplicates: 0, body, digest };
        state.records.push(record);
        state.by_key.insert(key.to_owned(), sequence);
        state.bytes += bytes;
        state.counters.kept += 1;
        Outcome::Stored { sequence }
    }

    /// Kept results in their order, those of one medium where one is named.
    #[must_use]
    pub fn list(&self, media: Option<&str>, offset: usize, limit: usize) -> Vec<Record> {
        let state = self.lock();
        let of_media = |record: &&Record| {
            media.is_none_or(|sha256| record.body.pointer("/media/sha256") == Some(&sha256.into()))
        };
        state.records.iter().filter(of_media).skip(offset).take(limit).cloned().collect()
    }

    /// What became of all that came.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.lock().counters
    }

    /// Forgets everything, counters included.
    pub fn clear(&self) {
        *self.lock() = State::default();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What of a media's description says who sent it and when, not what it is: the same media sent again has the same
/// keys and other values here.
const OF_THE_UPLOAD: [&str; 3] = ["id", "request_id", "name"];

/// The digest of all that a key stands for.
fn digest_of_findings(body: &Value) -> [u8; 32] {
    let mut body = body.clone();
    if let Some(media) = body.get_mut("media").and_then(Value::as_object_mut) {
        media.retain(|field, _| !OF_THE_UPLOAD.contains(&field.as_str()));
    }
    Sha256::digest(body.to_string()).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Limits, Outcome, Store};

    fn take(store: &Store, key: &str, body: &str) -> Outcome {
        store.take(key, json!({"media": {"sha256": body}}), body.len())
    }

    #[test]
    fn a_key_is_kept_once_and_may_not_change_its_body() {
        let store = Store::new(Limits { records: 10, bytes: 100 }, None);
        assert_eq!(take(&store, "k", "a"), Outcome::Stored { sequence: 0 });
        assert_eq!(take(&store, "k", "a"), Outcome::Repeated { sequence: 0 });
        assert_eq!(take(&store, "k", "b"), Outcome::Contradicted);
        assert_eq!(take(&store, "l", "b"), Outcome::Stored { sequence: 1 });
        let counters = store.counters();
        assert_eq!((counters.received, counters.kept), (4, 2));
        assert_eq!((counters.duplicates, counters.conflicts), (1, 1));
        assert_eq!(store.list(Some("b"), 0, 9).len(), 1);
        assert_eq!(store.list(None, 1, 9)[0].key, "l");
    }

    #[test]
    fn the_same_media_sent_again_is_a_repetition() {
        let store = Store::new(Limits { records: 10, bytes: 100 }, None);
        let sent =
            |id: &str| json!({"media": {"sha256": "a", "id": id, "request_id": id, "name": id}});
        assert_eq!(store.take("k", sent("first"), 1), Outcome::Stored { sequence: 0 });
        assert_eq!(store.take("k", sent("second"), 1), Outcome::Repeated { sequence: 0 });
        assert_eq!(store.list(None, 0, 1)[0].body, sent("first"));
    }

    #[test]
    fn what_there_is_no_room_for_is_refused_and_nothing_is_lost() {
        let few = Store::new(Limits { records: 1, bytes: 100 }, None);
        take(&few, "k", "a");
        assert_eq!(take(&few, "l", "b"), Outcome::Full);
        assert_eq!(take(&few, "k", "a"), Outcome::Repeated { sequence: 0 });
        let short = Store::new(Limits { records: 9, bytes: 3 }, None);
        take(&short, "k", "aa");
        assert_eq!(take(&short, "l", "bb"), Outcome::Full);
        short.clear();
        assert_eq!(take(&short, "l", "bb"), Outcome::Stored { sequence: 0 });
    }

    #[test]
    fn only_the_bearer_of_the_token_is_admitted() {
        let store = Store::new(Limits { records: 1, bytes: 1 }, Some("secret".to_owned()));
        assert!(store.admits(Some("Bearer secret")));
        for other in [None, Some("secret"), Some("Bearer other"), Some("Bearer ")] {
            assert!(!store.admits(other), "{other:?}");
        }
        assert_eq!(store.counters().unauthorized, 4);
    }
}
