//! Detection inside another program: reads a video from standard input, piece by piece, and prints what is
//! seen in each frame while the rest is still to come. Only the library crates are used, none of the service.

use std::{
    error::Error,
    io::{self, Read, Write},
    ops::ControlFlow,
    sync::Arc,
    thread,
};

use detections_classes::ClassMap;
use detections_frames::{VideoOptions, VideoSource};
use detections_infer::{Detector, DetectorOptions, Manifest, ManifestOptions};
use detections_infer_tract::TractModel;
use detections_models::ModelSource;
use detections_onnx::OnnxFile;
use detections_pipeline::{Event, Intake, VideoPipeline, VideoRequest, intake};
use detections_types::CancelToken;

/// Bytes that may wait for the decoder, and the most that a video may have.
const FEED_BYTES: usize = 1 << 20;
const MAX_BYTES: u64 = 8 << 30;

fn main() -> Result<(), Box<dyn Error>> {
    let pipeline = pipeline()?;
    let cancel = CancelToken::new();
    let (upload, arrivals, feed) = intake(FEED_BYTES, MAX_BYTES);
    thread::spawn(move || pour(io::stdin(), upload));
    let source = VideoSource::open_feed(feed, &VideoOptions::default(), cancel.clone())?;
    let mut print = |event| match tell(&event) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    Ok(pipeline.run(source, &arrivals, &VideoRequest::default(), &cancel, &mut print)?)
}

/// The built-in model on two worker threads, with its labels as classes.
fn pipeline() -> Result<VideoPipeline, Box<dyn Error>> {
    let file = OnnxFile::parse(&ModelSource::BuiltIn.fetch()?.bytes)?;
    let manifest = Manifest::resolve(file.description(), &ManifestOptions::default())?;
    let model = Arc::new(TractModel::load_with(&file, manifest.input, &manifest.fixed)?);
    let classes = Arc::new(ClassMap::identity().bind(manifest.labels())?);
    let options = DetectorOptions { workers: 2.try_into()?, queue_capacity: 8.try_into()? };
    let detector = Arc::new(Detector::spawn(model, manifest, options)?);
    Ok(VideoPipeline::new(detector, classes))
}

/// Gives all bytes to the decoder; without the last word the video counts as cut off.
fn pour(mut bytes: impl Read, mut upload: Intake) -> Result<(), Box<dyn Error + Send + Sync>> {
    loop {
        let mut chunk = vec![0; 64 << 10];
        match bytes.read(&mut chunk)? {
            0 => break,
            length => chunk.truncate(length),
        }
        upload.send_blocking(Box::new(chunk))?;
    }
    upload.finish();
    Ok(())
}

fn tell(event: &Event) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match event {
        Event::Start(info) => writeln!(out, "{} in {}", info.codec, info.container),
        Event::Frame(frame) => {
            write!(out, "{:?} after {} bytes:", frame.pts, frame.received_bytes)?;
            for found in &frame.detections {
                let track = found.track.map(|track| format!(" #{track}")).unwrap_or_default();
                let (class, score) = (&found.detection.class, found.detection.score.get());
                write!(out, " {class}{track} {score:.2}")?;
            }
            writeln!(out)
        }
        Event::Progress(_) => Ok(()),
        Event::Fault(fault) => writeln!(out, "damaged: {}", fault.error),
        Event::End(summary) => writeln!(out, "{summary:?}"),
    }
}
