//! Videos over sockets: events while the upload runs, jobs, and the ways in which both go wrong.

mod faults;
mod jobs;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::Command,
    sync::OnceLock,
    thread,
};

use serde_json::Value;

use super::process::{Program, leave};

const JOB: &str = "6f0a1c1e-0f5e-4c07-9a54-0d9b5a3f4b11";

/// A film of 50 frames in 5 seconds whose index comes first; `None` where ffmpeg is missing.
fn film() -> Option<&'static [u8]> {
    static FILM: OnceLock<Option<Vec<u8>>> = OnceLock::new();
    FILM.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("film.mkv");
        let made = make(&path, &["-c:v", "libx264", "-g", "10"]);
        made.then(|| std::fs::read(&path).unwrap())
    })
    .as_deref()
}

fn make(path: &Path, codec: &[&str]) -> bool {
    let source = ["-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=10:duration=5"];
    let made = Command::new("ffmpeg").args(source).args(codec).arg(path).status();
    let made = made.is_ok_and(|status| status.success());
    if !made {
        writeln!(std::io::stderr(), "skipped: ffmpeg makes no film here").ok();
    }
    made
}

/// A response that is read while it comes.
struct Coming {
    status: u16,
    head: String,
    body: BufReader<TcpStream>,
}

impl Coming {
    fn read(stream: &TcpStream) -> Self {
        let mut body = BufReader::new(stream.try_clone().unwrap());
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert!(body.read_line(&mut head).unwrap() > 0, "cut in the head: {head}");
            }
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            if status >= 200 {
                return Self { status, head: head.to_ascii_lowercase(), body };
            }
        }
    }

    /// The next chunk of the body; `None` at its end.
    fn chunk(&mut self) -> Option<String> {
        let mut length = String::new();
        self.body.read_line(&mut length).unwrap();
        let length = usize::from_str_radix(length.trim(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        self.body.read_exact(&mut chunk).unwrap();
        chunk.truncate(length);
        (length > 0).then(|| String::from_utf8(chunk).unwrap())
    }

    fn event(&mut self) -> Value {
        serde_json::from_str(&self.chunk().unwrap()).unwrap()
    }

    /// All events to the end of the body.
    fn events(&mut self) -> Vec<Value> {
        let mut text = String::new();
        while let Some(chunk) = self.chunk() {
            text.push_str(&chunk);
        }
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn of_type<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["type"] == kind).collect()
}

/// Exactly one event closes a stream, and it is the last one.
#[track_caller]
fn closing(events: &[Value]) -> &Value {
    let closes = |event: &&Value| event["type"] == "end" || event["fatal"] == true;
    assert_eq!(events.iter().filter(closes).count(), 1, "{events:?}");
    let last = events.last().unwrap();
    assert!(closes(&last), "{last}");
    last
}

fn post(program: &Program, query: &str, length: usize, more: &str) -> TcpStream {
    let mut stream = program.connect();
    let head = format!(
        "POST /detect/video?{query} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n{more}\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn post_all(program: &Program, query: &str, body: &[u8], more: &str) -> Coming {
    let mut stream = post(program, query, body.len(), more);
    // A refusal may come before all was sent.
    stream.write_all(body).ok();
    Coming::read(&stream)
}

fn problem_code(mut coming: Coming) -> String {
    let mut body = String::new();
    let length = coming.head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut bytes = vec![0; length.unwrap().trim().parse().unwrap()];
    coming.body.read_exact(&mut bytes).unwrap();
    body.push_str(&String::from_utf8(bytes).unwrap());
    let body: Value = serde_json::from_str(&body).unwrap();
    body["code"].as_str().unwrap().to_owned()
}

fn nothing_in_flight(program: &Program) {
    program.wait_for("/metrics", |answer| {
        String::from_utf8_lossy(&answer.body).contains("detections_videos_in_flight 0\n")
    });
}

#[test]
fn frames_come_while_the_upload_runs_with_a_length_and_chunked() {
    let Some(film) = film() else { return };
    let program = Program::start(&[]);
    let half = film.len() * 2 / 3;
    let mut stream = post(&program, "", film.len(), "expect: 100-continue\r\n");
    stream.write_all(&film[..half]).unwrap();
    let mut coming = Coming::read(&stream);
    assert_eq!(coming.status, 200, "{}", coming.head);
    for line in ["x-accel-buffering: no", "cache-control: no-store", "application/x-ndjson"] {
        assert!(coming.head.contains(line), "{}", coming.head);
    }
    assert_eq!(coming.event()["type"], "start");
    assert_eq!(coming.event()["type"], "frame");
    stream.write_all(&film[half..]).unwrap();
    let events = coming.events();
    let end = closing(&events);
    assert_eq!((&end["frames_decoded"], &end["frames_inferred"]), (&50.into(), &50.into()));
    assert_eq!(end["received_bytes"], film.len());
    assert_eq!(end["sha256"].as_str().unwrap().len(), 64);
    let indices: Vec<u64> =
        of_type(&events, "frame").iter().map(|frame| frame["index"].as_u64().unwrap()).collect();
    assert_eq!(indices, (1..50).collect::<Vec<u64>>());

    let mut stream = program.connect();
    let head = "POST /detect/video HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    for piece in film.chunks(5000) {
        write!(stream, "{:x}\r\n", piece.len()).unwrap();
        stream.write_all(piece).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let chunked = Coming::read(&stream).events();
    assert_eq!(closing(&chunked)["sha256"], end["sha256"]);
    nothing_in_flight(&program);
}

#[test]
fn a_form_has_its_config_first() {
    let Some(film) = film() else { return };
    let program = Program::start(&[]);
    let part = |name: &str, content: &[u8]| {
        let head = format!("--edge\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
        [head.as_bytes(), content, b"\r\n"].concat()
    };
    let more = "content-type: multipart/form-data; boundary=edge\r\n";
    let config = part("config", br#"{"max_frames": 3, "frames": "every:10"}"#);
    let body = [&config, &part("file", film)[..], b"--edge--\r\n"].concat();
    let events = post_all(&program, "", &body, more).events();
    assert_eq!(events[0]["params"]["frames"], "every:10");
    let indices: Vec<_> = of_type(&events, "frame").iter().map(|frame| &frame["index"]).collect();
    assert_eq!(indices, [0, 10, 20]);
    assert_eq!(closing(&events)["type"], "end");

    let body = [&part("file", film)[..], &config, b"--edge--\r\n"].concat();
    let mut late = post_all(&program, "", &body, more);
    let code = match late.status {
        200 => closing(&late.events())["code"].as_str().unwrap().to_owned(),
        status => {
            assert_eq!(status, 400);
            problem_code(late)
        }
    };
    assert_eq!(code, "config_after_file");
    // A job is answered after its upload, so that it always has the status of what went wrong there.
    let job = post_all(&program, "async=true", &body, more);
    assert_eq!(job.status, 400);
    assert_eq!(problem_code(job), "config_after_file");
    nothing_in_flight(&program);
}

#[test]
fn a_film_whose_index_comes_last_is_kept_on_disk_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.mp4");
    if !make(&path, &["-c:v", "libx264"]) {
        return;
    }
    let film = std::fs::read(&path).unwrap();
    let program =
        Program::start(&[("DETECTIONS__VIDEO__SPOOL_DIR", folder.path().to_str().unwrap())]);
    let events = post_all(&program, "frames=every:10", &film, "").events();
    assert_eq!(events[0]["video"]["progressive"], false);
    assert_eq!(closing(&events)["frames_decoded"], 50);
    let program = Program::start(&[("DETECTIONS__VIDEO__SPOOL_BYTES", "5000")]);
    let answer = post_all(&program, "", &film, "");
    assert_eq!((answer.status, problem_code(answer)), (422, "video_too_large".to_owned()));
}

#[test]
fn server_sent_events_are_numbered() {
    let Some(film) = film() else { return };
    let program = Program::start(&[]);
    let mut coming = post_all(&program, "max_frames=1", film, "accept: text/event-stream\r\n");
    assert!(coming.head.contains("content-type: text/event-stream"), "{}", coming.head);
    let mut text = String::new();
    while let Some(chunk) = coming.chunk() {
        text.push_str(&chunk);
    }
    let events: Vec<&str> = text.trim_end().split("\n\n").collect();
    for (index, (event, word)) in events.iter().zip(["start", "frame", "end"]).enumerate() {
        let head = format!("id: {}\nevent: {word}\ndata: {{\"type\":\"{word}\"", index + 1);
        assert!(event.starts_with(&head), "{event}");
    }
    assert_eq!(events.len(), 3, "{text}");
}

#[test]
fn what_cannot_be_searched_has_a_status_of_its_own() {
    let program = Program::start(&[("DETECTIONS__VIDEO__MAX_BODY_BYTES", "1000000")]);
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let broken = [&b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2"[..], &[7; 20_000]].concat();
    for (query, body, status, code) in [
        ("", &b"hello"[..], 415, "unsupported_media"),
        ("", png, 415, "unsupported_media"),
        ("", b"", 400, "empty_body"),
        ("frames=some", b"x", 400, "invalid_parameter"),
        ("exif=apply", b"x", 400, "unknown_parameter"),
        ("", &broken, 422, "undecodable"),
    ] {
        let answer = post_all(&program, query, body, "");
        assert_eq!(answer.status, status, "{code}: {}", answer.head);
        assert_eq!(problem_code(answer), code);
    }
    let announced = Coming::read(&post(&program, "", 1_000_001, ""));
    assert_eq!((announced.status, problem_code(announced)), (413, "body_too_large".to_owned()));
    let named = post_all(&program, "", b"x", "x-job-id: mine\r\n");
    assert_eq!((named.status, problem_code(named)), (400, "invalid_job_id".to_owned()));
    nothing_in_flight(&program);
}

#[test]
fn too_many_pixels_are_422_and_a_full_gate_is_429() {
    let Some(film) = film() else { return };
    let settings =
        [("DETECTIONS__LIMITS__MAX_PIXELS", "1000"), ("DETECTIONS__VIDEO__MAX_IN_FLIGHT", "1")];
    let program = Program::start(&settings);
    let answer = post_all(&program, "", film, "");
    assert_eq!((answer.status, problem_code(answer)), (422, "video_too_large".to_owned()));
    nothing_in_flight(&program);

    let _inside = post(&program, "", film.len(), "");
    program.wait_for("/metrics", |answer| {
        String::from_utf8_lossy(&answer.body).contains("detections_videos_in_flight 1\n")
    });
    let full = post_all(&program, "", film, "");
    assert!(full.head.contains("retry-after: "), "{}", full.head);
    assert_eq!((full.status, problem_code(full)), (429, "overloaded".to_owned()));
}

#[test]
fn a_client_that_sends_everything_first_gets_everything_from_disk() {
    let Some(film) = film() else { return };
    let program = Program::start(&[("DETECTIONS__VIDEO__EVENT_MEMORY_BYTES", "300")]);
    let mut stream = post(&program, "conf=0", film.len(), "");
    stream.write_all(film).unwrap();
    // All is done before the first byte of the answer is looked at.
    nothing_in_flight(&program);
    let events = Coming::read(&stream).events();
    assert_eq!(of_type(&events, "frame").len(), 50);
    assert_eq!(closing(&events)["type"], "end");
}

#[test]
fn events_that_nobody_reads_end_the_video_when_they_are_too_many() {
    let Some(film) = film() else { return };
    let settings = [
        ("DETECTIONS__VIDEO__EVENT_MEMORY_BYTES", "1000"),
        ("DETECTIONS__VIDEO__EVENT_SPOOL_BYTES", "1000"),
    ];
    let program = Program::start(&settings);
    // A job keeps all of its events.
    let named = format!("x-job-id: {JOB}\r\n");
    let events = post_all(&program, "", film, &named).events();
    assert_eq!(closing(&events)["code"], "events_overflow");
    nothing_in_flight(&program);
}

#[test]
fn clients_that_vanish_anywhere_leave_nothing() {
    let Some(film) = film() else { return };
    let program = Program::start(&[("DETECTIONS__VIDEO__MAX_IN_FLIGHT", "64")]);
    let senders: Vec<_> = (0..20)
        .map(|turn| {
            let mut stream = post(&program, "", film.len(), "");
            thread::spawn(move || {
                stream.write_all(&film[..film.len() * turn / 20]).ok();
                leave(stream);
            })
        })
        .collect();
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    nothing_in_flight(&program);
    assert_eq!(program.get("/health").status, 200);
    assert_eq!(post_all(&program, "max_frames=1", film, "").status, 200);
}

#[test]
fn a_client_that_stalls_and_a_deadline_that_passes_close_the_stream() {
    let Some(film) = film() else { return };
    let program = Program::start(&[("DETECTIONS__SERVER__CLIENT_TIMEOUT_MS", "1000")]);
    for (query, code) in [("", "client_stalled"), ("timeout_ms=700", "deadline_exceeded")] {
        let mut stream = post(&program, query, film.len(), "");
        stream.write_all(&film[..film.len() * 2 / 3]).unwrap();
        let events = Coming::read(&stream).events();
        assert_eq!(closing(&events)["code"], code);
    }
    nothing_in_flight(&program);
}

#[test]
fn the_end_of_the_service_ends_its_videos() {
    let Some(film) = film() else { return };
    let program = Program::start(&[]);
    let mut stream = post(&program, "", film.len(), "");
    stream.write_all(&film[..film.len() * 2 / 3]).unwrap();
    let mut coming = Coming::read(&stream);
    assert_eq!(coming.event()["type"], "start");
    program.signal("TERM");
    let events = coming.events();
    assert_eq!(closing(&events)["code"], "shutting_down");
    drop((stream, coming));
    let (status, log) = program.end();
    assert_eq!(status.code(), Some(0), "{log}");
}
