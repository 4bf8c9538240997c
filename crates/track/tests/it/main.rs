//! The tracker on rendered sequences whose truth is known, and on input that no detector would send.
#![expect(clippy::unwrap_used, reason = "a test fails loudly where its own helpers do")]

mod baseline;
mod matching;
mod mot;
mod robust;
mod scores;
mod sequence;
