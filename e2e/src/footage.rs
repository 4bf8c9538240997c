//! Videos to send, made by ffmpeg in a folder that goes with the test: one piece of footage in every
//! container, and small clips of every codec.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::shared::{is_installed, shared, skipped};

/// Frames of the footage.
pub const FRAMES: u64 = 377;
/// From one frame of the footage to the next.
pub const STEP_MS: f64 = 80.0;

/// The file beside the checkout that is the footage, where it is there.
const RECORDED: &str = "media/car-detection.mp4";

/// Draws the footage where it is not: as many frames, as far apart, of the same size.
const DRAWN: [&str; 10] = [
    "-f",
    "lavfi",
    "-i",
    "testsrc2=size=768x432:rate=12.5:duration=30.16",
    "-c:v",
    "libx264",
    "-profile:v",
    "baseline",
    "-pix_fmt",
    "yuv420p",
];

/// A container that the footage is put into as it is, without being encoded again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// MP4 whose index comes first.
    FastStart,
    /// MP4 whose index comes last, so that nothing can be decoded before all of it is there.
    MoovLast,
    /// MP4 in fragments.
    Fragmented,
    /// QuickTime.
    QuickTime,
    /// Matroska.
    Matroska,
    /// MPEG transport stream.
    TransportStream,
    /// H.264 in Annex B, without any container.
    RawH264,
}

impl Container {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::FastStart,
        Self::MoovLast,
        Self::Fragmented,
        Self::QuickTime,
        Self::Matroska,
        Self::TransportStream,
        Self::RawH264,
    ];
    /// Those that can be decoded while they arrive, and that the pace of an upload is measured with.
    pub const PROGRESSIVE: [Self; 5] =
        [Self::FastStart, Self::Fragmented, Self::Matroska, Self::TransportStream, Self::RawH264];

    /// What a table calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FastStart => "fast-start MP4",
            Self::MoovLast => "moov-last MP4",
            Self::Fragmented => "fragmented MP4",
            Self::QuickTime => "QuickTime",
            Self::Matroska => "Matroska",
            Self::TransportStream => "MPEG-TS",
            Self::RawH264 => "raw H.264",
        }
    }

    /// A file name, and what ffmpeg is told.
    const fn recipe(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::FastStart => ("fast.mp4", &["-movflags", "+faststart"]),
            Self::MoovLast => ("last.mp4", &[]),
            Self::Fragmented => {
                ("fragments.mp4", &["-movflags", "+frag_keyframe+empty_moov+default_base_moof"])
            }
            Self::QuickTime => ("film.mov", &["-movflags", "+faststart"]),
            Self::Matroska => ("film.mkv", &[]),
            Self::TransportStream => ("film.ts", &["-f", "mpegts"]),
            Self::RawH264 => ("film.h264", &["-f", "h264"]),
        }
    }
}

/// A folder of videos, with the footage that they are made of.
#[derive(Debug)]
pub struct Footage {
    folder: TempDir,
    original: PathBuf,
    recorded: bool,
}

impl Footage {
    /// The footage; `None`, with a word about it, where ffmpeg is not installed.
    ///
    /// # Errors
    /// When ffmpeg cannot draw it.
    pub fn open() -> Result<Option<Self>> {
        if !is_installed("ffmpeg") {
            skipped("ffmpeg is not installed");
            return Ok(None);
        }
        let folder = tempfile::tempdir().context("a folder for videos")?;
        let recorded = shared(RECORDED);
        let original = recorded.clone().unwrap_or_else(|| folder.path().join("drawn.mp4"));
        let footage = Self { folder, original, recorded: recorded.is_some() };
        if !footage.recorded {
            footage.make("drawn.mp4", &DRAWN)?;
        }
        Ok(Some(footage))
    }

    /// Whether it is the recorded footage, of which reference detections are kept.
    #[must_use]
    pub const fn is_recorded(&self) -> bool {
        self.recorded
    }

    /// The footage as it is.
    #[must_use]
    pub fn original(&self) -> &Path {
        &self.original
    }

    /// The footage in another container, without its sound.
    ///
    /// # Errors
    /// When ffmpeg fails.
    pub fn in_container(&self, container: Container) -> Result<PathBuf> {
        let (name, recipe) = container.recipe();
        self.from_footage(name, &[&["-an", "-c", "copy"], recipe].concat())
    }

    /// A file made from the footage; `arguments` stand between input and output.
    ///
    /// # Errors
    /// When ffmpeg fails.
    pub fn from_footage(&self, name: &str, arguments: &[&str]) -> Result<PathBuf> {
        let original = self.original.to_string_lossy();
        self.make(name, &[&["-i", &original], arguments].concat())
    }

    /// A file made by ffmpeg; inputs are among `arguments`.
    ///
    /// # Errors
    /// What ffmpeg says.
    pub fn make(&self, name: &str, arguments: &[&str]) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        let mut ffmpeg = ffmpeg();
        let output = ffmpeg.arg("-y").args(arguments).arg(&path).output();
        let output = output.context("starting ffmpeg")?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "ffmpeg cannot make {name}: {words}");
        Ok(path)
    }

    /// Where a file of this name lies, or would.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    /// How many frames are whole when a quarter, half, three quarters and all of their bytes are there;
    /// containers that hold the footage as it is add little to them.
    ///
    /// # Errors
    /// When ffprobe fails.
    pub fn frames_by_quarter(&self) -> Result<[u64; 4]> {
        let mut ffprobe = Command::new("ffprobe");
        ffprobe.args(["-v", "error", "-select_streams", "v", "-show_entries", "packet=size"]);
        let output = ffprobe.args(["-of", "csv=p=0"]).arg(&self.original).output();
        let text = String::from_utf8(output.context("starting ffprobe")?.stdout)?;
        let sizes = text.split_whitespace().map(|size| size.trim_matches(',').parse::<u64>());
        let sizes = sizes.collect::<Result<Vec<_>, _>>().context("sizes of packets")?;
        let all: u64 = sizes.iter().sum();
        let whole = |quarter: u64| {
            let mut there = 0;
            let frames = sizes.iter().take_while(|&size| {
                there += size;
                there * 4 <= all * quarter
            });
            u64::try_from(frames.count())
        };
        Ok([whole(1)?, whole(2)?, whole(3)?, whole(4)?])
    }

    /// A file made by ffmpeg, as bytes.
    ///
    /// # Errors
    /// As for [`Footage::make`].
    pub fn bytes(&self, name: &str, arguments: &[&str]) -> Result<Vec<u8>> {
        let path = self.make(name, arguments)?;
        fs::read(&path).with_context(|| path.display().to_string())
    }

    /// A file of the footage played over and over without an end, as a stream of bytes.
    ///
    /// # Errors
    /// When ffmpeg cannot be started.
    pub fn endless(&self, file: &Path, container: Container) -> Result<Endless> {
        let (_, recipe) = container.recipe();
        let format = if container == Container::Matroska { "matroska" } else { "mpegts" };
        let mut ffmpeg = ffmpeg();
        ffmpeg.args(["-stream_loop", "-1", "-i"]).arg(file).args(["-an", "-c", "copy"]);
        ffmpeg.args(recipe).args(["-f", format, "pipe:1"]).stdout(Stdio::piped());
        Ok(Endless(ffmpeg.spawn().context("starting ffmpeg")?))
    }
}

/// A video that does not end before its reader goes.
#[derive(Debug)]
pub struct Endless(Child);

impl std::io::Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.stdout.as_mut().map_or(Ok(0), |bytes| bytes.read(buffer))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        // It ends by itself when nobody reads; this is only sooner.
        self.0.kill().and_then(|()| self.0.wait()).ok();
    }
}

fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error"]).stdin(Stdio::null()).stderr(Stdio::piped());
    command
}
