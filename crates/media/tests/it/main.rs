//! What must hold for any bytes: hashing does not see how a stream is cut, and a fingerprint reads
//! little and sees every change that its layout covers.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test's own helpers must fail it")]

mod fingerprint;
mod hashing;
