//! The rules of this source tree that no compiler checks: which crate may know which, what every
//! crate must carry, how long a file or a function may get, and what no source may say.
//!
//! Every check collects all of its faults before it fails, and each check is itself tested on a
//! text that breaks it.

mod crates;
mod page;
mod purity;
mod rust_source;
mod sizes;
mod texts;
mod tree;
mod workspace;

/// Fails with every fault on a line of its own.
fn assert_faultless(rule: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{rule}:\n  {}", faults.join("\n  "));
}
