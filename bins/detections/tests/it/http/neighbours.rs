//! The services beside this one, in process: a Loader that has what a test gives it, and an Annotations service
//! that takes everything.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// Each file's version and bytes by its name.
type Files = HashMap<String, (u64, Vec<u8>)>;

/// A Loader that has what a test gives it.
#[derive(Clone)]
pub(super) struct Loader {
    pub(super) url: String,
    files: Arc<Mutex<Files>>,
    downloads: Arc<Mutex<Vec<String>>>,
    /// The `Authorization` of every request, empty where there is none.
    borne: Arc<Mutex<Vec<String>>>,
    /// Whether answers wait, and how many do.
    held: Arc<(Mutex<(bool, usize)>, Condvar)>,
}

impl Loader {
    pub(super) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let loader = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            files: Arc::default(),
            downloads: Arc::default(),
            borne: Arc::default(),
            held: Arc::default(),
        };
        let server = loader.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                thread::spawn(move || server.answer(stream));
            }
        });
        loader
    }

    pub(super) fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut files = self.files.lock().unwrap();
        let version = files.get(name).map_or(1, |(version, _)| version + 1);
        files.insert(name.to_owned(), (version, bytes));
    }

    pub(super) fn downloads(&self) -> usize {
        self.downloads.lock().unwrap().len()
    }

    pub(super) fn borne(&self) -> Vec<String> {
        self.borne.lock().unwrap().clone()
    }

    /// From now on every answer waits.
    pub(super) fn hold(&self) {
        self.held.0.lock().unwrap().0 = true;
    }

    /// Waits until an answer waits.
    pub(super) fn wait_until_asked(&self) {
        let held = self.held.0.lock().unwrap();
        let waited = self.held.1.wait_timeout_while(held, PATIENCE, |held| held.1 == 0).unwrap();
        assert!(!waited.1.timed_out(), "nobody asked");
    }

    /// Lets all answers go.
    pub(super) fn release(&self) {
        self.held.0.lock().unwrap().0 = false;
        self.held.1.notify_all();
    }

    fn wait_while_held(&self) {
        let mut held = self.held.0.lock().unwrap();
        held.1 += 1;
        self.held.1.notify_all();
        let mut held = self.held.1.wait_while(held, |held| held.0).unwrap();
        held.1 -= 1;
    }

    fn answer(&self, mut stream: TcpStream) {
        let lines = BufReader::new(&stream).lines().map_while(Result::ok);
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        let Some(name) = head.first().and_then(|line| line.split(' ').nth(1)) else { return };
        let name = name.trim_start_matches("/models/").to_owned();
        self.borne.lock().unwrap().push(authorization(&head));
        self.wait_while_held();
        let file = self.files.lock().unwrap().get(&name).cloned();
        let Some((version, bytes)) = file else {
            let text = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            return drop(stream.write_all(text.as_bytes()));
        };
        let tag = format!("\"{version}\"");
        let known = format!("if-none-match: {tag}");
        if head.iter().any(|line| line.eq_ignore_ascii_case(&known)) {
            let text = "HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n";
            return drop(stream.write_all(text.as_bytes()));
        }
        self.downloads.lock().unwrap().push(name);
        let length = bytes.len();
        let text = format!(
            "HTTP/1.1 200 OK\r\netag: {tag}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        drop(stream.write_all(text.as_bytes()).and_then(|()| stream.write_all(&bytes)));
    }
}

/// A post: its key, its body, and its `Authorization`, empty where there is none.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) key: String,
    pub(super) body: Value,
    pub(super) borne: String,
}

/// An Annotations service that takes everything and notes it.
#[derive(Debug, Clone)]
pub(super) struct Taker {
    pub(super) url: String,
    taken: Arc<(Mutex<Vec<Taken>>, Condvar)>,
}

impl Taker {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let taker = Self { url, taken: Arc::default() };
        let taking = taker.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let taker = taking.clone();
                thread::spawn(move || while taker.take(&stream).is_some() {});
            }
        });
        taker
    }

    /// Takes one post; `None` when the other side has gone.
    fn take(&self, mut stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            match line.trim_end() {
                "" => break,
                line => head.push(line.to_owned()),
            }
        }
        let mut body = vec![0; header(&head, "content-length").parse().unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
        let body = serde_json::from_slice(&body).unwrap();
        let (key, borne) = (header(&head, "idempotency-key").to_owned(), authorization(&head));
        self.taken.0.lock().unwrap().push(Taken { key, body, borne });
        self.taken.1.notify_all();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()
    }

    pub(super) fn wait_until(&self, so: impl Fn(&[Taken]) -> bool) -> Vec<Taken> {
        let taken = self.taken.0.lock().unwrap();
        let waited = self.taken.1.wait_timeout_while(taken, PATIENCE, |taken| !so(taken)).unwrap();
        assert!(!waited.1.timed_out(), "{} posts", waited.0.len());
        waited.0.clone()
    }
}

fn authorization(head: &[String]) -> String {
    header(head, "authorization").to_owned()
}

/// A header's value, empty where it is missing.
fn header<'head>(head: &'head [String], name: &str) -> &'head str {
    let pairs = head.iter().filter_map(|line| line.split_once(": "));
    let mut values = pairs.filter(|(header, _)| header.eq_ignore_ascii_case(name));
    values.next().map_or("", |(_, value)| value)
}
