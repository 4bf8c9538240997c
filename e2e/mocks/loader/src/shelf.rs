//! The files that can be had: those of a folder, and those that a control route put in front of them.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use actix_web::web::Bytes;
use sha2::{Digest, Sha256};

use crate::name::FileName;

/// Most digests that are remembered.
const MAX_DIGESTS: usize = 1024;

/// A folder of files, and replacements in memory.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    max_bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    replaced: HashMap<String, Bytes>,
    digests: HashMap<PathBuf, (u64, SystemTime, [u8; 32])>,
}

/// One version of a file.
#[derive(Debug)]
pub struct Found {
    /// Its SHA-256.
    pub digest: [u8; 32],
    /// How many bytes it has.
    pub length: u64,
    /// Where they are.
    pub content: Content,
}

/// Where a file's bytes are.
#[derive(Debug)]
pub enum Content {
    /// In memory.
    Memory(Bytes),
    /// In an open file; replacing it by another on disk does not change this one.
    Disk(File),
}

impl Shelf {
    /// The files of `folder`, with replacements of `max_bytes` in all.
    #[must_use]
    pub fn new(folder: PathBuf, max_bytes: u64) -> Self {
        Self { folder, max_bytes, state: Mutex::default() }
    }

    /// Most bytes of all replacements together.
    #[must_use]
    pub const fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// The file of this name, or of this name and `.onnx`.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn find(&self, name: &FileName) -> io::Result<Option<Found>> {
        let found = self.find_exactly(name.as_str())?;
        if found.is_some() { Ok(found) } else { self.find_exactly(&name.as_onnx()) }
    }

    fn find_exactly(&self, name: &str) -> io::Result<Option<Found>> {
        let replaced = self.lock().replaced.get(name).cloned();
        let Some(bytes) = replaced else { return self.open(name) };
        Ok(Some(Found {
            digest: Sha256::digest(&bytes).into(),
            length: length(&bytes),
            content: Content::Memory(bytes),
        }))
    }

    /// Puts other bytes in front of a file, and gives their SHA-256 in hexadecimal digits.
    ///
    /// # Errors
    /// When all replacements together would be too many bytes.
    pub fn replace(&self, name: &FileName, bytes: Bytes) -> Result<String, String> {
        let mut state = self.lock();
        let others = state.replaced.iter().filter(|(other, _)| *other != name.as_str());
        let total = others.map(|(_, bytes)| length(bytes)).sum::<u64>() + length(&bytes);
        if total > self.max_bytes {
            return Err(format!("{total} bytes of replacements, at most {}", self.max_bytes));
        }
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        state.replaced.insert(name.as_str().to_owned(), bytes);
        Ok(hex(&digest))
    }

    /// Takes the replacement of a file away.
    pub fn restore(&self, name: &FileName) {
        self.lock().replaced.remove(name.as_str());
    }

    fn open(&self, name: &str) -> io::Result<Option<Found>> {
        let path = self.folder.join(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let about = file.metadata()?;
        if !about.is_file() {
            return Ok(None);
        }
        let digest = self.digest(&path, about.len(), about.modified()?)?;
        Ok(Some(Found { digest, length: about.len(), content: Content::Disk(file) }))
    }

    /// The digest of a file; read once as long as its length and time stay.
    fn digest(&self, path: &Path, length: u64, modified: SystemTime) -> io::Result<[u8; 32]> {
        if let Some(known) = self.lock().digests.get(path)
            && (known.0, known.1) == (length, modified)
        {
            return Ok(known.2);
        }
        let digest = read_digest(path)?;
        let mut state = self.lock();
        if state.digests.len() >= MAX_DIGESTS {
            state.digests.clear();
        }
        state.digests.insert(path.to_owned(), (length, modified, digest));
        Ok(digest)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hexadecimal digits of some bytes.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_digest(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize().into()),
            count => hash.update(&buffer[..count]),
        }
    }
}

fn length(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
