//! The mock as a program: it says where it listens and is asked for its health by itself. What it answers is tested
//! from outside, beside the service that it stands for a neighbour of.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test's own helpers must fail it")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_detections-mock-loader");

/// Ended with the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).unwrap();
    }
}

#[test]
fn it_says_where_it_listens_and_asks_itself_whether_it_is_well() {
    let mut start = Command::new(PROGRAM);
    let start = start.args(["--bind", "127.0.0.1:0", "--models", "."]).stderr(Stdio::piped());
    let mut running = Running(start.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(running.0.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("listening address=").unwrap().to_owned();
    let ask = || Command::new(PROGRAM).args(["--check-health", &address]).output().unwrap();
    assert!(ask().status.success());
    drop(running);
    let failed = ask();
    assert_eq!(failed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&failed.stderr).starts_with("error: "), "{failed:?}");
}
