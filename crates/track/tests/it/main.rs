//! The tracker on rendered sequences whose truth is known, and on input that no detector would send.

mod baseline;
mod matching;
mod mot;
mod robust;
mod scores;
mod sequence;
