//! The tokens that are listed now: their file is read again on an interval by a thread of its own, so that a token is
//! given or taken back without a restart. A file that is wrong leaves the list that there is.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use super::{TokenFormat, TokenList};

/// The largest file of tokens or keys.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A file of tokens, and how often it is read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokensFile {
    /// Where it is.
    pub path: PathBuf,
    /// How often it is read.
    pub refresh: Duration,
}

impl TokensFile {
    /// The list in the file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(&self) -> Result<TokenList, Vec<String>> {
        let bytes = read_file(&self.path).map_err(|error| vec![error.to_string()])?;
        let text =
            String::from_utf8(bytes).map_err(|_binary| vec!["it is not a text".to_owned()])?;
        TokenList::parse(&text, TokenFormat::of(&self.path))
    }
}

/// The bytes of a file of tokens or keys.
///
/// # Errors
/// When it cannot be read, or is too large to be one.
pub(crate) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other(format!("it has more than {MAX_FILE_BYTES} bytes")));
    }
    Ok(bytes)
}

/// The list of now, and the thread that keeps it so.
#[derive(Debug)]
pub(super) struct Listed {
    tokens: Arc<RwLock<Arc<TokenList>>>,
    file: Option<TokensFile>,
    /// The thread ends when this goes.
    _alive: SyncSender<()>,
    /// Taken by the thread.
    ends: Mutex<Option<Receiver<()>>>,
}

impl Listed {
    /// The list that was read at the start, and its file.
    pub(super) fn new(tokens: TokenList, file: Option<TokensFile>) -> Self {
        let (alive, ends) = sync_channel(0);
        let tokens = Arc::new(RwLock::new(Arc::new(tokens)));
        Self { tokens, file, _alive: alive, ends: Mutex::new(Some(ends)) }
    }

    /// The list of now.
    pub(super) fn now(&self) -> Arc<TokenList> {
        Arc::clone(&self.tokens.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Starts the thread, once, where there is a file; it ends soon after this is dropped.
    pub(super) fn watch(&self) -> io::Result<()> {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (Some(ends), Some(file)) = (ends, self.file.clone()) else { return Ok(()) };
        let tokens = Arc::clone(&self.tokens);
        let thread = thread::Builder::new().name("access-tokens".to_owned());
        thread.spawn(move || keep(&file, &tokens, &ends)).map(drop)
    }
}

/// Reads the file again and again until nobody wants its list any more.
fn keep(file: &TokensFile, tokens: &RwLock<Arc<TokenList>>, ends: &Receiver<()>) {
    let mut told = Vec::new();
    while ends.recv_timeout(file.refresh) == Err(RecvTimeoutError::Timeout) {
        match file.read() {
            Ok(list) => {
                told.clear();
                let mut tokens = tokens.write().unwrap_or_else(PoisonError::into_inner);
                if **tokens != list {
                    tracing::info!(tokens = list.len(), "another list of tokens holds");
                    *tokens = Arc::new(list);
                }
            }
            Err(faults) if faults != told => {
                let path = file.path.display();
                tracing::warn!(%path, ?faults, "the list of tokens is wrong; the one before holds");
                told = faults;
            }
            Err(_told_already) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::Path,
        thread,
        time::{Duration, Instant},
    };

    use super::{Listed, TokensFile};
    use crate::access::{FreshToken, Scope};

    fn fresh(name: &str) -> FreshToken {
        FreshToken::make(name, &[Scope::Detect], None).unwrap()
    }

    /// Puts another file there in one step.
    fn write(path: &Path, text: &str) {
        fs::write(path.with_extension("new"), text).unwrap();
        fs::rename(path.with_extension("new"), path).unwrap();
    }

    fn wait_until(so: impl Fn() -> bool) {
        let started = Instant::now();
        while !so() {
            assert!(started.elapsed() < Duration::from_secs(60), "it never came");
            thread::yield_now();
        }
    }

    #[test]
    fn a_token_is_given_and_taken_back_while_a_wrong_file_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        let [ada, bob] = ["ada", "bob"].map(fresh);
        write(&path, &ada.entry());
        let file = TokensFile { path: path.clone(), refresh: Duration::from_millis(5) };
        let listed = Listed::new(file.read().unwrap(), Some(file));
        listed.watch().unwrap();
        let knows = |token: &FreshToken| {
            listed.now().find(token.token(), std::time::SystemTime::now()).is_some()
        };
        assert!(knows(&ada) && !knows(&bob));
        write(&path, &(ada.entry() + &bob.entry()));
        wait_until(|| knows(&bob));
        write(&path, &bob.entry());
        wait_until(|| !knows(&ada));
        // The last one is right again: when it holds, the wrong ones were passed over.
        write(&path, "nonsense");
        assert!(knows(&bob));
        fs::remove_file(&path).unwrap();
        assert!(knows(&bob));
        write(&path, &ada.entry());
        wait_until(|| knows(&ada) && !knows(&bob));
    }
}
