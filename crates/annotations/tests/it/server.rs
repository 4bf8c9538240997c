//! An Annotations service that notes every post and answers as it is told to.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use serde_json::Value;

/// Nothing in these tests may take longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Status(u16),
    With(u16, &'static str),
    Cut,
    Hang,
}

#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) key: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Value,
}

impl Post {
    pub(crate) fn frame(&self) -> u64 {
        self.body["frame"]["index"].as_u64().unwrap()
    }

    pub(crate) fn name(&self) -> &str {
        self.body["media"]["name"].as_str().unwrap()
    }
}

#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    posts: Vec<Post>,
    /// Answers to come, the first for any post, the second for posts of one media.
    script: VecDeque<(Option<String>, Answer)>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub(crate) fn at(address: SocketAddr) -> Self {
        Self::on(TcpListener::bind(address).unwrap())
    }

    fn on(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next post is answered so.
    pub(crate) fn then(&self, answer: Answer) {
        self.shared.state.lock().unwrap().script.push_back((None, answer));
    }

    /// The next post for the media of that name is answered so.
    pub(crate) fn then_for(&self, name: &str, answer: Answer) {
        self.shared.state.lock().unwrap().script.push_back((Some(name.to_owned()), answer));
    }

    pub(crate) fn posts(&self) -> Vec<Post> {
        self.shared.state.lock().unwrap().posts.clone()
    }

    /// Waits until there were so many posts.
    pub(crate) fn wait_for(&self, posts: usize) -> Vec<Post> {
        let state = self.shared.state.lock().unwrap();
        let few = |state: &mut State| state.posts.len() < posts;
        let (state, late) = self.shared.changed.wait_timeout_while(state, PATIENCE, few).unwrap();
        assert!(!late.timed_out(), "{} posts instead of {posts}", state.posts.len());
        state.posts.clone()
    }
}

fn serve(stream: TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    while let Some(post) = read(&mut reader) {
        let answer = shared.note(post);
        let (code, more) = match answer {
            Answer::Status(code) => (code, ""),
            Answer::With(code, header) => (code, header),
            Answer::Cut => return,
            Answer::Hang => {
                // Until the other side gives up.
                let _ = reader.read(&mut [0]);
                return;
            }
        };
        let body = format!("said {code}");
        let length = body.len();
        // In one piece: small ones wait for each other on a socket.
        let head = format!("HTTP/1.1 {code} X\r\n{more}content-length: {length}\r\n\r\n");
        if stream.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Post> {
    let (mut length, mut key, mut authorization) = (0, String::new(), None);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    assert!(line.starts_with("POST /annotations HTTP/1.1"), "{line}");
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "idempotency-key" => key = value.to_owned(),
            "authorization" => authorization = Some(value.to_owned()),
            "content-type" => assert_eq!(value, "application/json"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Post { key, authorization, body: serde_json::from_slice(&body).unwrap() })
}

impl Shared {
    fn note(&self, post: Post) -> Answer {
        let mut state = self.state.lock().unwrap();
        let name = post.body["media"]["name"].as_str().map(str::to_owned);
        state.posts.push(post);
        let meant = state.script.iter().position(|(wanted, _)| wanted.is_none() || *wanted == name);
        let answer = meant.and_then(|index| state.script.remove(index));
        self.changed.notify_all();
        answer.map_or(Answer::Status(200), |(_, answer)| answer)
    }
}
