//! The service from its start to its end: listens at once, loads the model beside, and on a signal
//! finishes what is inside before it goes.

use std::{
    any::Any,
    future::Future,
    io,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    HttpServer,
    dev::{Server, ServerHandle},
    rt::{System, net::TcpStream},
    web,
};
use detections_annotations::AnnotationsError;
use socket2::SockRef;
use tokio::time::{sleep, timeout};

use crate::{
    access::Access,
    annotations::Annotations,
    config::{Config, ServerConfig},
    engine::{Backend, EngineError},
    http::{Service, create_app, create_management_app},
    signals::Signals,
    telemetry::{Telemetry, TelemetryError},
    upkeep,
    work::ExecutorError,
};

/// After a response to a request whose body was not read, the rest is read and thrown away for so
/// long, so that the client sees the response instead of a reset connection.
const LINGER: Duration = Duration::from_secs(3);

/// How long connections may take to end once nothing is inside any more.
const LAST_WRITES: Duration = Duration::from_secs(2);

/// Between two looks at whether the device still works.
const LOOK_AT_DEVICE: Duration = Duration::from_millis(100);

/// Why the service did not start, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Logging could not be set up as configured.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The address cannot be listened on.
    #[error("cannot listen on {bind}")]
    Bind {
        /// The address as configured.
        bind: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system refused a thread or a signal handler.
    #[error("the server failed")]
    System(#[from] io::Error),
    /// The model or the classes are refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The threads that work on pictures do not start.
    #[error(transparent)]
    Executor(#[from] ExecutorError),
    /// Loading the model panicked.
    #[error("loading the model panicked; this is a bug")]
    LoaderPanicked,
    /// The outbox cannot be used.
    #[error(transparent)]
    Annotations(#[from] AnnotationsError),
    /// The device was lost, or has no memory left.
    #[error("the device failed: {reason}")]
    DeviceFailed {
        /// What the backend said.
        reason: String,
    },
    /// Work was still going on when the grace period or the patience of whoever stops the service ended.
    #[error("stopped with {items} pictures and videos still in flight")]
    CutShort {
        /// How many.
        items: usize,
    },
}

impl ServeError {
    /// Whether the device is at fault: another machine, or a new process, may do.
    #[must_use]
    pub fn is_of_device(&self) -> bool {
        match self {
            Self::DeviceFailed { .. } => true,
            Self::Engine(error) => error.is_of_device(),
            Self::Telemetry(_)
            | Self::Bind { .. }
            | Self::System(_)
            | Self::Executor(_)
            | Self::LoaderPanicked
            | Self::Annotations(_)
            | Self::CutShort { .. } => false,
        }
    }

    /// Whether a setting is at fault, rather than the model file or this machine.
    #[must_use]
    pub const fn is_configuration(&self) -> bool {
        match self {
            Self::Telemetry(_) => true,
            Self::Engine(error) => error.is_configuration(),
            Self::Bind { .. }
            | Self::System(_)
            | Self::Executor(_)
            | Self::LoaderPanicked
            | Self::Annotations(_)
            | Self::DeviceFailed { .. }
            | Self::CutShort { .. } => false,
        }
    }
}

/// Serves until a signal, or until the model turns out to be unusable or the device fails.
///
/// # Errors
/// [`ServeError`] says what did not start or failed, or that work was cut short at the end.
pub fn run(config: &Config) -> Result<(), ServeError> {
    let _telemetry = Telemetry::start(&config.log)?;
    let told = |error: &ServeError| {
        tracing::error!(error = crate::http::told_with_causes(error), "the service ends");
    };
    // Before all else: what was asked to run on is there, or nothing is begun.
    let backend = Backend::open(&config.infer).map_err(ServeError::from).inspect_err(told)?;
    let service = web::Data::new(Service::new(Arc::new(config.clone())));
    if let Some(annotations) = Annotations::start(config)? {
        service.annotate(annotations);
    }
    System::new().block_on(serve(service, config, backend)).inspect_err(told)
}

/// Ends a connection whose client takes nothing of what it is sent for as long as any request may take: only
/// then can it not be one that sends everything before it reads.
fn leave_the_deaf(stream: &dyn Any, patience: Duration) {
    let Some(stream) = stream.downcast_ref::<TcpStream>() else { return };
    if let Err(error) = SockRef::from(stream).set_tcp_user_timeout(Some(patience)) {
        tracing::debug!(%error, "a client that never reads is waited for");
    }
}

async fn serve(
    service: web::Data<Service>,
    config: &Config,
    backend: Backend,
) -> Result<(), ServeError> {
    let mut signals = Signals::new()?;
    let server = listen(service.clone(), config)?;
    let management = listen_for_management(&service, &config.server)?;
    service.access().map_or(Ok(()), Access::watch)?;
    let handle = server.handle();
    let running = actix_web::rt::spawn(server);
    let management = management.map(|server| (server.handle(), actix_web::rt::spawn(server)));
    let mut loading = pin!(load(&service, config, backend)?);
    let mut device_failure = pin!(device_failure(&service));
    let mut loaded = false;
    let ended = loop {
        tokio::select! {
            outcome = &mut loading, if !loaded => match outcome {
                Ok(()) => loaded = true,
                Err(error) => {
                    handle.stop(false).await;
                    return Err(error);
                }
            },
            reason = &mut device_failure => break Err(ServeError::DeviceFailed { reason }),
            name = signals.next() => {
                tracing::info!(signal = name, "shutting down");
                break Ok(());
            }
        }
    };
    let drained = drain(&service, &handle, config.server.shutdown_grace, &mut signals).await;
    drop(running);
    // Open to the end, so that whoever looks after the service sees it draining.
    if let Some((handle, running)) = management {
        handle.stop(false).await;
        drop(running);
    }
    ended.and(drained)
}

/// Waits until the device under the model does not work any more: what is asked meanwhile is refused, `/health`
/// says `failed`, and whoever looks after the process replaces it.
async fn device_failure(service: &Service) -> String {
    loop {
        if let Some(reason) = service.device_failure() {
            return reason;
        }
        sleep(LOOK_AT_DEVICE).await;
    }
}

fn listen(service: web::Data<Service>, config: &Config) -> Result<Server, ServeError> {
    let patience = config.server.timeout.max(config.video.timeout);
    let config = &config.server;
    let server = HttpServer::new(move || create_app(service.clone()))
        .workers(config.workers)
        .disable_signals()
        .shutdown_timeout(LAST_WRITES.as_secs())
        .client_request_timeout(config.client_timeout)
        .client_disconnect_timeout(LINGER)
        // A client that closes its side is gone: its work stops at the next check.
        .h1_allow_half_closed(false)
        .on_connect(move |stream, _| leave_the_deaf(stream, patience))
        .bind(&config.bind)
        .map_err(|source| ServeError::Bind { bind: config.bind.clone(), source })?;
    for address in server.addrs() {
        tracing::info!(%address, version = crate::build_info::VERSION, "listening");
    }
    Ok(server.run())
}

/// The second port, if there is one; one thread answers what its few callers ask.
fn listen_for_management(
    service: &web::Data<Service>,
    config: &ServerConfig,
) -> Result<Option<Server>, ServeError> {
    let Some(bind) = &config.management_bind else { return Ok(None) };
    let service = service.clone();
    let server = HttpServer::new(move || create_management_app(service.clone()))
        .workers(1)
        .disable_signals()
        .shutdown_timeout(LAST_WRITES.as_secs())
        .client_request_timeout(config.client_timeout)
        .client_disconnect_timeout(LINGER)
        .h1_allow_half_closed(false)
        .bind(bind)
        .map_err(|source| ServeError::Bind { bind: bind.clone(), source })?;
    for address in server.addrs() {
        tracing::info!(%address, "listening for management");
    }
    Ok(Some(server.run()))
}

/// Loads the engine on a thread of its own, which takes seconds with a large model, and keeps it up from then on.
fn load(
    service: &web::Data<Service>,
    config: &Config,
    backend: Backend,
) -> Result<impl Future<Output = Result<(), ServeError>>, ServeError> {
    let first = upkeep::spawn(service, Arc::new(config.clone()), backend)?;
    Ok(async { first.await.unwrap_or(Err(ServeError::LoaderPanicked)) })
}

/// Takes nothing new, finishes what is inside, then closes the connections.
async fn drain(
    service: &Service,
    handle: &ServerHandle,
    grace: Duration,
    signals: &mut Signals,
) -> Result<(), ServeError> {
    let until = Instant::now() + grace;
    service.drain();
    let emptied = tokio::select! {
        emptied = timeout(grace, service.emptied()) => emptied.is_ok(),
        name = signals.next() => {
            tracing::warn!(signal = name, "stopping at once");
            false
        }
    };
    let items = service.gate().load().items + service.videos().gate().load().items;
    handle.stop(emptied).await;
    stop_delivery(service, until.saturating_duration_since(Instant::now()));
    if emptied { Ok(()) } else { Err(ServeError::CutShort { items }) }
}

/// Posts on their way may end in what is left of the grace; the rest goes out after the next start.
fn stop_delivery(service: &Service, left: Duration) {
    let Some(annotations) = service.annotations() else { return };
    let ended = annotations.stop(left.max(LAST_WRITES));
    let pending = annotations.stats().pending;
    tracing::info!(pending, ended, "delivery to the Annotations service stopped");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::{rt::System, web};

    use super::{ServeError, serve};
    use crate::{
        config::{Config, Overrides},
        engine::Backend,
        http::Service,
    };

    #[test]
    fn a_failed_device_ends_the_service_with_its_reason() {
        let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/model/topview.onnx");
        let mut flags = Overrides::default();
        for (key, value) in
            [("server.bind", "127.0.0.1:0"), ("model.path", model), ("infer.threads", "1")]
        {
            flags.set("test", key, value);
        }
        let config = Config::load(None, [], &flags).unwrap();
        let backend = Backend::open(&config.infer).unwrap();
        let service = web::Data::new(Service::new(Arc::new(config.clone())));
        service.fail_device("it fell off the bus".to_owned());
        let ended = System::new().block_on(serve(service, &config, backend));
        let Err(ServeError::DeviceFailed { reason }) = ended else { panic!("{ended:?}") };
        assert_eq!(reason, "it fell off the bus");
    }
}
