//! What this program is: version, commit, what it was built for and what is compiled in.

use std::{
    env::consts::{ARCH, OS},
    sync::LazyLock,
};

/// The version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit it was built from; "unknown" unless the build set `DETECTIONS_COMMIT`.
pub const COMMIT: &str = match option_env!("DETECTIONS_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// "release", or "debug" where debug assertions are compiled in.
pub const PROFILE: &str = if cfg!(debug_assertions) { "debug" } else { "release" };

/// Whether the project's own model is compiled in.
pub const BUILT_IN_MODEL: bool = cfg!(feature = "built-in-model");

/// The tensor runtimes that are compiled in, with their devices.
pub const BACKENDS: &[&str] = &[
    "tract (cpu)",
    #[cfg(all(feature = "candle", not(feature = "cuda")))]
    "candle (cpu)",
    #[cfg(feature = "cuda")]
    "candle (cpu, cuda)",
];

/// All of it in a few lines, for `--version`.
#[must_use]
pub fn summary() -> &'static str {
    static SUMMARY: LazyLock<String> = LazyLock::new(|| {
        let model = if BUILT_IN_MODEL { "yes" } else { "no" };
        let backends = BACKENDS.join(", ");
        format!(
            "{VERSION}\ncommit: {COMMIT}\nbuild: {PROFILE} for {ARCH}-{OS}\nbackends: {backends}\n\
             built-in model: {model}"
        )
    });
    &SUMMARY
}
