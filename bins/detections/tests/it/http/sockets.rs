//! Slow, rude and vanishing clients, and the end of the service.

use std::io::{ErrorKind, Read, Write};

use super::{
    fixture::picture,
    process::{Answer, Program, announce, leave},
};

const MIB: usize = 1 << 20;

#[test]
fn a_client_that_stalls_is_told_408() {
    let program = Program::start(&[("DETECTIONS__SERVER__CLIENT_TIMEOUT_MS", "1000")]);
    let mut stream = program.connect();
    announce(&mut stream, 1000, "");
    stream.write_all(b"only a few bytes").unwrap();
    let answer = Answer::read(&mut stream);
    assert_eq!((answer.status, answer.code().as_str()), (408, "client_stalled"));
    let metrics = program.get("/metrics");
    assert!(String::from_utf8(metrics.body).unwrap().contains("detections_in_flight_items 0"));
}

#[test]
fn a_client_that_drips_is_held_no_longer_than_the_deadline() {
    let program = Program::start(&[("DETECTIONS__SERVER__TIMEOUT_MS", "300")]);
    let mut stream = program.connect();
    announce(&mut stream, 32 * MIB, "");
    let mut dripping = stream.try_clone().unwrap();
    let drip = std::thread::spawn(move || while dripping.write_all(b"x").is_ok() {});
    // Bytes arrive all the time, so only the deadline can end this.
    let answer = Answer::read(&mut stream);
    assert_eq!((answer.status, answer.code().as_str()), (408, "client_stalled"));
    leave(stream);
    drip.join().unwrap();
}

#[test]
fn clients_that_send_on_after_a_refusal_still_see_it() {
    let program = Program::start(&[("DETECTIONS__SERVER__MAX_BODY_BYTES", "1000")]);
    let body = vec![b'x'; 8 * MIB];
    for more in ["", "expect: 100-continue\r\n"] {
        let mut stream = program.connect();
        announce(&mut stream, body.len(), more);
        // The whole body is sent before the answer is read, as simple clients do.
        stream.write_all(&body).unwrap();
        let answer = Answer::read(&mut stream);
        assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));
        assert!(answer.head.contains("connection: close"), "{}", answer.head);
    }
}

#[test]
fn a_chunked_body_is_cut_off_at_the_limit() {
    let program = Program::start(&[("DETECTIONS__SERVER__MAX_BODY_BYTES", "100000")]);
    let mut stream = program.connect();
    let head = "POST /detect HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = [b"10000\r\n".as_slice(), &[b'x'; 65_536], b"\r\n"].concat();
    for _ in 0..4 {
        stream.write_all(&chunk).unwrap();
    }
    let answer = Answer::read(&mut stream);
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));
}

#[test]
fn a_client_that_goes_away_frees_its_place() {
    let program = Program::start(&[("DETECTIONS__SERVER__MAX_IN_FLIGHT", "1")]);
    let body = picture("large_harbour.jpg");
    let mut whole = program.connect();
    announce(&mut whole, body.len(), "");
    whole.write_all(&body).unwrap();
    leave(whole);
    let mut half = program.connect();
    announce(&mut half, body.len(), "");
    half.write_all(&body[..100]).unwrap();
    leave(half);
    program.wait_for("/metrics", |answer| {
        String::from_utf8_lossy(&answer.body).contains("detections_in_flight_items 0\n")
    });
    let mut stream = program.connect();
    announce(&mut stream, body.len(), "");
    stream.write_all(&body).unwrap();
    assert_eq!(Answer::read(&mut stream).status, 200);
}

#[test]
fn a_connection_is_kept_for_the_next_picture() {
    let program = Program::start(&[]);
    let body = picture("town.jpg");
    let mut stream = program.connect();
    for _ in 0..3 {
        announce(&mut stream, body.len(), "expect: 100-continue\r\n");
        stream.write_all(&body).unwrap();
        assert_eq!(Answer::read(&mut stream).status, 200);
    }
}

#[test]
fn what_is_inside_is_finished_before_the_end() {
    for signal in ["TERM", "INT"] {
        let program = Program::start(&[]);
        let body = picture("town.jpg");
        let mut inside = program.connect();
        announce(&mut inside, body.len(), "");
        inside.write_all(&body[..100]).unwrap();
        program.wait_for("/metrics", |answer| {
            String::from_utf8_lossy(&answer.body).contains("detections_in_flight_items 1\n")
        });

        program.signal(signal);
        let refused = program.wait_for("/health/ready", |answer| answer.status == 503);
        assert_eq!(refused.code(), "draining");
        assert!(refused.head.contains("retry-after: "), "{}", refused.head);

        inside.write_all(&body[100..]).unwrap();
        assert_eq!(Answer::read(&mut inside).status, 200);
        let (status, log) = program.end();
        assert_eq!(status.code(), Some(0), "{log}");
    }
}

#[test]
fn the_grace_period_ends_even_where_work_does_not() {
    let program = Program::start(&[("DETECTIONS__SERVER__SHUTDOWN_GRACE_MS", "100")]);
    let mut inside = program.connect();
    announce(&mut inside, 1000, "");
    program.wait_for("/metrics", |answer| {
        String::from_utf8_lossy(&answer.body).contains("detections_in_flight_items 1\n")
    });
    program.signal("TERM");
    let (status, log) = program.end();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("1 pictures and videos still in flight"), "{log}");
    let cut = inside.read(&mut [0; 1]);
    assert!(
        matches!(&cut, Ok(0)) || cut.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
    );
}

#[test]
fn every_line_of_a_request_carries_its_id() {
    let program = Program::start(&[]);
    let mut stream = program.connect();
    announce(&mut stream, 0, "x-request-id: find-me\r\n");
    assert_eq!(Answer::read(&mut stream).status, 400);
    program.signal("TERM");
    let (_, log) = program.end();
    let line = log.lines().find(|line| line.contains("find-me")).unwrap();
    for part in ["\"method\":\"POST\"", "\"path\":\"/detect\"", "\"status\":400"] {
        assert!(line.contains(part), "{line}");
    }
}
