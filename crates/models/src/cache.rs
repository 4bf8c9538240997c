//! The cache of one named file: the file in use and the one before it, an index that says what they are, and
//! what is left of a download that was interrupted. Everything appears whole or not at all.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use detections_media::{Sha256Digest, hash_bytes};
use serde::{Deserialize, Serialize};

use crate::ModelsError;

/// Characters of a name that its folder shows; the digest behind them tells names apart.
const SHOWN: usize = 40;

/// Indexes are short; a longer file is none.
const MAX_INDEX_BYTES: u64 = 64 << 10;

/// A file that was downloaded whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheEntry {
    /// Where it came from.
    pub url: String,
    /// The tag that it had there.
    pub etag: Option<String>,
    /// SHA-256 of its bytes.
    #[serde(with = "digest_text")]
    pub sha256: Sha256Digest,
    /// How many bytes it has.
    pub length: u64,
}

/// What is kept of a name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Index {
    name: String,
    pub(crate) current: Option<CacheEntry>,
    pub(crate) previous: Option<CacheEntry>,
}

/// A download that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begun {
    pub(crate) url: String,
    pub(crate) etag: String,
    /// Bytes that are there; what the file itself says.
    #[serde(skip)]
    pub(crate) length: u64,
}

/// The folder of one name.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    dir: PathBuf,
    name: String,
}

impl Slot {
    /// The folder of `name` below `dir`; nothing is made yet.
    pub(crate) fn new(dir: &Path, name: &str) -> Self {
        let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let shown: String = name.chars().filter(fits).take(SHOWN).collect();
        let digest = hash_bytes(name.as_bytes()).sha256.to_string();
        let key = format!("{shown}-{}", digest.get(..16).unwrap_or(&digest));
        Self { dir: dir.join(key), name: name.to_owned() }
    }

    /// What is kept; an index that cannot be read is as good as none, and said to be so.
    pub(crate) fn index(&self) -> Index {
        let path = self.path("index.json");
        let index = read_json(&path).unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(path = %path.display(), %error, "the index of the cache is discarded");
            }
            Index::default()
        });
        if index.name == self.name { index } else { Index::default() }
    }

    /// The bytes of `entry`, if they are those that were put there.
    pub(crate) fn read(&self, entry: &CacheEntry) -> Result<Vec<u8>, ModelsError> {
        let path = self.file(entry);
        let length = fs::metadata(&path).map_err(|source| cache(&path, source))?.len();
        let damaged = || ModelsError::CacheDamaged { path: path.clone() };
        if length != entry.length {
            return Err(damaged());
        }
        let bytes = fs::read(&path).map_err(|source| cache(&path, source))?;
        if hash_bytes(&bytes).sha256 == entry.sha256 { Ok(bytes) } else { Err(damaged()) }
    }

    /// Makes `entry` the one in use, keeps the one before it, and removes all others.
    pub(crate) fn accept(&self, entry: &CacheEntry) -> Result<(), ModelsError> {
        let before = self.index();
        let replaced = before.current.filter(|current| current.sha256 != entry.sha256);
        let previous = replaced.or(before.previous).filter(|kept| kept.sha256 != entry.sha256);
        let current = Some(entry.clone());
        self.write_index(&Index { name: self.name.clone(), current, previous })?;
        self.sweep();
        Ok(())
    }

    /// Removes the file of `entry`, unless the index names it.
    pub(crate) fn discard(&self, entry: &CacheEntry) {
        let Index { current, previous, .. } = self.index();
        let kept =
            [current, previous].into_iter().flatten().any(|kept| kept.sha256 == entry.sha256);
        if !kept {
            remove(&self.file(entry));
        }
    }

    /// Forgets `entry` and its file, because it is damaged.
    pub(crate) fn forget(&self, entry: &CacheEntry) {
        let Index { name, current, previous } = self.index();
        let keep = |kept: &CacheEntry| kept.sha256 != entry.sha256;
        let index = Index { name, current: current.filter(keep), previous: previous.filter(keep) };
        if let Err(error) = self.write_index(&index) {
            tracing::warn!(%error, "the index of the cache keeps what is damaged");
        }
        remove(&self.file(entry));
    }

    /// The download from `url` that was begun and may be continued.
    pub(crate) fn begun(&self, url: &str) -> Option<Begun> {
        let begun: Begun = read_json(&self.path("download.json")).ok()?;
        let length = fs::metadata(self.part()).ok()?.len();
        (begun.url == url && length > 0).then_some(Begun { length, ..begun })
    }

    /// Lets nobody else download until the file is dropped.
    pub(crate) fn lock(&self) -> Result<File, ModelsError> {
        fs::create_dir_all(&self.dir).map_err(|source| cache(&self.dir, source))?;
        let path = self.path("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|source| cache(&path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(ModelsError::CacheBusy { path: self.dir.clone() }),
            Err(TryLockError::Error(source)) => Err(cache(&path, source)),
        }
    }

    /// Notes of what tag the bytes to come are, so that they can be continued; without one they cannot.
    pub(crate) fn begin(&self, url: &str, etag: Option<&str>) -> Result<(), ModelsError> {
        self.drop_part();
        let Some(etag) = etag else { return Ok(()) };
        let begun = Begun { url: url.to_owned(), etag: etag.to_owned(), length: 0 };
        self.write_json("download.json", &begun)
    }

    /// Where the bytes of a download gather.
    pub(crate) fn part(&self) -> PathBuf {
        self.path("download.part")
    }

    /// Gives the downloaded bytes their place.
    pub(crate) fn put(&self, entry: &CacheEntry) -> Result<(), ModelsError> {
        let path = self.file(entry);
        fs::rename(self.part(), &path).map_err(|source| cache(&path, source))?;
        self.sync()?;
        remove(&self.path("download.json"));
        Ok(())
    }

    /// Removes what was begun.
    pub(crate) fn drop_part(&self) {
        remove(&self.path("download.json"));
        remove(&self.part());
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    fn file(&self, entry: &CacheEntry) -> PathBuf {
        self.path(&format!("{}.file", entry.sha256))
    }

    /// Removes files that the index does not name.
    fn sweep(&self) {
        let Index { current, previous, .. } = self.index();
        let kept: Vec<_> =
            [current, previous].into_iter().flatten().map(|entry| self.file(&entry)).collect();
        let found =
            fs::read_dir(&self.dir).into_iter().flatten().flatten().map(|found| found.path());
        found
            .filter(|path| path.extension().is_some_and(|ending| ending == "file"))
            .filter(|path| !kept.contains(path))
            .for_each(|path| remove(&path));
    }

    fn write_index(&self, index: &Index) -> Result<(), ModelsError> {
        let index = Index { name: self.name.clone(), ..index.clone() };
        self.write_json("index.json", &index)
    }

    /// Written beside and renamed, so that a reader sees the old text or the new one.
    fn write_json(&self, file: &str, value: &impl Serialize) -> Result<(), ModelsError> {
        let path = self.path(file);
        let beside = self.path(&format!("{file}.new"));
        let write = || {
            let text = serde_json::to_vec(value).map_err(io::Error::other)?;
            let mut new = File::create(&beside)?;
            new.write_all(&text)?;
            new.sync_all()?;
            fs::rename(&beside, &path)
        };
        write().map_err(|source| cache(&path, source))?;
        self.sync()
    }

    /// A rename is on disk once its folder is.
    fn sync(&self) -> Result<(), ModelsError> {
        let synced = File::open(&self.dir).and_then(|dir| dir.sync_all());
        synced.map_err(|source| cache(&self.dir, source))
    }
}

/// A failure of the cache at `path`.
pub(crate) fn cache(path: &Path, source: io::Error) -> ModelsError {
    ModelsError::Cache { path: path.to_owned(), source }
}

fn read_json<T: for<'a> Deserialize<'a>>(path: &Path) -> io::Result<T> {
    use io::Read;
    let mut text = Vec::new();
    File::open(path)?.take(MAX_INDEX_BYTES).read_to_end(&mut text)?;
    serde_json::from_slice(&text).map_err(io::Error::other)
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "a file of the cache stays");
        }
        Ok(()) | Err(_) => {}
    }
}

/// A digest as the text that people compare.
mod digest_text {
    use detections_media::Sha256Digest;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        digest: &Sha256Digest,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(digest)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Sha256Digest, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
