//! What is told and when: events while the upload runs, in both spellings, of the frames that were
//! asked for.

use anyhow::{Context, Result, ensure};
use detections_e2e::{
    events::Events,
    footage::{Container, FRAMES, Footage},
    http::multipart,
    upload::{self, Pace, Upload},
};

use super::{TARGET, events, post, quick_server, read};

#[test]
fn frames_are_told_while_the_upload_runs() -> Result<()> {
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let server = quick_server(&[])?;
    let video = read(&footage.in_container(Container::TransportStream)?)?;
    let pace = Pace::BytesPerSecond(1_000_000);
    let upload = Upload { pace, ..Upload::to(TARGET) };
    let answer = upload::send(server.address(), &upload, video.as_slice())?;
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("application/x-ndjson"), "{:?}", answer.headers);
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
    let events = Events::of(&answer)?;
    let frames = events.frames()?;
    let length = u64::try_from(video.len())?;
    let first = frames.first().context("no frame")?;
    ensure!(first.sent < length / 5, "the first frame came after {} bytes", first.sent);
    let early = frames.iter().filter(|frame| frame.sent < length).count();
    ensure!(early * 2 > frames.len(), "only {early} frames before the last byte");
    Ok(())
}

#[test]
fn both_spellings_and_both_bodies_tell_the_same() -> Result<()> {
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let server = quick_server(&[])?;
    let video = read(&footage.in_container(Container::FastStart)?)?;
    let target = "/detect/video?confidence=0.5&frames=every:10";
    let lines = post(&server, target, &[], &video)?;
    let stream = post(&server, target, &[("Accept", "text/event-stream")], &video)?;
    assert!(
        stream.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"))
    );
    check_numbers(&stream.text())?;

    let config = br#"{"confidence":0.5,"frames":"every:10"}"#;
    let fields = [("config", None, &config[..]), ("file", Some("clip.mp4"), video.as_slice())];
    let (kind, form) = multipart(&fields);
    let form = post(&server, "/detect/video", &[("Content-Type", &kind)], &form)?;
    let expected = lasting(&lines)?;
    assert_eq!(expected.len(), 38);
    for other in [stream, form] {
        ensure!(lasting(&other)? == expected, "{}", other.text());
    }
    Ok(())
}

/// Events are numbered from the first on, without a gap.
fn check_numbers(text: &str) -> Result<()> {
    let numbers = text.lines().filter_map(|line| line.strip_prefix("id:"));
    let numbers: Vec<u64> =
        numbers.map(|number| number.trim().parse()).collect::<Result<_, _>>()?;
    let first = *numbers.first().context("no number")?;
    let whole = (first..).zip(&numbers).all(|(due, &number)| due == number);
    ensure!(whole, "{numbers:?}");
    Ok(())
}

/// Index, time and detections of all frames: what does not depend on when they were told.
fn lasting(answer: &upload::Answer) -> Result<Vec<String>> {
    let events = Events::of(answer)?;
    let frames = events.frames()?;
    Ok(frames
        .iter()
        .map(|one| format!("{} {} {:?}", one.index, one.pts_ms, one.detections))
        .collect())
}

#[test]
fn the_frames_that_were_asked_for_are_searched() -> Result<()> {
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let server = quick_server(&[])?;
    let video = read(&footage.in_container(Container::Matroska)?)?;
    let indices = |wish: &str| -> Result<Vec<u64>> {
        let events = events(&server, &format!("{TARGET}&{wish}"), &video)?;
        ensure!(events.end()?["frames_inferred"] == events.frames()?.len(), "{}", events.end()?);
        Ok(events.frames()?.iter().map(|frame| frame.index).collect())
    };
    assert_eq!(indices("frames=every:100")?, [0, 100, 200, 300]);
    // 12.5 a second, 2.5 of which are wanted.
    assert_eq!(indices("frames=fps:2.5&max_frames=4")?, [0, 5, 10, 15]);
    assert_eq!(indices("max_frames=3")?, [0, 1, 2]);
    assert_eq!(indices("frames=all")?.len(), usize::try_from(FRAMES)?);
    let keyframes = indices("frames=keyframes")?;
    ensure!((2..40).contains(&keyframes.len()) && keyframes[0] == 0, "{keyframes:?}");
    Ok(())
}

#[test]
fn objects_are_followed_unless_that_is_not_wanted() -> Result<()> {
    let Some(footage) = Footage::open()? else { return Ok(()) };
    let server = quick_server(&[])?;
    let video = read(&footage.in_container(Container::FastStart)?)?;
    let told = |wish: &str| -> Result<(usize, usize)> {
        let target = format!("/detect/video?confidence=0.3&max_frames=20&{wish}");
        let events = events(&server, &target, &video)?;
        let frames = events.frames()?;
        let found = frames.iter().flat_map(|frame| frame.detections);
        let (followed, others): (Vec<_>, Vec<_>) = found.partition(|one| one["track_id"].is_u64());
        Ok((followed.len(), others.len()))
    };
    let (followed, others) = told("track=true")?;
    let (none, all) = told("track=false")?;
    assert_eq!((followed + others, none), (all, 0));
    assert!(followed > 0, "nothing was followed");
    Ok(())
}
