//! The outbox's file: damaged, foreign, in use, unreadable to others, and left by a program that was killed.

use std::{fs, os::unix::fs::PermissionsExt, sync::Arc};

use detections_annotations::{AnnotationsError, Outbox};
use detections_types::ErrorKind;

use crate::{
    clock::ManualClock,
    fixture::{Fixture, LIMITS, frame, settings},
    server::Server,
};

fn open(folder: &std::path::Path) -> Result<Outbox, AnnotationsError> {
    Outbox::open(folder, LIMITS, Arc::new(ManualClock::new()))
}

#[test]
fn a_damaged_or_foreign_file_is_named_and_left_as_it_is() {
    let good = {
        let fixture = Fixture::new();
        fixture.video("a", 200);
        let Fixture { folder, outbox, .. } = fixture;
        drop(outbox);
        fs::read(folder.path().join("outbox.sqlite3")).unwrap()
    };
    let mut holed = good.clone();
    holed[4096 * 3..4096 * 6].fill(0x5a);
    for bytes in [b"not a database at all, but long enough to be one".repeat(100), holed] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox.sqlite3");
        fs::write(&path, &bytes).unwrap();
        let error = open(folder.path()).unwrap_err();
        assert!(matches!(error, AnnotationsError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("outbox.sqlite3"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn only_one_opens_it_and_only_its_owner_reads_it() {
    let fixture = Fixture::new();
    let error = open(fixture.folder.path()).unwrap_err();
    assert!(matches!(error, AnnotationsError::InUse { .. }), "{error}");
    for file in fs::read_dir(fixture.folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?} {mode:o}", file.path());
    }
    let Fixture { folder, outbox, .. } = fixture;
    drop(outbox);
    open(folder.path()).unwrap();
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("outbox");
    fs::write(&taken, b"a file").unwrap();
    let error = open(&taken).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("outbox"), "{error}");

    let sealed = folder.path().join("sealed");
    fs::create_dir(&sealed).unwrap();
    fs::set_permissions(&sealed, fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(sealed.join("x"), b"x").is_ok() {
        eprintln!("skipped: this user writes into read-only folders");
        return;
    }
    assert!(matches!(open(&sealed), Err(AnnotationsError::Unusable { .. })));
}

#[test]
fn what_a_killed_program_had_stored_of_an_unfinished_video_is_delivered_as_cut_off() {
    let fixture = Fixture::new();
    let mut recording = fixture.record("a");
    for index in 0..3 {
        let kept = recording.keep(&frame(index)).unwrap().unwrap();
        recording.store(kept, None).unwrap().wait().unwrap();
    }
    // What the disk holds in the moment in which the tickets were answered, as after a kill.
    let left = tempfile::tempdir().unwrap();
    for name in ["outbox.sqlite3", "outbox.sqlite3-wal"] {
        fs::copy(fixture.folder.path().join(name), left.path().join(name)).unwrap();
    }
    let outbox = open(left.path()).unwrap();
    let server = Server::start();
    let _delivery =
        detections_annotations::Delivery::spawn(&outbox, settings(&server.url(), 1)).unwrap();
    let posts = server.wait_for(3);
    assert_eq!(posts.iter().map(crate::server::Post::frame).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(posts[0].body["media"]["sha256"].is_null());
}
