//! A service of a few lines for the tests of this tool: it answers every request, after a delay,
//! with a stall or with refusals, as its script says.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use reqwest::Url;

/// How the service behaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    /// How long each answer takes.
    pub(crate) delay: Duration,
    /// How long the first request keeps everybody waiting.
    pub(crate) stall_first: Duration,
    /// Every so-manyth `POST` is refused; 0 refuses none.
    pub(crate) refuse_every: u64,
}

/// The service; it stops when dropped.
#[derive(Debug)]
pub(crate) struct TestServer {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

#[derive(Debug)]
struct State {
    script: Script,
    posts: AtomicU64,
    stall: Mutex<()>,
}

impl TestServer {
    pub(crate) fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stopped = Arc::new(AtomicBool::new(false));
        let state = Arc::new(State { script, posts: AtomicU64::new(0), stall: Mutex::new(()) });
        let stop = Arc::clone(&stopped);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let state = Arc::clone(&state);
                thread::spawn(move || while answer(&stream, &state).is_some() {});
            }
        });
        Self { address, stopped }
    }

    pub(crate) fn url(&self) -> Url {
        format!("http://{}/detect", self.address).parse().unwrap()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees that it is to stop.
        drop(TcpStream::connect(self.address));
    }
}

/// Answers one request of a kept connection; `None` at its end.
fn answer(mut stream: &TcpStream, state: &State) -> Option<()> {
    let is_post = read_request(&mut BufReader::new(stream))?;
    let number = if is_post { state.posts.fetch_add(1, Ordering::Relaxed) + 1 } else { 0 };
    let stalled = state.stall.lock().unwrap_or_else(PoisonError::into_inner);
    pause(if number == 1 { state.script.stall_first } else { Duration::ZERO });
    drop(stalled);
    pause(state.script.delay);
    let refused =
        state.script.refuse_every > 0 && is_post && number % state.script.refuse_every == 0;
    let status = if refused { "429 Too Many Requests" } else { "200 OK" };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}").ok()
}

/// Reads a request to its end and says whether it is a `POST`.
fn read_request(reader: &mut impl BufRead) -> Option<bool> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|&count| count > 0)?;
    let is_post = line.starts_with("POST ");
    let mut length = 0;
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).ok().filter(|&count| count > 0)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    Some(is_post)
}

/// Takes time, as a service under measurement does; nothing waits for it to be over.
fn pause(duration: Duration) {
    let end = Instant::now() + duration;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    {
        thread::park_timeout(left);
    }
}
