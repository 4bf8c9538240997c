//! The `detections` program: hands its arguments and environment to the command line and exits with
//! what comes back.

use std::process::ExitCode;

fn main() -> ExitCode {
    let environment = std::env::vars_os().map(|(key, value)| {
        (key.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
    });
    detections::cli::run(std::env::args_os(), environment).into()
}
