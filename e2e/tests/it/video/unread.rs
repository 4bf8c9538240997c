//! A client that sends a video and never reads what is found in it.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use detections_e2e::{metrics, picture::fixture, process, server::Server, wait, wire};

const PATIENCE: Duration = Duration::from_secs(60);

/// The longest that a request may take here, and so the longest that a client may be deaf.
const LONGEST_MS: &str = "8000";

#[test]
fn what_is_kept_for_a_client_that_never_reads_is_let_go_of() -> Result<()> {
    let variables = [
        ("DETECTIONS__VIDEO__TIMEOUT_MS", LONGEST_MS),
        ("DETECTIONS__SERVER__TIMEOUT_MS", LONGEST_MS),
    ];
    let server = Server::start(&variables)?;
    let before = process::descriptor_count(server.pid()?)?;
    let mut stream = TcpStream::connect(server.address())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let video = fixture("media/traffic.mp4")?;
    // Hundreds of detections a frame, so that the answer does not fit into what sockets hold.
    let target = "/detect/video?confidence=0.0&iou=1.0&max_detections=1000&track=false";
    let length = video.len().to_string();
    stream.write_all(&wire::head("POST", target, &[("Content-Length", &length)]))?;
    stream.write_all(&video)?;
    wait::until("the end of the video", PATIENCE, || {
        let page = server.client().get("/metrics").ok()?.text();
        metrics::sum(&page, "detections_videos_ended_total", "").filter(|ended| *ended > 0.0)
    })?;
    let held = process::descriptor_count(server.pid()?)?;
    ensure!(held > before, "the connection was not waited for");
    wait::until("the end of the connection", PATIENCE, || {
        let now = process::descriptor_count(server.pid().ok()?).ok()?;
        // What decoded the video goes before the connection does.
        (now <= before).then_some(())
    })?;
    let mut rest = Vec::new();
    // Whether what is left ends or breaks off is up to the system.
    stream.read_to_end(&mut rest).ok();
    ensure!(!rest.is_empty(), "what was on its way is not lost");
    let told = String::from_utf8_lossy(&rest);
    ensure!(!told.contains("\"type\":\"end\""), "the whole answer fits into sockets");
    let health = server.client().get("/health")?.json()?;
    ensure!(health["status"] == "healthy", "{health}");
    let page = server.client().get("/metrics").context("metrics")?.text();
    ensure!(metrics::sum(&page, "detections_videos_in_flight", "") == Some(0.0), "{page}");
    Ok(())
}
