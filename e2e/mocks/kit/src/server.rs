//! Runs a mock: its own routes, with the kit's before them, until a signal ends it.

use std::{
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use actix_web::{
    App, HttpServer,
    middleware::from_fn,
    web::{self, Data, ServiceConfig},
};
use clap::Args;

use crate::{Kit, control, intercept::intercept, socket::Socket};

/// Connections at a time; more of them wait.
const MAX_CONNECTIONS: usize = 1024;
/// Threads that speak HTTP.
const WORKERS: usize = 2;
/// How long a stopping mock waits for what is in flight, in seconds.
const GRACE_S: u64 = 1;

/// What every mock can be told.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Ask the mock that listens here whether it is healthy, and exit with 0 if it is
    #[arg(long, value_name = "HOST:PORT")]
    pub check_health: Option<SocketAddr>,
    /// Write every answer into this file, for --replay
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Give the answers of this file instead of own ones
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    pub replay: Option<PathBuf>,
    /// Requests that /control/requests remembers
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub max_requests: usize,
}

/// Serves until a signal, and says on standard error where.
///
/// # Errors
/// When the address cannot be listened on.
pub fn serve<F>(bind: SocketAddr, kit: Kit, routes: F) -> io::Result<()>
where
    F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let kit = Data::new(kit);
    let app = move || {
        App::new()
            .app_data(kit.clone())
            .wrap(from_fn(intercept))
            .configure(control::routes)
            .configure(routes.clone())
            .default_service(web::to(control::nothing_here))
    };
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(app)
            .workers(WORKERS)
            .max_connections(MAX_CONNECTIONS)
            .client_request_timeout(Duration::from_secs(30))
            .shutdown_timeout(GRACE_S)
            .on_connect(Socket::keep)
            .bind(bind)?;
        for address in server.addrs() {
            writeln!(io::stderr(), "listening address={address}")?;
        }
        server.run().await
    })
}
