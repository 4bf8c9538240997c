//! A server of scripted answers: bare HTTP/1.1 over a socket, to misbehave in ways that no server library would.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use detections_models::{Loader, LoaderOptions, RemoteFile};

/// What becomes of one request.
pub(crate) enum Script {
    /// These bytes, then the end of the connection.
    Send(Vec<u8>),
    /// These bytes, and then nothing until the client leaves.
    Hang(Vec<u8>),
}

/// Answers each request with the next of its scripts.
pub(crate) struct Server {
    pub(crate) url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn new(scripts: Vec<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&heads);
        thread::spawn(move || {
            for script in scripts {
                let (stream, _) = listener.accept().unwrap();
                let head = read_head(&stream);
                seen.lock().unwrap().push(head);
                play(stream, script);
            }
        });
        Self { url, heads }
    }

    /// The head of the request of this number, in lower case.
    pub(crate) fn head(&self, number: usize) -> String {
        self.heads.lock().unwrap()[number].clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.heads.lock().unwrap().len()
    }
}

fn read_head(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    head.join("\n").to_ascii_lowercase()
}

fn play(mut stream: TcpStream, script: Script) {
    match script {
        Script::Send(bytes) => stream.write_all(&bytes).unwrap(),
        Script::Hang(bytes) => {
            stream.write_all(&bytes).unwrap();
            // Until the client leaves.
            drop(stream.read(&mut [0]));
        }
    }
}

/// An answer with `headers` and as many bytes as it says.
pub(crate) fn answer(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let length = format!("content-length: {}", body.len());
    raw(status, &[headers, &[&length]].concat(), body)
}

/// An answer whose length is the test's to state.
pub(crate) fn raw(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

/// The file `m` of at most 1000 bytes at `url`, cached below `cache`.
pub(crate) fn remote(url: &str, cache: &Path) -> RemoteFile {
    let options = LoaderOptions {
        url: url.to_owned(),
        path: "/models/{name}".to_owned(),
        timeout: Duration::from_millis(300),
        token: None,
    };
    RemoteFile::new(Arc::new(Loader::new(&options).unwrap()), cache, "m", 1000).unwrap()
}
