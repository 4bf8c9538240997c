//! The command line as it is written: subcommands and flags, nothing yet checked against each other.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use detections_frames::Sampling;
use detections_infer::{Overlap, TileMerge};

use crate::{
    build_info,
    tiles::{self, Tile},
};

/// Object detection as a service and on the command line.
#[derive(Debug, Parser)]
#[command(name = "detections", version, long_version = build_info::summary(), propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: CommonArgs,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Where the help lists the flags that every subcommand takes.
const COMMON: &str = "Common options";

/// Flags that every subcommand takes; each one beats the configuration file and the environment.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct CommonArgs {
    /// Configuration file (TOML)
    #[arg(long, global = true, help_heading = COMMON, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Model file (.onnx) instead of the built-in one
    #[arg(long, global = true, help_heading = COMMON, value_name = "PATH")]
    pub(crate) model: Option<String>,
    /// Product classes (JSON) instead of the model's labels
    #[arg(long, global = true, help_heading = COMMON, value_name = "FILE")]
    pub(crate) classes: Option<String>,
    /// Tensor runtime: tract or candle
    #[arg(long, global = true, help_heading = COMMON, value_name = "NAME")]
    pub(crate) backend: Option<String>,
    /// Device: cpu or cuda:N
    #[arg(long, global = true, help_heading = COMMON, value_name = "DEVICE")]
    pub(crate) device: Option<String>,
    /// Threads that work at once; all processors when not given
    #[arg(long, global = true, help_heading = COMMON, value_name = "T")]
    pub(crate) threads: Option<String>,
}

/// What is to be done; serving when nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve detections over HTTP (the default)
    Serve(ServeArgs),
    /// Detect objects in pictures and videos
    Detect(DetectArgs),
    /// Look at model files
    Model {
        #[command(subcommand)]
        command: ModelCommand,
    },
    /// Measure one model on this machine
    Bench(BenchArgs),
    /// Look after results that wait for the Annotations service
    Outbox {
        #[command(subcommand)]
        command: OutboxCommand,
    },
    /// Make tokens for callers of the service
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Ask the service at the configured address whether it is healthy
    Health,
}

/// `detections outbox …`
#[derive(Debug, Subcommand)]
pub(crate) enum OutboxCommand {
    /// What waits, or what was given up
    List(OutboxListArgs),
    /// Let dead letters be tried again
    Replay(OutboxReplayArgs),
    /// Throw results away
    Purge(OutboxPurgeArgs),
}

/// `detections outbox list`
#[derive(Debug, Args)]
pub(crate) struct OutboxListArgs {
    /// Dead letters only
    #[arg(long)]
    pub(crate) dead: bool,
    /// One JSON object a line, also on a terminal
    #[arg(long)]
    pub(crate) json: bool,
}

/// `detections outbox replay`
#[derive(Debug, Args)]
#[group(required = true)]
pub(crate) struct OutboxReplayArgs {
    /// Numbers of dead letters, as `list --dead` shows them
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<u64>,
    /// All dead letters
    #[arg(long, conflicts_with = "ids")]
    pub(crate) all: bool,
}

/// `detections outbox purge`
#[derive(Debug, Args)]
pub(crate) struct OutboxPurgeArgs {
    /// All dead letters
    #[arg(long, required = true)]
    pub(crate) dead: bool,
}

/// `detections serve`
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ServeArgs {
    /// Address to listen on
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) bind: Option<String>,
}

/// `detections detect`
#[derive(Debug, Args)]
pub(crate) struct DetectArgs {
    /// Pictures, videos, and folders that are searched for them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// One JSON object a line, also on a terminal
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the pictures, and the videos as MP4, with their boxes drawn into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,
    /// Lowest confidence that is reported, 0..=1 [default: 0.25]
    #[arg(long, value_name = "X", allow_negative_numbers = true, aliases = ["conf", "min-confidence", "threshold"])]
    pub(crate) confidence: Option<String>,
    /// Overlap above which the weaker of two boxes is dropped, 0..=1 [default: 0.45]
    #[arg(long, value_name = "X", allow_negative_numbers = true, aliases = ["overlap", "iou-threshold"])]
    pub(crate) iou: Option<String>,
    /// Most detections reported for a picture or a frame [default: 300]
    #[arg(long, value_name = "N", alias = "max-det")]
    pub(crate) max_detections: Option<String>,
    /// Only these classes: names or ids, separated by commas
    #[arg(long, value_name = "CLASS", value_delimiter = ',', action = ArgAction::Append)]
    pub(crate) only: Vec<String>,
    /// Let boxes of different classes suppress each other
    #[arg(long)]
    pub(crate) agnostic_nms: bool,
    /// Tell the pixels of each object, where the model segments; only in JSON
    #[arg(long)]
    pub(crate) masks: bool,
    #[command(flatten)]
    pub(crate) tiles: TileArgs,
    /// Whether pictures are turned upright
    #[arg(long, value_enum, default_value_t = ExifArg::Apply)]
    pub(crate) exif: ExifArg,
    /// Which frames of a video are searched: all, every:N, fps:X or keyframes
    #[arg(long, value_name = "WHICH", default_value_t = Sampling::All)]
    pub(crate) frames: Sampling,
    /// Do not follow objects from frame to frame
    #[arg(long)]
    pub(crate) no_track: bool,
    /// Stop a video after so many searched frames
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_frames: Option<u64>,
}

/// How large pictures are cut.
#[derive(Debug, Default, Args)]
pub(crate) struct TileArgs {
    /// Search large pictures in overlapping tiles too: off, auto or WIDTHxHEIGHT
    #[arg(long, value_name = "TILE")]
    pub(crate) tile: Option<Tile>,
    /// Part of a tile's side that its neighbour shows too, 0..=0.9 [default: 0.2]
    #[arg(long, value_name = "X", requires = "tile", value_parser = tiles::overlap)]
    pub(crate) tile_overlap: Option<f32>,
    /// What becomes of an object that several tiles show: nmm or nms [default: nmm]
    #[arg(long, value_name = "HOW", requires = "tile", value_parser = tiles::merge)]
    pub(crate) tile_merge: Option<TileMerge>,
    /// By which overlap two boxes are one object: ios or iou [default: ios]
    #[arg(long, value_name = "HOW", requires = "tile", value_parser = tiles::measure)]
    pub(crate) tile_match: Option<Overlap>,
    /// Metres of ground for each pixel, for --tile auto
    #[arg(long, value_name = "METRES", requires = "tile", value_parser = tiles::metres)]
    pub(crate) gsd: Option<f32>,
}

/// What is done about a picture's EXIF orientation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExifArg {
    /// Turn the picture upright
    Apply,
    /// Take the pixels as they are stored
    Ignore,
}

/// `detections model …`
#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Metadata, signature, recognised head and why, labels, and what would be refused
    Inspect(InspectArgs),
}

/// `detections model inspect`
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The model file; the configured model when not given
    #[arg(value_name = "M.onnx")]
    pub(crate) file: Option<PathBuf>,
    /// One JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// `detections bench`
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Measured runs of each thread, after the warm-up
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) runs: u32,
    /// Images of one run, for a model that leaves it open [default: 1, or what the model fixes]
    #[arg(long, value_name = "B", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) batch: Option<u16>,
    /// Picture to measure with instead of a synthetic one
    #[arg(long, value_name = "FILE")]
    pub(crate) image: Option<PathBuf>,
    /// One JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// `detections token …`
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// A fresh random token, shown only now, and the entry that admits it
    New(TokenArgs),
}

/// `detections token new`
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// What the log calls its holder
    #[arg(long, value_name = "N")]
    pub(crate) name: String,
    /// What it allows: detect, jobs or admin; may be given several times
    #[arg(long, value_name = "SCOPE", required = true, value_delimiter = ',', action = ArgAction::Append,
          value_parser = ["detect", "jobs", "admin"])]
    pub(crate) scope: Vec<String>,
    /// When it ends, such as 2027-01-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<String>,
}
