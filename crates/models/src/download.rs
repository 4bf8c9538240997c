//! One download into the cache: the bytes are counted and hashed as they come, and take their place only when
//! all of them are there and are the ones that were stated.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

use detections_media::{MediaHasher, MediaIdentity};

use crate::{
    CacheEntry, ModelsError,
    cache::{Slot, cache},
    loader::is_timeout,
    stated::Stated,
};

/// Bytes of one read.
const READ_LEN: usize = 64 << 10;

/// A file that is about to come.
#[derive(Debug)]
pub(crate) struct Download<'a> {
    pub(crate) slot: &'a Slot,
    pub(crate) url: &'a str,
    pub(crate) limit: u64,
    pub(crate) stated: Stated,
}

/// Why copying stopped.
enum Stop {
    Read(io::Error),
    Write(io::Error),
    TooLarge,
}

impl Download<'_> {
    /// Takes the body in.
    ///
    /// What was begun stays where the connection ended, and goes where the file is refused or cannot be written.
    pub(crate) fn run(&self, body: impl Read) -> Result<CacheEntry, ModelsError> {
        let url = || self.url.to_owned();
        let too_large = || ModelsError::DownloadTooLarge { url: url(), limit: self.limit };
        if self.stated.total.is_some_and(|total| total > self.limit) {
            self.slot.drop_part();
            return Err(too_large());
        }
        if !self.stated.framed && self.stated.sha256.is_none() {
            let problem = "it says neither how long it is nor what its digest is";
            return Err(ModelsError::BadAnswer { url: url(), problem });
        }
        let _lock = self.slot.lock()?;
        let part = self.slot.part();
        let (mut file, hasher) = self.open(&part).inspect_err(|_full| self.slot.drop_part())?;
        let mut into = Counted { hasher, length: self.stated.start };
        let copied = copy(body, &mut file, &mut into);
        let copied = copied.and_then(|()| file.sync_all().map_err(Stop::Write));
        match copied {
            Ok(()) => {}
            Err(Stop::Read(error)) => return Err(self.interrupted(into.length, error)),
            Err(Stop::TooLarge) => {
                self.slot.drop_part();
                return Err(too_large());
            }
            Err(Stop::Write(source)) => {
                self.slot.drop_part();
                return Err(cache(&part, source));
            }
        }
        drop(file);
        self.finish(into.hasher.finish())
    }

    /// The place for the bytes, and a hasher that knows those that are there.
    fn open(&self, part: &Path) -> Result<(File, MediaHasher), ModelsError> {
        let mut hasher = MediaHasher::with_limit(self.limit);
        if self.stated.start == 0 {
            self.slot.begin(self.url, self.stated.strong_etag())?;
            let file = File::create(part).map_err(|source| cache(part, source))?;
            return Ok((file, hasher));
        }
        let kept = File::open(part).map_err(|source| cache(part, source))?;
        let mut known = Counted { hasher: hasher.clone(), length: 0 };
        copy(kept, &mut io::sink(), &mut known).map_err(|stop| match stop {
            Stop::Read(source) | Stop::Write(source) => cache(part, source),
            Stop::TooLarge => {
                ModelsError::DownloadTooLarge { url: self.url.to_owned(), limit: self.limit }
            }
        })?;
        if known.length != self.stated.start {
            return Err(cache(part, io::Error::other("another program changed it")));
        }
        hasher.clone_from(&known.hasher);
        let file = OpenOptions::new().append(true).open(part);
        Ok((file.map_err(|source| cache(part, source))?, hasher))
    }

    fn interrupted(&self, received: u64, error: io::Error) -> ModelsError {
        let url = self.url.to_owned();
        let error = ureq::Error::from(error);
        if is_timeout(&error) {
            return ModelsError::TimedOut { url };
        }
        ModelsError::Interrupted { url, received, source: Some(error.into_io()) }
    }

    /// Checks the whole against what was stated, and gives it its place.
    fn finish(&self, whole: MediaIdentity) -> Result<CacheEntry, ModelsError> {
        let MediaIdentity { sha256: found, length } = whole;
        let url = self.url.to_owned();
        if self.stated.total.is_some_and(|total| length < total) {
            return Err(ModelsError::Interrupted { url, received: length, source: None });
        }
        if length == 0 {
            self.slot.drop_part();
            return Err(ModelsError::DownloadEmpty { url });
        }
        if let Some(stated) = self.stated.sha256.filter(|stated| *stated != found) {
            self.slot.drop_part();
            return Err(ModelsError::WrongDigest { url, stated, found });
        }
        let entry = CacheEntry { url, etag: self.stated.etag.clone(), sha256: found, length };
        self.slot.put(&entry).inspect_err(|_full| self.slot.drop_part())?;
        Ok(entry)
    }
}

/// Bytes that passed.
struct Counted {
    hasher: MediaHasher,
    length: u64,
}

/// Copies until the end; every byte is counted, hashed and written before the next is read.
fn copy(mut from: impl Read, to: &mut impl Write, counted: &mut Counted) -> Result<(), Stop> {
    let mut block = vec![0; READ_LEN];
    loop {
        let read = match from.read(&mut block) {
            Ok(0) => return to.flush().map_err(Stop::Write),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Stop::Read(error)),
        };
        let bytes = block.get(..read).unwrap_or_default();
        counted.hasher.update(bytes).map_err(|_limit| Stop::TooLarge)?;
        to.write_all(bytes).map_err(Stop::Write)?;
        counted.length += bytes.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use detections_media::{MediaHasher, hash_bytes};

    use super::{Counted, Stop, copy};

    /// A disk with so many bytes left.
    struct Disk(usize);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fits = bytes.len().min(self.0);
            self.0 -= fits;
            if fits == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(fits) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn counted(limit: u64) -> Counted {
        Counted { hasher: MediaHasher::with_limit(limit), length: 0 }
    }

    #[test]
    fn a_full_disk_is_told_as_such() {
        let stop = copy(&[7; 100_000][..], &mut Disk(70_000), &mut counted(u64::MAX)).unwrap_err();
        assert!(matches!(stop, Stop::Write(error) if error.kind() == io::ErrorKind::StorageFull));
    }

    #[test]
    fn the_first_byte_too_many_is_not_written() {
        let mut to = Vec::new();
        let stop = copy(&[7; 11][..], &mut to, &mut counted(10)).unwrap_err();
        assert!(matches!(stop, Stop::TooLarge) && to.is_empty());
    }

    #[test]
    fn all_that_is_copied_is_hashed() {
        let (mut to, mut all) = (Vec::new(), counted(200_000));
        assert!(copy(&[7; 200_000][..], &mut to, &mut all).is_ok());
        assert_eq!(all.hasher.finish(), hash_bytes(&to));
    }
}
