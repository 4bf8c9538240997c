//! Videos that are none, or have nothing to show; what needs ffmpeg to be made.

use anyhow::{Result, ensure};
use detections_e2e::{
    events::Events,
    footage::{Container, Footage},
};

use super::{TARGET, post, quick_server, read};

#[test]
fn what_has_no_frame_is_refused_and_what_is_cut_is_told_as_far_as_it_goes() -> Result<()> {
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let server = quick_server(&[])?;
    let sound = ["-f", "lavfi", "-i", "sine=duration=1"];
    let refused = [
        ("sound in a sound file", footage.bytes("sound.m4a", &sound)?, 415, "not a video"),
        ("sound in MP4", footage.bytes("sound.mp4", &sound)?, 422, "no video stream"),
        ("sound in Matroska", footage.bytes("sound.mka", &sound)?, 422, "no video stream"),
        ("an index without frames", header_only(&footage)?, 422, ""),
        ("an index that never comes", index_cut(&footage)?, 422, ""),
    ];
    for (name, video, status, says) in refused {
        let answer = post(&server, TARGET, &[], &video)?;
        ensure!(answer.status == status, "{name}: {}: {}", answer.status, answer.text());
        ensure!(answer.text().contains(says), "{name}: {}", answer.text());
    }
    for container in Container::PROGRESSIVE {
        let mut video = read(&footage.in_container(container)?)?;
        video.truncate(video.len() / 2);
        let events = Events::of(&post(&server, TARGET, &[], &video)?)?;
        let frames = events.frames()?.len();
        ensure!((100..370).contains(&frames), "half of {}: {frames} frames", container.name());
    }
    Ok(())
}

/// A fragmented MP4 of nothing but its header.
fn header_only(footage: &Footage) -> Result<Vec<u8>> {
    let mut video = read(&footage.in_container(Container::Fragmented)?)?;
    let fragment = video.windows(4).position(|bytes| bytes == b"moof");
    video.truncate(fragment.map_or(1000, |position| position.saturating_sub(4)));
    Ok(video)
}

/// A moov-last MP4 without its index.
fn index_cut(footage: &Footage) -> Result<Vec<u8>> {
    let mut video = read(&footage.in_container(Container::MoovLast)?)?;
    video.truncate(video.len() / 2);
    Ok(video)
}
