//! A client that sends everything before it reads anything, faster than the service can search.

use std::io::Read as _;

use anyhow::{Result, ensure};
use detections_e2e::{
    events::Events,
    footage::{Container, Footage},
    upload::{self, Framing, Reading, Upload},
};

use crate::{alone, check_health, real_model, say, serve, settle};

/// What is sent before the first byte is read.
const BYTES: u64 = 100_000_000;

/// Noise, of which every frame takes hundreds of kilobytes.
const NOISE: [&str; 16] = [
    "-f",
    "lavfi",
    "-i",
    "testsrc2=size=640x360:rate=25:duration=1",
    "-vf",
    "noise=alls=40:allf=t",
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-qp",
    "20",
    "-g",
    "1",
    "-pix_fmt",
    "yuv420p",
];

#[test]
fn a_client_that_sends_everything_before_it_reads_gets_everything() -> Result<()> {
    let _turn = alone();
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let noise = footage.make("noise.mp4", &NOISE)?;
    let server = serve(&real_model())?;
    // Hundreds of detections a frame, so that the answer does not fit into what sockets hold.
    let target = "/detect/video?confidence=0.0&iou=1.0&track=false";
    for framing in [Framing::Chunked, Framing::Length(BYTES)] {
        let upload = Upload { framing, reading: Reading::Afterwards, ..Upload::to(target) };
        let video = footage.endless(&noise, Container::TransportStream)?.take(BYTES);
        let answer = upload::send(server.address(), &upload, video)?;
        ensure!(answer.sent_all, "not every byte was taken: {:?}", answer.lines.last());
        let events = Events::of(&answer)?;
        let (frames, end) = (events.frames()?, events.end()?);
        ensure!(end["received_bytes"] == BYTES, "{end}");
        ensure!(end["frames_inferred"] == frames.len(), "{} frames, {end}", frames.len());
        let in_order = (0_u64..).zip(&frames).all(|(index, frame)| frame.index == index);
        ensure!(in_order, "frames are missing or out of order");
        let answered: usize = answer.lines.iter().map(|line| line.text.len()).sum();
        say(&format!("{framing:?}: {} frames, {answered} bytes of events, {end}", frames.len()));
        ensure!(answered > 8 << 20, "an answer of {answered} bytes shows nothing");
    }
    settle(&server, None)?;
    check_health(&server)
}
