//! What must hold for any bytes: hashing does not see how a stream is cut, and a fingerprint reads
//! little and sees every change that its layout covers.

mod fingerprint;
mod hashing;
