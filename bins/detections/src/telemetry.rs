//! Where log lines go: standard error, and daily files when a folder is set. Lines of a request carry
//! its id, because whatever happens for it happens within its span.

use std::{fs, io, panic, path::Path};

use tracing_appender::{
    non_blocking::WorkerGuard,
    rolling::{InitError, RollingFileAppender, Rotation},
};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::ParseError, fmt, layer::SubscriberExt,
    registry::LookupSpan, util::TryInitError,
};

use crate::config::{LogConfig, LogFormat};

/// What only strangers' broken requests make: errors of the HTTP parser, which are not ours to mend. A
/// directive of `log.filter` for the same target has the last word.
const QUIET: &str = "actix_http=off";

/// What a command that is no service remarks: where its model came from, when not from where it was asked for.
const REMARKS: &str = "off,detections::engine=warn,detections_models=warn";

/// Daily files that are kept.
const KEPT_FILES: usize = 14;

/// Why nothing can be logged as configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// The filter's directives cannot be read.
    #[error("log.filter is not valid")]
    Filter(#[from] ParseError),
    /// The folder of the log files cannot be used.
    #[error("log.dir {dir} cannot be used")]
    Folder {
        /// The folder as configured.
        dir: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No file can be opened in the folder of the log files.
    #[error("no log file can be opened in {dir}")]
    File {
        /// The folder as configured.
        dir: String,
        /// What the system said.
        #[source]
        source: InitError,
    },
    /// Something else in this process already logs.
    #[error("logging is set up already")]
    Twice(#[from] TryInitError),
}

/// Running logs; dropping it writes out what is still buffered.
#[derive(Debug)]
#[must_use = "dropping it ends logging to files"]
pub struct Telemetry {
    _files: Option<WorkerGuard>,
}

impl Telemetry {
    /// Starts logging for the whole process, panics included.
    ///
    /// # Errors
    /// [`TelemetryError`] when the filter or the folder is not usable, or logging runs already.
    pub fn start(config: &LogConfig) -> Result<Self, TelemetryError> {
        let filter = EnvFilter::try_new(format!("{QUIET},{}", config.filter))?;
        let (file, guard) = match &config.dir {
            Some(dir) => {
                let (writer, guard) = tracing_appender::non_blocking(daily_files(dir)?);
                (Some(line_layer(config.format, writer)), Some(guard))
            }
            None => (None, None),
        };
        let stderr = line_layer(config.format, io::stderr);
        let subscriber = Registry::default().with(file).with(stderr).with(filter);
        tracing_subscriber::util::SubscriberInitExt::try_init(subscriber)?;
        panic::set_hook(Box::new(log_panic));
        Ok(Self { _files: guard })
    }

    /// Lets a command that is no service say on standard error what its results rest on.
    ///
    /// # Errors
    /// [`TelemetryError`] when logging runs already.
    pub fn remarks() -> Result<(), TelemetryError> {
        let lines = fmt::layer().with_writer(io::stderr).with_ansi(false);
        let lines = lines.without_time().with_target(false);
        let subscriber = Registry::default().with(lines).with(EnvFilter::try_new(REMARKS)?);
        Ok(tracing_subscriber::util::SubscriberInitExt::try_init(subscriber)?)
    }
}

fn daily_files(dir: &Path) -> Result<RollingFileAppender, TelemetryError> {
    let name = || dir.display().to_string();
    // The appender looks for old files before it would make the folder, and complains that it is not there.
    fs::create_dir_all(dir).map_err(|source| TelemetryError::Folder { dir: name(), source })?;
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("detections")
        .filename_suffix("log")
        .max_log_files(KEPT_FILES)
        .build(dir)
        .map_err(|source| TelemetryError::File { dir: name(), source })
}

fn line_layer<S, W>(format: LogFormat, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(writer).with_ansi(false);
    match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
    }
}

/// The program survives a panic in a request, so the log is the only place that tells of it.
fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("not a text");
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(message, location, "panic");
}
