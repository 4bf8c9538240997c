//! Jobs over sockets: read, resumed and ended from other connections than the one that uploads.

use std::io::Write as _;

use super::super::process::Answer;
use super::{
    Coming, JOB, Program, closing, film, leave, nothing_in_flight, of_type, post, post_all,
    problem_code,
};

#[test]
fn a_job_is_read_from_another_connection_while_its_upload_runs() {
    let Some(film) = film() else { return };
    let program = Program::start(&[]);
    let half = film.len() * 2 / 3;
    let mut upload = post(&program, "async=true", film.len(), &format!("x-job-id: {JOB}\r\n"));
    upload.write_all(&film[..half]).unwrap();
    let path = format!("/jobs/{JOB}");
    program.wait_for(&path, |answer| {
        answer.status == 200 && String::from_utf8_lossy(&answer.body).contains("\"running\"")
    });
    let events = |more: &str| {
        let mut stream = program.connect();
        let accept = "accept: application/x-ndjson";
        write!(stream, "GET {path}/events HTTP/1.1\r\nhost: x\r\n{accept}\r\n{more}\r\n").unwrap();
        Coming::read(&stream)
    };
    let mut early = events("");
    assert_eq!(early.event()["type"], "start");
    let mut asked = program.connect();
    write!(asked, "HEAD {path}/events HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let heading = Answer::read(&mut asked);
    assert_eq!(heading.status, 200, "{}", heading.head);
    assert!(heading.head.contains("text/event-stream"), "{}", heading.head);

    let twin = post_all(&program, "", film, &format!("x-job-id: {JOB}\r\n"));
    assert_eq!((twin.status, problem_code(twin)), (409, "job_exists".to_owned()));

    upload.write_all(&film[half..]).unwrap();
    let accepted = Answer::read(&mut upload);
    assert_eq!(accepted.status, 202, "{}", accepted.head);
    assert!(accepted.head.contains(&format!("location: {path}")), "{}", accepted.head);
    // The job outlives the connection that has sent all of it.
    leave(upload);
    let all = early.events();
    assert_eq!(of_type(&all, "frame").len(), 50);
    assert_eq!(closing(&all)["type"], "end");

    let resumed = events("last-event-id: 3\r\n").events();
    assert_eq!(resumed[..], all[2..]);
    let nothing_more = events(&format!("last-event-id: {}\r\n", all.len() + 1));
    assert_eq!(nothing_more.status, 204);
    let ahead = events("last-event-id: 100000\r\n");
    assert_eq!((ahead.status, problem_code(ahead)), (400, "invalid_last_event_id".to_owned()));
    assert!(String::from_utf8_lossy(&program.get(&path).body).contains("\"done\""));

    assert_eq!(delete(&program, &path).status, 204);
    assert_eq!(program.get(&path).status, 404);
}

fn delete(program: &Program, path: &str) -> Answer {
    let mut stream = program.connect();
    write!(stream, "DELETE {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    Answer::read(&mut stream)
}

#[test]
fn a_job_can_be_ended_and_ends_with_its_client() {
    let Some(film) = film() else { return };
    let program = Program::start(&[]);
    let path = format!("/jobs/{JOB}");
    let named = format!("x-job-id: {JOB}\r\n");
    let mut stream = post(&program, "", film.len(), &named);
    stream.write_all(&film[..film.len() * 2 / 3]).unwrap();
    let mut coming = Coming::read(&stream);
    assert_eq!(coming.event()["type"], "start");
    let ended = delete(&program, &path);
    assert_eq!(ended.status, 200);
    assert!(String::from_utf8_lossy(&ended.body).contains("\"cancelled\""), "{ended:?}");
    leave(stream);
    assert_eq!(delete(&program, &path).status, 204);

    let mut stream = post(&program, "", film.len(), &named);
    stream.write_all(&film[..film.len() * 2 / 3]).unwrap();
    program.wait_for(&path, |answer| answer.status == 200);
    leave(stream);
    nothing_in_flight(&program);
    let state = program.get(&path);
    assert!(String::from_utf8_lossy(&state.body).contains("\"client_gone\""), "{state:?}");
}
