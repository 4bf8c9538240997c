//! A table of inputs that are wrong, each with the answer that it must get: status and code for
//! requests, exit code for runs of the command line, and what the message must say. Afterwards the
//! same server is as healthy as before and answers a good request as before.

mod given;
mod request_rows;
mod run_rows;

use std::time::Duration;

use anyhow::{Context, Result};
use detections_e2e::{metrics, server::Server, wait};

use self::given::{Request, Run, perform, run};
use crate::pictures::{NEARLY_EVERYTHING, town};

/// One wrong input and what must come of it.
struct Row<Given, Expected> {
    /// What is wrong.
    name: &'static str,
    given: Given,
    expected: Expected,
}

/// The answer to a wrong request.
enum Answer {
    /// A problem: its status, its code, and a part of what it says.
    Problem(u16, &'static str, &'static str),
    /// Refused by the HTTP parser, before there is a request that could have an answer of ours.
    Bare(u16),
    /// Nobody waits for one.
    Nobody,
}

/// The end of a wrong run: its exit code, and parts of what it says.
struct Exit(i32, &'static [&'static str]);

/// The settings of the server that all wrong requests go to.
const SETTINGS: [(&str, &str); 6] = [
    ("DETECTIONS__SERVER__MAX_BODY_BYTES", "1000000"),
    ("DETECTIONS__SERVER__CLIENT_TIMEOUT_MS", "700"),
    ("DETECTIONS__SERVER__TIMEOUT_MS", "20000"),
    ("DETECTIONS__LIMITS__MAX_PIXELS", "24000000"),
    ("DETECTIONS__INFER__THREADS", "1"),
    ("RUST_BACKTRACE", "1"),
];

/// Fewer rows than this and somebody emptied the table.
const AT_LEAST: usize = 40;

#[test]
fn every_bad_input_gets_its_answer_and_the_service_stays_as_it_was() -> Result<()> {
    let server = Server::start(&SETTINGS)?;
    let before = server.client().post(NEARLY_EVERYTHING, &[], town()?)?.detections()?;
    let mut table = Table::default();
    for row in request_rows::ROWS {
        table.add(row.name, check_request(&server, row));
    }
    for row in run_rows::ROWS {
        table.add(row.name, check_run(row));
    }
    table.print();
    assert!(table.rows.len() >= AT_LEAST, "only {} rows", table.rows.len());
    assert!(table.faults.is_empty(), "\n{}", table.faults.join("\n"));

    let health = server.client().get("/health")?.json()?;
    assert_eq!((&health["status"], &health["ready"]), (&"healthy".into(), &true.into()));
    let after = server.client().post(NEARLY_EVERYTHING, &[], town()?)?.detections()?;
    assert_eq!(after, before, "the answer to a good picture changed");
    wait::until("an empty gate", Duration::from_secs(20), || {
        let page = server.client().get("/metrics").ok()?.text();
        let left = metrics::sum(&page, "detections_in_flight_items", "")?
            + metrics::sum(&page, "detections_in_flight_bytes", "")?;
        (left == 0.0).then_some(())
    })?;
    assert!(!server.log().contains("panic"), "{}", server.log());
    Ok(())
}

#[derive(Default)]
struct Table {
    rows: Vec<[String; 3]>,
    faults: Vec<String>,
}

impl Table {
    fn add(&mut self, name: &str, outcome: Result<(String, String)>) {
        match outcome {
            Ok((answer, words)) => self.rows.push([name.to_owned(), answer, words]),
            Err(error) => {
                self.rows.push([name.to_owned(), "WRONG".to_owned(), error.to_string()]);
                self.faults.push(format!("{name}: {error:#}"));
            }
        }
    }

    #[expect(
        clippy::print_stdout,
        reason = "the table is for whoever runs the test with --nocapture"
    )]
    fn print(&self) {
        for (number, [name, answer, words]) in (1..).zip(&self.rows) {
            println!("{number:>3} | {name:<44} | {answer:<26} | {words}");
        }
    }
}

fn check_request(server: &Server, row: &Row<Request, Answer>) -> Result<(String, String)> {
    let reply = perform(server.address(), &row.given)?;
    match row.expected {
        Answer::Nobody => {
            anyhow::ensure!(reply.is_none(), "somebody waited");
            Ok(("gone".to_owned(), String::new()))
        }
        Answer::Bare(status) => {
            let reply = reply.context("nobody waited")?;
            anyhow::ensure!(reply.status == status, "{}: {}", reply.status, reply.text());
            Ok((status.to_string(), String::new()))
        }
        Answer::Problem(status, code, says) => {
            let reply = reply.context("nobody waited")?;
            let problem = reply.json()?;
            let detail = problem["detail"].as_str().unwrap_or_default();
            let right = reply.status == status && problem["code"] == code && detail.contains(says);
            anyhow::ensure!(right, "not {status} {code} `{says}` but {problem}");
            anyhow::ensure!(
                reply.header("content-type") == Some("application/problem+json"),
                "{reply:?}"
            );
            Ok((format!("{status} {code}"), detail.to_owned()))
        }
    }
}

fn check_run(row: &Row<Run, Exit>) -> Result<(String, String)> {
    let output = run(&row.given)?;
    // A refusal is told as an error, or is the very report that was asked for.
    let words =
        [output.stderr, output.stdout].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let words = words.concat();
    let Exit(code, says) = row.expected;
    let right = output.status.code() == Some(code) && says.iter().all(|part| words.contains(part));
    anyhow::ensure!(right, "not exit {code} with {says:?} but {}: {words}", output.status);
    anyhow::ensure!(!words.contains("panic"), "{words}");
    let told = words.find("error: ").map_or(words.as_str(), |start| &words[start..]);
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok((format!("exit {code}"), told.chars().take(160).collect()))
}
