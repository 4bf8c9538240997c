//! The mock Annotations service as a program: reads its arguments and serves until a signal.

use std::{
    io::{self, Write},
    net::SocketAddr,
    process::ExitCode,
};

use actix_web::web::Data;
use clap::Parser;
use detections_mock_annotations::{
    routes,
    store::{Limits, Store},
};
use detections_mock_kit::{Kit, Options, health, serve};

/// A stand-in for the service that takes results.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    kit: Options,
    /// Address to listen on
    #[arg(long, value_name = "HOST:PORT", default_value = "0.0.0.0:8081")]
    bind: SocketAddr,
    /// Most results that are kept
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    max_records: usize,
    /// Most bytes of all results that are kept
    #[arg(long, value_name = "BYTES", default_value_t = 256 << 20)]
    max_bytes: usize,
    /// Take results only from who bears this token
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
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
    let limits = Limits { records: arguments.max_records, bytes: arguments.max_bytes };
    let store = Data::new(Store::new(limits, arguments.token));
    serve(arguments.bind, kit, move |config| routes(config, &store))
}
