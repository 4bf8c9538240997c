//! The program as a process, and bare HTTP/1.1 over a socket, to misbehave in ways that no client
//! library would.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    process::{Child, Command, ExitStatus, Stdio},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::fixture::fixture;

/// Nothing in these tests may take longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A serving process; killed when it is dropped.
pub(super) struct Program {
    child: Child,
    address: String,
    log: Option<JoinHandle<String>>,
}

impl Program {
    /// Starts the service on a free port, with `settings` as variables of the environment, and
    /// waits until it is ready.
    pub(super) fn start(settings: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_detections"))
            .env_clear()
            .env("BIND", "127.0.0.1:0")
            .env("MODEL", fixture("model/topview.onnx"))
            .env("DETECTIONS__INFER__THREADS", "1")
            .env("DETECTIONS__LOG__FORMAT", "json")
            .envs(settings.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let address = listening(&mut log);
        // The pipe is emptied to its end, so that the process never waits for its log.
        let log = std::thread::spawn(move || {
            let mut rest = String::new();
            log.read_to_string(&mut rest).unwrap();
            rest
        });
        let program = Self { child, address, log: Some(log) };
        program.wait_for("/health/ready", |answer| answer.status == 200);
        program
    }

    pub(super) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub(super) fn get(&self, path: &str) -> Answer {
        let mut stream = self.connect();
        // In one piece: the headers too have to arrive within the client's time.
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        Answer::read(&mut stream)
    }

    /// Asks again and again until the answer is as wanted.
    pub(super) fn wait_for(&self, path: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
        let started = Instant::now();
        loop {
            let answer = self.get(path);
            if wanted(&answer) {
                return answer;
            }
            assert!(started.elapsed() < PATIENCE, "still not as wanted: {answer:?}");
            std::thread::yield_now();
        }
    }

    /// Sends a signal by its name.
    pub(super) fn signal(&self, name: &str) {
        // `kill` is built into every shell; as a program it is not on every machine.
        let pid = self.child.id().to_string();
        let arguments = ["-c", "kill -s \"$1\" \"$2\"", "kill", name, &pid];
        let status = Command::new("sh").args(arguments).status();
        assert!(status.unwrap().success());
    }

    /// Waits for the end; gives its status and everything that was logged.
    pub(super) fn end(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        let log = self.log.take().map(|log| log.join().unwrap()).unwrap_or_default();
        (status, log)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listening(log: &mut impl BufRead) -> String {
    let mut seen = String::new();
    loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).unwrap() > 0, "the program ended: {seen}");
        let event: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(address) = event["address"].as_str() {
            return address.to_owned();
        }
        seen.push_str(&line);
    }
}

/// A response as it came over the socket.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// Reads one response; interim ones (100 Continue) are passed over.
    pub(super) fn read(stream: &mut TcpStream) -> Self {
        loop {
            let head = read_head(stream);
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            if status >= 200 {
                let mut body = vec![0; length(&head)];
                stream.read_exact(&mut body).unwrap();
                return Self { status, head, body };
            }
        }
    }

    pub(super) fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        body["code"].as_str().unwrap().to_owned()
    }
}

fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend_from_slice(&byte);
    }
    String::from_utf8(head).unwrap().to_ascii_lowercase()
}

fn length(head: &str) -> usize {
    let line = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    line.map_or(0, |length| length.trim().parse().unwrap())
}

/// Starts a detection that announces `length` bytes.
pub(super) fn announce(stream: &mut TcpStream, length: usize, more: &str) {
    write!(stream, "POST /detect HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n{more}\r\n")
        .unwrap();
}

/// Goes away without waiting for the answer.
pub(super) fn leave(stream: TcpStream) {
    stream.shutdown(Shutdown::Both).unwrap();
}
