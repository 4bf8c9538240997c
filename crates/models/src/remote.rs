//! One file of the Loader, followed over time: what of it is cached, what the Loader has now, and what of that
//! was refused. Whoever embeds it decides when it is asked and on which thread.

use std::{path::Path, sync::Arc};

use detections_media::Sha256Digest;

use crate::{
    BearerToken, CacheEntry, Loader, ModelArtifact, ModelOrigin, ModelsError,
    cache::{Begun, Slot},
    download::Download,
    loader::{Answer, Get},
    stated::Stated,
};

/// What the Loader has, compared with what is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// What was seen last.
    Unchanged,
    /// What is in use, though something else was seen in between.
    Back,
    /// Something that was not seen yet; it is in the cache, but not yet in use.
    New(CacheEntry),
}

/// A file that the Loader has under a name.
#[derive(Debug)]
pub struct RemoteFile {
    loader: Arc<Loader>,
    slot: Slot,
    name: String,
    limit: u64,
    current: Option<CacheEntry>,
    /// What the Loader was last seen to have, in use or refused.
    seen: Seen,
    /// What the last answer stated, whatever became of it.
    answered: Seen,
}

/// What identifies a state of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Seen {
    etag: Option<String>,
    sha256: Option<Sha256Digest>,
}

impl RemoteFile {
    /// The file called `name`, of at most `limit` bytes, with its cache below the folder `cache`.
    ///
    /// # Errors
    /// [`ModelsError::BadAddress`] when the name makes no address.
    pub fn new(
        loader: Arc<Loader>,
        cache: &Path,
        name: &str,
        limit: u64,
    ) -> Result<Self, ModelsError> {
        loader.url(name)?;
        let slot = Slot::new(cache, name);
        let (seen, answered) = (Seen::default(), Seen::default());
        Ok(Self { loader, slot, name: name.to_owned(), limit, current: None, seen, answered })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes the cached file into use: the last one, or the one before where that is damaged.
    ///
    /// A damaged file is removed, with a warning.
    pub fn cached(&mut self) -> Option<(CacheEntry, Vec<u8>)> {
        let index = self.slot.index();
        for entry in [index.current, index.previous].into_iter().flatten() {
            match self.slot.read(&entry) {
                Ok(bytes) => {
                    self.in_use(&entry);
                    return Some((entry, bytes));
                }
                Err(error) => {
                    tracing::warn!(name = self.name, %error, "a cached file is discarded");
                    self.slot.forget(&entry);
                }
            }
        }
        None
    }

    /// Asks the Loader what it has and downloads it if that was not seen yet; `token` opens its door instead
    /// of the configured one.
    ///
    /// # Errors
    /// [`ModelsError`]; what was begun is kept for the next time where it can be continued, and removed where
    /// the file is refused or the disk is full.
    pub fn check(&mut self, token: Option<&BearerToken>) -> Result<Change, ModelsError> {
        let url = self.loader.url(&self.name)?;
        let place = url.to_string();
        let mut begun = self.slot.begun(&place);
        loop {
            let resume = begun.as_ref().map(|begun| (begun.length, begun.etag.as_str()));
            let known = self.seen.etag.as_deref();
            let get = Get { url: &url, token, known, resume };
            let (stated, body) = match self.loader.get(&get)? {
                Answer::NotModified => return Ok(Change::Unchanged),
                Answer::File { stated, body } if continues(begun.as_ref(), &stated) => {
                    (stated, body)
                }
                Answer::File { .. } | Answer::RangeRefused => {
                    self.slot.drop_part();
                    begun = None;
                    continue;
                }
            };
            self.answered = Seen { etag: stated.etag.clone(), sha256: stated.sha256 };
            if let Some(known) = self.known(&stated) {
                return Ok(known);
            }
            let download = Download { slot: &self.slot, url: &place, limit: self.limit, stated };
            let entry = download.run(body)?;
            self.answered.sha256 = Some(entry.sha256);
            return Ok(self.downloaded(entry));
        }
    }

    /// The bytes of `entry`, checked against its digest.
    ///
    /// # Errors
    /// [`ModelsError::CacheDamaged`] or [`ModelsError::Cache`].
    pub fn read(&self, entry: &CacheEntry) -> Result<Vec<u8>, ModelsError> {
        self.slot.read(entry)
    }

    /// `bytes` of `entry` as a model.
    #[must_use]
    pub fn artifact(&self, entry: &CacheEntry, bytes: Vec<u8>) -> ModelArtifact {
        ModelArtifact {
            name: self.name.clone(),
            sha256: entry.sha256,
            bytes: bytes.into(),
            origin: ModelOrigin::Loader(entry.url.clone()),
        }
    }

    /// Takes `entry` into use; the one before it stays in the cache, all others go.
    ///
    /// # Errors
    /// [`ModelsError::Cache`] when the cache cannot note it; it is in use nevertheless.
    pub fn accept(&mut self, entry: &CacheEntry) -> Result<(), ModelsError> {
        self.in_use(entry);
        self.slot.accept(entry)
    }

    /// Remembers that what the Loader has now is refused, so that it is not downloaded again until it changes.
    pub fn refuse(&mut self, entry: Option<&CacheEntry>) {
        self.seen = self.answered.clone();
        if let Some(entry) = entry {
            self.slot.discard(entry);
        }
    }

    /// Forgets what was refused, because somebody asks for it again.
    pub fn forget_refusals(&mut self) {
        self.seen = self.current.as_ref().map(Seen::from).unwrap_or_default();
    }

    /// What an answer is by its head alone.
    fn known(&self, stated: &Stated) -> Option<Change> {
        let same = |seen: &Seen| {
            let tag = stated.etag.is_some() && stated.etag == seen.etag;
            tag || (stated.sha256.is_some() && stated.sha256 == seen.sha256)
        };
        if same(&self.seen) {
            return Some(Change::Unchanged);
        }
        self.current.as_ref().map(Seen::from).filter(same).map(|_current| Change::Back)
    }

    fn downloaded(&mut self, entry: CacheEntry) -> Change {
        let of_seen = self.seen.sha256 == Some(entry.sha256);
        let in_use = self.current.as_ref().is_some_and(|current| current.sha256 == entry.sha256);
        self.seen = Seen::from(&entry);
        if in_use {
            // Its tag is a new one.
            if let Err(error) = self.slot.accept(&entry) {
                tracing::warn!(%error, "the cache does not learn a file's new tag");
            }
            self.current = Some(entry);
            return if of_seen { Change::Unchanged } else { Change::Back };
        }
        if of_seen {
            self.slot.discard(&entry);
            return Change::Unchanged;
        }
        Change::New(entry)
    }

    fn in_use(&mut self, entry: &CacheEntry) {
        let here = self.loader.url(&self.name).is_ok_and(|url| url.to_string() == entry.url);
        // A tag means nothing to another Loader.
        let etag = entry.etag.clone().filter(|_tag| here);
        let entry = CacheEntry { etag, ..entry.clone() };
        self.seen = Seen::from(&entry);
        self.current = Some(entry);
    }
}

impl From<&CacheEntry> for Seen {
    fn from(entry: &CacheEntry) -> Self {
        Self { etag: entry.etag.clone(), sha256: Some(entry.sha256) }
    }
}

/// Whether an answer goes on exactly where the download stopped, or starts from the beginning.
fn continues(begun: Option<&Begun>, stated: &Stated) -> bool {
    match begun {
        _ if stated.start == 0 => true,
        Some(begun) => stated.start == begun.length && stated.etag.as_ref() == Some(&begun.etag),
        None => false,
    }
}
