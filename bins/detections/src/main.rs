//! The `detections` program: hands its arguments and environment to the command line and exits with
//! what comes back.

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// A run of a model allocates and frees a few large tensors for each of its nodes. The system's allocator
/// gives their pages back each time and faults them in again, a fifth of the built-in model's run. This one
/// keeps them for the next run, in huge pages (`.cargo/config.toml`), and still gives back large pictures at once.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let environment = std::env::vars_os().map(|(key, value)| {
        (key.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
    });
    detections::cli::run(std::env::args_os(), environment).into()
}
