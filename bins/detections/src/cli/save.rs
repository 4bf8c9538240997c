//! Where `--save` writes: a name in its folder for each picture and video, no two the same, none outside it
//! and none of them a file that is being read.

mod film;

use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    fs, io,
    path::{Component, Path, PathBuf},
};

use detections_frames::{FrameError, StillEncoding, encode_still};
use detections_types::Image;

pub(super) use self::film::Film;
use super::inputs::{Input, Kind};

/// Quality of JPEG files, 1..=100.
const JPEG_QUALITY: u8 = 90;

/// A folder that was asked for cannot take the results.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlanError {
    #[error("--save {}: {source}", .folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error("--save would overwrite {}; choose another folder", .0.display())]
    Overwrite(PathBuf),
}

/// Why one picture or video was not saved.
#[derive(Debug, thiserror::Error)]
pub(super) enum SaveError {
    #[error("{}: {source}", .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Encode(#[from] FrameError),
}

/// The file that one picture or video is saved as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    folder: PathBuf,
    name: PathBuf,
}

/// Makes `folder` and chooses a file in it for each of `inputs`, in their order.
pub(super) fn plan(folder: &Path, inputs: &[Input]) -> Result<Vec<Target>, PlanError> {
    let unusable = |source| PlanError::Folder { folder: folder.into(), source };
    fs::create_dir_all(folder).map_err(unusable)?;
    let folder = folder.canonicalize().map_err(unusable)?;
    let sources: HashSet<PathBuf> =
        inputs.iter().filter_map(|input| input.path.canonicalize().ok()).collect();
    let names = names(inputs);
    let targets = names.into_iter().map(|name| Target { folder: folder.clone(), name });
    targets.map(|target| target.unless_it_is_one_of(&sources)).collect()
}

impl Target {
    fn unless_it_is_one_of(self, sources: &HashSet<PathBuf>) -> Result<Self, PlanError> {
        match self.path().canonicalize() {
            Ok(path) if sources.contains(&path) => Err(PlanError::Overwrite(path)),
            _ => Ok(self),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// Encodes `image` as the file's name says and puts it there whole or not at all.
    pub(super) fn write(&self, image: &Image) -> Result<(), SaveError> {
        let encoding = if has_extension(&self.name, &["png"]) {
            StillEncoding::Png
        } else {
            StillEncoding::Jpeg { quality: JPEG_QUALITY }
        };
        let bytes = encode_still(image.view(), encoding)?;
        self.put(&bytes).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> SaveError {
        SaveError::Write { path: self.path(), source }
    }

    fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let unfinished = self.prepare()?;
        fs::write(&unfinished, bytes)?;
        self.finish(&unfinished)
    }

    /// Makes the folder of the file; returns where it lies while it is not finished.
    fn prepare(&self) -> io::Result<PathBuf> {
        let path = self.path();
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
            // Links that were there before might lead elsewhere.
            if !parent.canonicalize()?.starts_with(&self.folder) {
                return Err(io::Error::other("a link leads out of the folder of --save"));
            }
        }
        let unfinished = with_suffix(&path, ".part");
        // A link that was left there would be followed.
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(unfinished),
        }
    }

    /// Puts what is finished in its place; a link there is replaced, not followed.
    fn finish(&self, unfinished: &Path) -> io::Result<()> {
        fs::rename(unfinished, self.path())
    }
}

/// A name for each input. Those that keep their own name choose first.
fn names(inputs: &[Input]) -> Vec<PathBuf> {
    let mut taken = HashSet::new();
    let mut names = vec![PathBuf::new(); inputs.len()];
    for keeps_name in [true, false] {
        for (input, name) in inputs.iter().zip(&mut names) {
            if (saved_as(&input.within, input.kind) == input.within) == keeps_name {
                *name = free_name(input, &mut taken);
            }
        }
    }
    names
}

/// The first name that is not taken: where the file lies in the folder that was named, the same with its
/// old ending kept, its whole path, then numbered.
fn free_name(input: &Input, taken: &mut HashSet<PathBuf>) -> PathBuf {
    let (within, kind): (&Path, Kind) = (&input.within, input.kind);
    let whole: PathBuf = normal_part(&input.path);
    let short = saved_as(within, kind);
    let plain = [
        short.clone(),
        with_ending_kept(within, kind),
        saved_as(&whole, kind),
        with_ending_kept(&whole, kind),
    ];
    let numbered = (2_u64..).map(|number| with_number(&short, number));
    let free = plain.into_iter().chain(numbered).find(|name| taken.insert(name.clone()));
    free.unwrap_or(short)
}

/// The ending that a saved file gets, and the endings that it may keep.
const fn endings(kind: Kind) -> (&'static str, &'static [&'static str]) {
    match kind {
        Kind::Picture => ("jpg", &["png", "jpg", "jpeg"]),
        Kind::Video => ("mp4", &["mp4"]),
    }
}

/// PNG, JPEG and MP4 keep their ending; every other picture becomes a JPEG, every other video an MP4.
fn saved_as(path: &Path, kind: Kind) -> PathBuf {
    let (ending, kept) = endings(kind);
    if has_extension(path, kept) { path.to_path_buf() } else { path.with_extension(ending) }
}

fn with_ending_kept(path: &Path, kind: Kind) -> PathBuf {
    if saved_as(path, kind) == path {
        return path.to_path_buf();
    }
    with_suffix(path, &format!(".{}", endings(kind).0))
}

fn with_number(path: &Path, number: u64) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}."));
    name.push(path.extension().unwrap_or_default());
    path.with_file_name(name)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn has_extension(path: &Path, endings: &[&str]) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    extension.is_some_and(|ext| endings.iter().any(|ending| ext.eq_ignore_ascii_case(ending)))
}

/// The path without its root and without steps up, so that joining it stays inside a folder.
fn normal_part(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::symlink,
        path::{Component, PathBuf},
    };

    use detections_types::Image;

    use super::{Input, Kind, PlanError, names, plan};

    fn input(path: &str, within: &str) -> Input {
        let is_video = within.ends_with(".mp4") || within.ends_with(".mkv");
        let kind = if is_video { Kind::Video } else { Kind::Picture };
        Input { path: path.into(), within: within.into(), kind }
    }

    fn check(inputs: &[(&str, &str)], expected: &[&str]) {
        let inputs: Vec<Input> = inputs.iter().map(|(path, within)| input(path, within)).collect();
        let names = names(&inputs);
        let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
        assert_eq!(names, expected);
        assert!(
            names.iter().flat_map(|n| n.components()).all(|c| matches!(c, Component::Normal(_)))
        );
    }

    #[test]
    fn names_and_folders_are_kept() {
        check(
            &[("pics/a.png", "a.png"), ("pics/sub/b.JPEG", "sub/b.JPEG"), ("c.webp", "c.webp")],
            &["a.png", "sub/b.JPEG", "c.jpg"],
        );
        check(
            &[("noending", "noending"), (".hidden", ".hidden")],
            &["noending.jpg", ".hidden.jpg"],
        );
    }

    #[test]
    fn pictures_of_the_same_name_are_kept_apart() {
        check(&[("foo.png", "foo.png"), ("foo.jpg", "foo.jpg")], &["foo.png", "foo.jpg"]);
        check(&[("foo.bmp", "foo.bmp"), ("foo.jpg", "foo.jpg")], &["foo.bmp.jpg", "foo.jpg"]);
        check(&[("a/x.jpg", "x.jpg"), ("b/x.jpg", "x.jpg")], &["x.jpg", "b/x.jpg"]);
        check(
            &[("x.jpg", "x.jpg"), ("../x.jpg", "x.jpg"), ("/x.jpg", "x.jpg")],
            &["x.jpg", "x-2.jpg", "x-3.jpg"],
        );
        check(&[("../../b/x.gif", "x.gif"), ("c/x.gif", "x.gif")], &["x.jpg", "x.gif.jpg"]);
    }

    #[test]
    fn videos_become_mp4_beside_pictures_of_the_same_name() {
        check(
            &[("x.mkv", "x.mkv"), ("x.mp4", "x.mp4"), ("x.jpg", "x.jpg")],
            &["x.mkv.mp4", "x.mp4", "x.jpg"],
        );
        check(&[("a/y.mkv", "y.mkv"), ("b/y.mkv", "y.mkv")], &["y.mp4", "y.mkv.mp4"]);
    }

    #[test]
    fn a_picture_that_is_read_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        fs::write(&path, b"").unwrap();
        let inputs = [input(path.to_str().unwrap(), "a.png")];
        assert!(matches!(plan(folder.path(), &inputs), Err(PlanError::Overwrite(_))));
        assert!(matches!(plan(&path, &inputs), Err(PlanError::Folder { .. })));
        assert_eq!(plan(&folder.path().join("x/y"), &inputs).unwrap().len(), 1);
    }

    #[test]
    fn links_neither_lead_out_of_the_folder_nor_are_written_through() {
        let root = tempfile::tempdir().unwrap();
        let (outside, folder) = (root.path().join("outside"), root.path().join("d"));
        for made in [&outside, &folder] {
            fs::create_dir(made).unwrap();
        }
        fs::write(outside.join("kept"), b"kept").unwrap();
        symlink(outside.join("kept"), folder.join("a.png")).unwrap();
        symlink(&outside, folder.join("sub")).unwrap();
        let inputs = [input("a.png", "a.png"), input("sub/b.png", "sub/b.png")];
        let targets = plan(&folder, &inputs).unwrap();
        let image = Image::rgb8(2, 1, vec![9; 6]).unwrap();
        targets[0].write(&image).unwrap();
        let error = targets[1].write(&image).unwrap_err().to_string();
        assert!(error.contains("leads out"), "{error}");
        assert_eq!(fs::read(outside.join("kept")).unwrap(), b"kept");
        assert!(fs::read(folder.join("a.png")).unwrap().starts_with(b"\x89PNG"));
        let names = |folder| fs::read_dir(folder).unwrap().count();
        assert_eq!((names(&outside), names(&folder)), (1, 2));
    }
}
