//! One file over time: what is taken into use, refused, kept and found again.

use std::fs;

use detections_models::{BearerToken, CacheEntry, Change, RemoteFile};

use super::server::{Script, Server, answer, remote};

fn file(etag: &str, body: &[u8]) -> Script {
    Script::Send(answer("200 OK", &[&format!("etag: \"{etag}\"")], body))
}

fn unmodified() -> Script {
    Script::Send(answer("304 Not Modified", &[], b""))
}

#[track_caller]
fn new(file: &mut RemoteFile) -> CacheEntry {
    let Change::New(entry) = file.check(None).unwrap() else { panic!("nothing new") };
    entry
}

#[test]
fn what_is_in_use_survives_and_is_not_downloaded_again() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::new(vec![file("a", b"first"), unmodified()]);
    let mut first = remote(&server.url, cache.path());
    let entry = new(&mut first);
    first.accept(&entry).unwrap();

    let mut later = remote(&server.url, cache.path());
    assert_eq!(later.cached().unwrap().1, b"first");
    assert_eq!(later.check(None).unwrap(), Change::Unchanged);
    assert!(server.head(1).contains("if-none-match: \"a\""), "{}", server.head(1));
}

#[test]
fn what_was_refused_is_asked_for_by_its_tag_until_somebody_wants_it() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::new(vec![
        file("a", b"good"),
        file("b", b"bad"),
        file("b", b"bad"),
        file("b", b"bad"),
    ]);
    let mut remote = remote(&server.url, cache.path());
    let good = new(&mut remote);
    remote.accept(&good).unwrap();
    let bad = new(&mut remote);
    remote.refuse(Some(&bad));
    assert!(remote.read(&bad).is_err(), "its file is gone");
    // This server ignores the condition, and its body is not read.
    assert_eq!(remote.check(None).unwrap(), Change::Unchanged);
    assert!(server.head(2).contains("if-none-match: \"b\""), "{}", server.head(2));
    remote.forget_refusals();
    assert_eq!(new(&mut remote).sha256, bad.sha256);
    assert!(server.head(3).contains("if-none-match: \"a\""), "{}", server.head(3));
}

#[test]
fn a_loader_that_goes_back_is_followed_without_a_download() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::new(vec![file("a", b"good"), file("b", b"bad"), file("a", b"good")]);
    let mut remote = remote(&server.url, cache.path());
    let good = new(&mut remote);
    remote.accept(&good).unwrap();
    let bad = new(&mut remote);
    remote.refuse(Some(&bad));
    assert_eq!(remote.check(None).unwrap(), Change::Back);
}

#[test]
fn the_one_in_use_and_the_one_before_are_kept_and_no_other() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::new(vec![file("a", b"1"), file("b", b"2"), file("c", b"3")]);
    let mut following = remote(&server.url, cache.path());
    let entries: Vec<_> = (0..3)
        .map(|_| {
            let entry = new(&mut following);
            following.accept(&entry).unwrap();
            entry
        })
        .collect();
    assert!(following.read(&entries[0]).is_err());
    assert!(following.read(&entries[1]).is_ok() && following.read(&entries[2]).is_ok());

    // A damaged file is never served, and the one before it takes its place.
    let path = cache.path().read_dir().unwrap().next().unwrap().unwrap().path();
    fs::write(path.join(format!("{}.file", entries[2].sha256)), b"X").unwrap();
    let mut later = remote(&server.url, cache.path());
    assert_eq!(later.cached().unwrap().1, b"2");
    assert!(later.read(&entries[2]).is_err());
    fs::write(path.join("index.json"), b"{").unwrap();
    assert!(remote(&server.url, cache.path()).cached().is_none());
}

#[test]
fn a_token_goes_to_the_loader_and_follows_no_redirect_away() {
    let cache = tempfile::tempdir().unwrap();
    let here = Script::Send(answer("307 Temporary Redirect", &["location: /other"], b""));
    let server = Server::new(vec![here, file("a", b"1")]);
    let token = BearerToken::new("s3cret").unwrap();
    assert!(matches!(remote(&server.url, cache.path()).check(Some(&token)), Ok(Change::New(_))));
    assert!(server.head(1).starts_with("get /other "), "{}", server.head(1));
    assert!(server.head(1).contains("authorization: bearer s3cret"), "{}", server.head(1));
    assert_eq!(server.requests(), 2);
}
