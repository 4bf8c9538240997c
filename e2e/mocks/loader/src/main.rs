//! The mock Loader as a program: reads its arguments and serves until a signal.

use std::{
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
};

use actix_web::web::Data;
use clap::Parser;
use detections_mock_kit::{Kit, Options, health, serve};
use detections_mock_loader::{routes, shelf::Shelf};

/// A stand-in for the service that gives models.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    kit: Options,
    /// Address to listen on
    #[arg(long, value_name = "HOST:PORT", default_value = "0.0.0.0:8080")]
    bind: SocketAddr,
    /// Folder whose files are given
    #[arg(long, value_name = "DIR", default_value = "/models")]
    models: PathBuf,
    /// Most bytes of all files that are put through /control/files
    #[arg(long, value_name = "BYTES", default_value_t = 512 << 20)]
    max_file_bytes: u64,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> io::Result<()> {
    if let Some(address) = arguments.kit.check_health {
        return health::ask(address);
    }
    let kit = Kit::open(&arguments.kit)?;
    let shelf = Data::new(Shelf::new(arguments.models, arguments.max_file_bytes));
    serve(arguments.bind, kit, move |config| routes(config, &shelf))
}
