//! All settings of the program, put together from layers and checked as a whole: either a [`Config`]
//! that the program can run with, or a list of everything that is wrong with it.

mod access;
mod annotations;
mod data;
mod faults;
mod infer;
mod layers;
mod loader;
mod reader;
mod video;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use detections_infer::{HeadKind, LabelPolicy};
use detections_types::Score;
use tracing_subscriber::EnvFilter;

pub use self::{
    access::{AccessConfig, Forward, JwksConfig, JwtConfig},
    annotations::AnnotationsConfig,
    data::DataConfig,
    faults::{ConfigFaults, Fault},
    infer::{BackendName, InferConfig},
    layers::Overrides,
    loader::LoaderConfig,
    video::{JobsConfig, VideoConfig},
};
use self::{
    layers::Layers,
    reader::{Reader, choice, number},
};
use crate::tiles::metres;

/// Most detections that a request may ask for.
pub const MAX_DETECTIONS: usize = 10_000;

/// Settings that the program can run with.
#[derive(Debug, Clone)]
pub struct Config {
    /// The HTTP server.
    pub server: ServerConfig,
    /// Which model is loaded and how it is read.
    pub model: ModelConfig,
    /// The product's classes.
    pub classes: ClassesConfig,
    /// How much of the machine inference may use, and by what.
    pub infer: InferConfig,
    /// What is too large to be decoded.
    pub limits: LimitsConfig,
    /// What holds for a request that does not say otherwise.
    pub detect: DetectConfig,
    /// Videos, their admission and what is kept of them.
    pub video: VideoConfig,
    /// Jobs that can be asked for by name.
    pub jobs: JobsConfig,
    /// The Loader of models and class maps.
    pub loader: LoaderConfig,
    /// Where the program keeps what survives its end.
    pub data: DataConfig,
    /// Results that go to the Annotations service.
    pub annotations: AnnotationsConfig,
    /// What is logged, how and where.
    pub log: LogConfig,
    /// Who may call; none lets everybody in.
    pub access: Option<AccessConfig>,
}

/// The HTTP server and its admission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// `host:port` to listen on; port 0 lets the system choose.
    pub bind: String,
    /// `host:port` of a second port for those who look after the service.
    pub management_bind: Option<String>,
    /// Threads that speak HTTP; they neither decode nor infer.
    pub workers: usize,
    /// Largest request body.
    pub max_body_bytes: u64,
    /// Most pictures that are being received, waiting or worked on.
    pub max_in_flight: usize,
    /// Most bytes that the bodies of those pictures may take together.
    pub max_in_flight_bytes: u64,
    /// After how long a request is given up; also the most that it may ask for.
    pub timeout: Duration,
    /// After how long without a byte a client counts as stalled.
    pub client_timeout: Duration,
    /// How long a stopping server waits for what is in flight.
    pub shutdown_grace: Duration,
}

/// Which model is loaded and how it is read.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// The model file; with no name either, it is the built-in model.
    pub path: Option<PathBuf>,
    /// What the Loader calls the model.
    pub name: Option<String>,
    /// The output layout, where it shall not be recognised.
    pub head: Option<HeadKind>,
    /// What happens when the file names more or fewer classes than its head has.
    pub labels: LabelPolicy,
    /// The input size, where the model leaves it open.
    pub input_size: Option<InputSize>,
    /// How many metres of ground a pixel showed in the model's training, where that is known.
    pub gsd: Option<f32>,
}

/// The size of a model's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputSize {
    /// Columns in model pixels.
    pub width: usize,
    /// Rows in model pixels.
    pub height: usize,
}

/// The product's classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassesConfig {
    /// The class map; with no name either, the model's labels are taken as they are.
    pub path: Option<PathBuf>,
    /// What the Loader calls the class map.
    pub name: Option<String>,
}

/// What is too large to be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Most pixels of a picture.
    pub max_pixels: u64,
    /// Most memory that the decoding of one picture may take.
    pub max_decoded_bytes: u64,
}

/// What holds for a request that does not say otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectConfig {
    /// Lowest confidence that is reported.
    pub confidence: Score,
    /// Overlap above which the weaker of two boxes is dropped.
    pub iou: f32,
    /// Most detections that are reported.
    pub max_detections: usize,
}

/// What is logged, how and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// Directives of `tracing-subscriber`, for example `info,detections=debug`.
    pub filter: String,
    /// How a line looks.
    pub format: LogFormat,
    /// Folder of daily files; none logs to standard error only.
    pub dir: Option<PathBuf>,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Puts the layers together, later ones over earlier ones: compiled-in defaults, `file`, the
    /// variables `DETECTIONS__SECTION__KEY` of `env`, its plain names such as `MODEL`, and `flags`.
    ///
    /// # Errors
    /// [`ConfigFaults`] lists everything that is wrong in any layer.
    pub fn load(
        file: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
        flags: &Overrides,
    ) -> Result<Self, ConfigFaults> {
        let (values, faults) = Layers::default().file(file).env(env).flags(flags).merge();
        let mut reader = Reader::new(values, faults);
        let config = Self::read(&mut reader);
        config.check_together(&mut reader);
        reader.finish()?;
        Ok(config)
    }

    fn read(reader: &mut Reader) -> Self {
        Self {
            server: ServerConfig::read(reader),
            model: ModelConfig::read(reader),
            classes: ClassesConfig {
                path: reader.path("classes.path"),
                name: reader.optional("classes.name", loader_name),
            },
            infer: InferConfig::read(reader),
            limits: LimitsConfig::read(reader),
            detect: DetectConfig::read(reader),
            video: VideoConfig::read(reader),
            jobs: JobsConfig::read(reader),
            loader: LoaderConfig::read(reader),
            data: DataConfig::read(reader),
            annotations: AnnotationsConfig::read(reader),
            log: LogConfig::read(reader),
            access: AccessConfig::read(reader),
        }
    }

    fn check_together(&self, reader: &mut Reader) {
        self.loader.check(&self.model, &self.classes, reader);
        self.infer.check(reader);
        if let Some(access) = &self.access {
            access.check(&self.loader, &self.annotations, reader);
        }
        let server = &self.server;
        if server.max_in_flight_bytes < server.max_body_bytes {
            let problem = format!(
                "{} is less than server.max_body_bytes ({}), so the largest body could never be admitted",
                server.max_in_flight_bytes, server.max_body_bytes
            );
            reader.fault("server.max_in_flight_bytes", problem);
        }
        let is_fixed = !server.bind.ends_with(":0");
        if is_fixed && server.management_bind.as_ref() == Some(&server.bind) {
            reader.fault("server.management_bind", "is the same as server.bind".to_owned());
        }
    }
}

impl ServerConfig {
    fn read(reader: &mut Reader) -> Self {
        const MIB: u64 = 1 << 20;
        Self {
            bind: reader.get("server.bind", "127.0.0.1:8080".into(), host_and_port),
            management_bind: reader.optional("server.management_bind", host_and_port),
            workers: reader.get("server.workers", 2, number(1..=64)),
            max_body_bytes: reader.get("server.max_body_bytes", 32 * MIB, number(1..=1 << 40)),
            max_in_flight: reader.get("server.max_in_flight", 64, number(1..=65_536)),
            max_in_flight_bytes: reader.get(
                "server.max_in_flight_bytes",
                256 * MIB,
                number(1..=1 << 40),
            ),
            timeout: reader.millis("server.timeout_ms", 30_000),
            client_timeout: reader.millis("server.client_timeout_ms", 10_000),
            shutdown_grace: reader.millis("server.shutdown_grace_ms", 8_000),
        }
    }
}

impl ModelConfig {
    fn read(reader: &mut Reader) -> Self {
        let labels = [("strict", LabelPolicy::Strict), ("fit", LabelPolicy::Fit)];
        Self {
            path: reader.path("model.path"),
            head: reader.optional("model.head", str::parse),
            name: reader.optional("model.name", loader_name),
            input_size: reader.optional("model.input_size", input_size),
            gsd: reader.optional("model.gsd", metres),
            labels: reader.get("model.labels", LabelPolicy::Strict, choice(labels)),
        }
    }
}

impl LimitsConfig {
    fn read(reader: &mut Reader) -> Self {
        Self {
            max_pixels: reader.get("limits.max_pixels", 100_000_000, number(1..=1 << 32)),
            max_decoded_bytes: reader.get("limits.max_decoded_bytes", 1 << 30, number(1..=1 << 40)),
        }
    }
}

impl DetectConfig {
    fn read(reader: &mut Reader) -> Self {
        let quarter = Score::clamped(0.25).unwrap_or(Score::ZERO);
        Self {
            confidence: reader.get("detect.confidence", quarter, confidence),
            iou: reader.get("detect.iou", 0.45, number(0.0..=1.0)),
            max_detections: reader.get("detect.max_detections", 300, number(1..=MAX_DETECTIONS)),
        }
    }
}

impl LogConfig {
    fn read(reader: &mut Reader) -> Self {
        let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        Self {
            filter: reader.get("log.filter", "info".into(), log_filter),
            format: reader.get("log.format", LogFormat::Text, choice(formats)),
            dir: reader.path("log.dir"),
        }
    }
}

fn loader_name(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.len() <= 200 && !matches!(text, "." | "..");
    if fits { Ok(text.to_owned()) } else { Err("must be a name of at most 200 bytes".to_owned()) }
}

fn confidence(text: &str) -> Result<Score, String> {
    let value: f32 = number(0.0..=1.0)(text)?;
    Score::new(value).ok_or_else(|| "not within 0..=1".to_owned())
}

fn host_and_port(text: &str) -> Result<String, String> {
    let valid = text
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    let ambiguous = text.matches(':').count() > 1 && !text.starts_with('[');
    if valid && !ambiguous {
        Ok(text.to_owned())
    } else {
        Err("not host:port, such as 0.0.0.0:8080 or [::1]:8080".to_owned())
    }
}

fn input_size(text: &str) -> Result<InputSize, String> {
    let side = number(1..=16_384);
    let (width, height) = text.split_once('x').unwrap_or((text, text));
    match (side(width), side(height)) {
        (Ok(width), Ok(height)) => Ok(InputSize { width, height }),
        _ => Err("not WIDTHxHEIGHT in pixels, such as 640x640".to_owned()),
    }
}

fn log_filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
