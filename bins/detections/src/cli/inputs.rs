//! Which pictures and videos the paths on the command line mean: files as they are, folders searched through
//! in sorted order, both told apart by their first bytes.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use detections_media::{MediaKind, SNIFF_LEN, sniff};

/// Largest file that is read of a picture; none within the pixel limits is larger.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 30;

/// What a file is searched as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A picture, moving ones of picture formats included; also what turns out to be nothing of the sort.
    Picture,
    /// A video.
    Video,
}

/// One picture or video that is to be searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Input {
    /// Where it is, as the user would say it.
    pub(super) path: PathBuf,
    /// Where it lies within the folder that was named; only the file name when itself was named.
    pub(super) within: PathBuf,
    /// What it is searched as.
    pub(super) kind: Kind,
}

/// A path that cannot be read.
#[derive(Debug)]
pub(super) struct Unreadable {
    path: PathBuf,
    source: io::Error,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.source)
    }
}

/// What was found under the paths of the command line.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// What is searched, in order: as named, folders sorted by name.
    pub(super) inputs: Vec<Input>,
    /// Paths that could not be read.
    pub(super) unreadable: Vec<Unreadable>,
    /// Other files in folders, left out.
    pub(super) others: usize,
}

/// Looks at `paths`, leaving out the folder `except` where it lies in one of them.
///
/// Folders are searched whole, but links to folders in them are not followed.
pub(super) fn list(paths: &[PathBuf], except: Option<&Path>) -> Listing {
    let mut search = Search { listing: Listing::default(), except: except.and_then(canonical) };
    for path in paths {
        search.named(path);
    }
    search.listing
}

fn canonical(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
}

struct Search {
    listing: Listing,
    except: Option<PathBuf>,
}

impl Search {
    fn named(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(kind) if kind.is_dir() => self.folder(path, path),
            Ok(file) => {
                let within = path.file_name().map_or_else(|| path.into(), PathBuf::from);
                // What comes through a pipe can be looked at only once, by whoever reads it.
                let kind = if file.is_file() { named_kind(path) } else { Kind::Picture };
                self.listing.inputs.push(Input { path: path.into(), within, kind });
            }
            Err(source) => self.unreadable(path, source),
        }
    }

    fn folder(&mut self, root: &Path, folder: &Path) {
        if folder != root && self.except.is_some() && canonical(folder) == self.except {
            return;
        }
        let entries = fs::read_dir(folder).and_then(|entries| {
            let mut paths = entries.map(|e| Ok(e?.path())).collect::<io::Result<Vec<_>>>()?;
            paths.sort();
            Ok(paths)
        });
        match entries {
            Ok(paths) => paths.iter().for_each(|path| self.entry(root, path)),
            Err(source) => self.unreadable(folder, source),
        }
    }

    fn entry(&mut self, root: &Path, path: &Path) {
        match fs::symlink_metadata(path) {
            Ok(kind) if kind.is_dir() => self.folder(root, path),
            // Opening a pipe or a socket would wait; a link to a regular file is as good as the file.
            Ok(_) if !path.is_file() => self.listing.others += 1,
            Ok(_) => self.file(root, path),
            Err(source) => self.unreadable(path, source),
        }
    }

    fn file(&mut self, root: &Path, path: &Path) {
        match kind_of(path) {
            Ok(Some(kind)) => {
                let within = path.strip_prefix(root).unwrap_or(path).into();
                self.listing.inputs.push(Input { path: path.into(), within, kind });
            }
            Ok(None) => self.listing.others += 1,
            Err(source) => self.unreadable(path, source),
        }
    }

    fn unreadable(&mut self, path: &Path, source: io::Error) {
        self.listing.unreadable.push(Unreadable { path: path.into(), source });
    }
}

/// What the file at `path` is by its first bytes; `None` where it is neither picture nor video.
fn kind_of(path: &Path) -> io::Result<Option<Kind>> {
    let mut head = Vec::with_capacity(SNIFF_LEN);
    File::open(path)?.take(SNIFF_LEN as u64).read_to_end(&mut head)?;
    Ok(sniff(&head).map(|kind| match kind {
        MediaKind::Image(_) => Kind::Picture,
        MediaKind::Video(_) => Kind::Video,
    }))
}

/// Like [`kind_of`]; what cannot be told apart yet is told when it is read.
fn named_kind(path: &Path) -> Kind {
    kind_of(path).ok().flatten().unwrap_or(Kind::Picture)
}

/// Why the bytes of a file are not given to the decoder.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("larger than {MAX_FILE_BYTES} bytes, the most that is read of a picture")]
    TooLarge,
    #[error("a video ({}), which can be read from a regular file only", .0.mime())]
    Video(MediaKind),
    #[error("not a picture or video: its first bytes are of no known format")]
    UnknownFormat,
    #[error("empty")]
    Empty,
}

/// All bytes of a picture; refused as soon as the first ones show that it is none.
pub(super) fn read_picture(path: &Path) -> Result<Vec<u8>, ReadError> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    file.by_ref().take(SNIFF_LEN as u64).read_to_end(&mut bytes)?;
    match sniff(&bytes) {
        Some(MediaKind::Image(_)) => {}
        Some(video @ MediaKind::Video(_)) => return Err(ReadError::Video(video)),
        _ if bytes.is_empty() => return Err(ReadError::Empty),
        _ => return Err(ReadError::UnknownFormat),
    }
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(ReadError::TooLarge);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path};

    use super::{Kind, ReadError, list, read_picture};

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01";
    const MP4: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom";

    fn tree(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        root
    }

    fn names(root: &Path, except: Option<&Path>) -> Vec<String> {
        let listing = list(&[root.to_path_buf()], except);
        listing.inputs.iter().map(|input| input.within.display().to_string()).collect()
    }

    #[test]
    fn folders_are_searched_whole_and_sorted() {
        let root = tree(&[
            ("z.png", PNG),
            ("b/2.png", PNG),
            ("b/1/deep.png", PNG),
            ("a", PNG),
            ("notes.png", b"only its name says so"),
            ("clip.mp4", MP4),
        ]);
        assert_eq!(names(root.path(), None), ["a", "b/1/deep.png", "b/2.png", "clip.mp4", "z.png"]);
        let listing = list(&[root.path().into()], None);
        let kinds: Vec<_> = listing.inputs.iter().map(|input| input.kind).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == Kind::Video).count(), 1);
        assert_eq!((kinds[3], listing.others), (Kind::Video, 1));
    }

    #[test]
    fn the_folder_of_results_is_left_out_and_links_do_not_loop() {
        let root = tree(&[("a.png", PNG), ("out/a.png", PNG)]);
        symlink(root.path(), root.path().join("again")).unwrap();
        symlink(root.path().join("a.png"), root.path().join("b.png")).unwrap();
        assert_eq!(names(root.path(), Some(&root.path().join("out"))), ["a.png", "b.png"]);
    }

    #[test]
    fn a_named_file_is_taken_whatever_it_is_and_a_missing_one_is_told() {
        let root = tree(&[("deep/notes.txt", b"x")]);
        let paths = [root.path().join("deep/notes.txt"), root.path().join("none.jpg")];
        let listing = list(&paths, None);
        assert_eq!(listing.inputs[0].within, Path::new("notes.txt"));
        assert!(listing.unreadable[0].to_string().contains("none.jpg: No such file"));
    }

    #[test]
    fn what_is_no_picture_is_refused_by_its_first_bytes() {
        let root = tree(&[("a.png", MP4), ("b.png", b""), ("c.png", b"text"), ("d.mp4", PNG)]);
        let read = |name| read_picture(&root.path().join(name));
        assert!(read("a.png").unwrap_err().to_string().starts_with("a video (video/mp4)"));
        assert!(matches!(read("b.png"), Err(ReadError::Empty)));
        assert!(matches!(read("c.png"), Err(ReadError::UnknownFormat)));
        assert!(matches!(read("none"), Err(ReadError::Io(_))));
        assert_eq!(read("d.mp4").unwrap(), PNG);
    }
}
